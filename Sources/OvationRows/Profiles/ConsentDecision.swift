package import OvationCore

/// What consents that are asked for become, from what the profile has when they are written.
package struct ConsentDecision {
    /// What is to be written. Each differs from what is there.
    package private(set) var edits: [ProfileEdit] = []
    /// Whether the profile had none at one of these places.
    package private(set) var isMade = false
    /// Why nothing may be written; nil: it may.
    package private(set) var refusal: ProfileChangeOutcome?

    /// - Parameters:
    ///   - asked: each place once.
    ///   - held: what the whole profile has in a field.
    package init(_ asked: [ConsentEdit], held: (ProfileField) throws -> ProfileValue?) rethrows {
        for edit in asked {
            let current = try held(edit.place.field)
            switch edit.transition(from: current) {
            case .made:
                isMade = true
                edits.append(edit.edit)
            case .changed: edits.append(edit.edit)
            case .refused:
                guard edit.refused == .refusesChange, let type = current.flatMap({ Consent($0) })?.type else {
                    continue
                }
                refusal = .consentRefused(current: type)
                return
            }
        }
    }
}
