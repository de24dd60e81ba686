import OvationCore

/// Which consents are set, by the rules as a person would say them.
struct ConsentModel {
    private(set) var edits: [ProfileEdit] = []
    private(set) var isMade = false
    private(set) var refusal: ProfileChangeOutcome?

    /// How many consents somebody has in his sections. What was lifted is none.
    static func count(_ sections: [[ProfileField: ProfileValue]]) -> Int64 {
        Int64(sections.reduce(0) { $0 + $1.count { $0.key.kind == .consent && $0.value.version != 5 } })
    }

    /// - Parameter held: what the profile has in the section.
    init(_ asked: [ConsentEdit], held: [ProfileField: ProfileValue]) {
        for edit in asked {
            let current = held[edit.place.field].flatMap { Consent($0) }
            guard case .consent(let consent) = edit.wanted else {
                if case .lift(let lift) = edit.wanted, current?.type == .optOut {
                    let text = "\(lift.source.utf8.count):" + lift.source + lift.reason
                    edits.append(ProfileEdit(edit.place.field, ProfileValue(version: 5, value: .string(text))))
                }
                continue
            }
            let wanted = consent.type
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
                            value: .string("\(consent.source.utf8.count):" + consent.source + consent.reason))))
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
