/// What a person said about being written to: the type, and where and why they said it.
public struct Consent: Sendable, Equatable {
    public let type: ConsentType
    /// What took it, such as the name of a form or of an integration.
    public let source: String
    /// Why it is what it is. It can be empty.
    public let reason: String

    public init(_ type: ConsentType, source: String, reason: String) {
        self.type = type
        self.source = source
        self.reason = reason
    }
}

/// The words are the API's own. The numbers are what stores keep, and never change their meaning.
public enum ConsentType: Int64, Sendable, CaseIterable {
    case optOut = 1
    case optIn = 2
    /// Asked for, and not yet confirmed by the person.
    case pendingOptIn = 3
    /// Confirmed by the person, for example by a link in a mail.
    case confirmedOptIn = 4

    public var word: String {
        switch self {
        case .optOut: "opt-out"
        case .optIn: "opt-in"
        case .pendingOptIn: "pending-opt-in"
        case .confirmedOptIn: "confirmed-opt-in"
        }
    }

    public init?(word: some StringProtocol) {
        guard let type = ConsentType.allCases.first(where: { $0.word == word }) else { return nil }
        self = type
    }

    /// Whether integrations may set it. Who has asked for a confirmation is told with the key of an admin.
    public var isSetByIntegrations: Bool {
        switch self {
        case .optIn, .optOut: true
        case .pendingOptIn, .confirmedOptIn: false
        }
    }

    /// Whether the person may be written to.
    public var allows: Bool {
        switch self {
        case .optIn, .confirmedOptIn: true
        case .optOut, .pendingOptIn: false
        }
    }
}

// MARK: - Which consents can follow each other

/// What becomes of a consent that is asked for.
public enum ConsentTransition: Sendable, Equatable {
    /// There was none.
    case made
    case changed
    /// What is there stays.
    case refused

    /// The whole table. What is there already is refused, and so is what says less: a confirmed consent is not made an
    /// unconfirmed one, and one that was given is not made one that waits.
    public init(from current: ConsentType?, to wanted: ConsentType) {
        self =
            switch (current, wanted) {
            case (nil, _): .made
            case (.optIn?, .optIn), (.optIn?, .pendingOptIn): .refused
            case (.optIn?, .optOut), (.optIn?, .confirmedOptIn): .changed
            case (.optOut?, .optOut): .refused
            case (.optOut?, .optIn), (.optOut?, .pendingOptIn), (.optOut?, .confirmedOptIn): .changed
            case (.pendingOptIn?, .pendingOptIn): .refused
            case (.pendingOptIn?, .optIn), (.pendingOptIn?, .optOut), (.pendingOptIn?, .confirmedOptIn): .changed
            case (.confirmedOptIn?, .optIn), (.confirmedOptIn?, .pendingOptIn), (.confirmedOptIn?, .confirmedOptIn):
                .refused
            case (.confirmedOptIn?, .optOut): .changed
            }
    }
}

/// One consent to set, or one opt-out to lift.
public struct ConsentEdit: Sendable, Equatable {
    public enum Wanted: Sendable, Equatable {
        case consent(Consent)
        /// Of an opt-out. Where there is none it changes nothing.
        case lift(Lift)
    }

    /// What happens to a consent that the table does not allow.
    public enum Refused: Sendable, Equatable {
        /// The whole change is refused: ``ProfileChangeOutcome/consentRefused(current:)``.
        case refusesChange
        /// It changes nothing, as if it had been there.
        case changesNothing
    }

    public let place: ConsentPlace
    public let wanted: Wanted
    public let refused: Refused
    /// Whether an opt-out stays, although the table lets it become an opt-in.
    public let keepsOptOut: Bool

    public init(
        _ place: ConsentPlace, _ consent: Consent, refused: Refused = .refusesChange, keepsOptOut: Bool = false
    ) {
        self.place = place
        wanted = .consent(consent)
        self.refused = refused
        self.keepsOptOut = keepsOptOut
    }

    public init(_ place: ConsentPlace, _ lift: Lift) {
        self.place = place
        wanted = .lift(lift)
        refused = .changesNothing
        keepsOptOut = false
    }

    /// What a store does, from what the profile has there.
    public func transition(from held: ProfileValue?) -> ConsentTransition {
        // What an other version wrote and this one cannot read is no consent; it can be overwritten.
        let current = held.flatMap { Consent($0) }?.type
        switch wanted {
        case .consent(let consent):
            if keepsOptOut, current == .optOut { return .refused }
            return ConsentTransition(from: current, to: consent.type)
        case .lift: return current == .optOut ? .changed : .refused
        }
    }

    package var edit: ProfileEdit {
        switch wanted {
        case .consent(let consent): ProfileEdit(place.field, consent.value)
        case .lift(let lift): ProfileEdit(place.field, lift.value)
        }
    }

    /// What it takes of memory, near enough.
    var bytes: Int { edit.bytes }
}
