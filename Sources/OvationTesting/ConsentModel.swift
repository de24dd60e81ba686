import OvationCore

/// Which consents are set, by the rules as a person would say them.
struct ConsentModel {
    private(set) var edits: [ProfileEdit] = []
    private(set) var isMade = false
    private(set) var refusal: ProfileChangeOutcome?

    /// - Parameter held: what the profile has in the section.
    init(_ asked: [ConsentEdit], held: [ProfileField: ProfileValue]) {
        for edit in asked {
            let current = held[edit.place.field].flatMap { Consent($0) }
            let wanted = edit.consent.type
            if current == nil { isMade = true }
            let isAllowed: Bool =
                switch current?.type {
                case nil: true
                // What is there already is not set again.
                case wanted?: false
                // An opt-out can always be taken back, and anything can become one.
                case .optOut?, .pendingOptIn?: true
                case .optIn?: wanted == .optOut || wanted == .confirmedOptIn
                case .confirmedOptIn?: wanted == .optOut
                }
            if isAllowed {
                edits.append(
                    ProfileEdit(
                        edit.place.field,
                        ProfileValue(
                            version: wanted.rawValue,
                            value: .string(
                                "\(edit.consent.source.utf8.count):" + edit.consent.source + edit.consent.reason))))
            } else if edit.refused == .refusesChange, let current {
                refusal = .consentRefused(current: current.type)
                return
            }
        }
    }

    /// - Parameter held: what each profile has in a section.
    static func counts(_ held: [[ProfileField: ProfileValue]]) -> [ConsentCount] {
        var counts: [ProfileField: [Int64: Int64]] = [:]
        for (field, value) in held.joined() where field.kind == .consent {
            counts[field, default: [:]][value.version, default: 0] += 1
        }
        return counts.sorted { $0.key.number < $1.key.number }.flatMap { field, types in
            types.sorted { $0.key < $1.key }.compactMap { type, profiles in
                guard let place = ConsentPlace(field), let type = ConsentType(rawValue: type) else { return nil }
                return ConsentCount(place: place, type: type, profiles: profiles)
            }
        }
    }
}
