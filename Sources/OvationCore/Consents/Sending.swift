/// Whether an address may be written to about a topic, and why: one answer from all that is known.
public struct Sending: Sendable, Equatable {
    /// Each is stronger than those below it.
    public enum Reason: Int, Sendable, CaseIterable, Comparable {
        /// The address takes nothing by this channel, whatever anybody consents to.
        case suppressed
        /// A profile of this address is locked.
        case locked
        /// Of the whole account.
        case accountOptOut
        /// Of the whole section.
        case sectionOptOut
        case optOut
        /// Asked for, and not confirmed.
        case pending
        case confirmedOptIn
        case optIn
        /// Nobody has said anything.
        case noConsent

        public static func < (one: Reason, other: Reason) -> Bool { one.rawValue < other.rawValue }

        public var allows: Bool { self == .optIn || self == .confirmedOptIn }
    }

    public let reason: Reason
    /// What decided; nil: it is no consent, or there is none.
    public let held: HeldField?

    public init(reason: Reason, held: HeldField? = nil) {
        self.reason = reason
        self.held = held
    }

    public var isAllowed: Bool { reason.allows }

    /// What one profile says.
    /// - Parameters:
    ///   - data: of this section and of section 0.
    ///   - topic: number in the account.
    ///   - channel: number in the account.
    public init(of data: ProfileData, section: Int64, topic: Int64, channel: Int64) {
        guard data.profile.state == .open else {
            self.init(reason: .locked)
            return
        }
        let layers: [(section: Int64, topic: Int64?, optOut: Reason)] = [
            (0, nil, .accountOptOut), (section, nil, .sectionOptOut), (section, topic, .optOut),
        ]
        for layer in layers {
            let place = ConsentPlace(topic: layer.topic, channel: channel)
            guard let held = data.sections.first(where: { $0.section == layer.section })?[place.field],
                let consent = Consent(held.value)
            else { continue }
            switch consent.type {
            case .optOut:
                self.init(reason: layer.optOut, held: held)
                return
            // Layers above the topic know opt-outs alone.
            case .optIn, .pendingOptIn, .confirmedOptIn: guard layer.topic != nil else { continue }
            }
            let reason: Reason =
                switch consent.type {
                case .optOut: layer.optOut
                case .optIn: .optIn
                case .pendingOptIn: .pending
                case .confirmedOptIn: .confirmedOptIn
                }
            self.init(reason: reason, held: held)
            return
        }
        self.init(reason: .noConsent)
    }

    /// Of several profiles that have the address: who says no is heard first.
    public static func strongest(of answers: some Sequence<Sending>) -> Sending {
        answers.min { $0.reason < $1.reason } ?? Sending(reason: .noConsent)
    }
}

extension ProfileData.Section {
    /// Fields are ordered by kind and number.
    public subscript(field: ProfileField) -> HeldField? {
        var (low, high) = (0, fields.count)
        while low < high {
            let middle = (low + high) / 2
            let other = fields[middle].field
            if (other.kind.rawValue, other.number) < (field.kind.rawValue, field.number) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low < fields.count && fields[low].field == field ? fields[low] : nil
    }
}
