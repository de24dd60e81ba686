import OvationCore
import OvationWire

/// Who changes an account, when, and on what condition.
struct EditContext: Sendable {
    let account: Int64
    /// Client id of an API key, or `server`.
    let actor: String
    let now: Timestamp
    /// The entity tag that must still hold when the edit has its turn; nil: whatever the definitions are then.
    var entityTag: String?
    /// Whether everything is checked and nothing written.
    var isCheckOnly = false
}

extension EditContext {
    /// The caller's account, under the condition that the call states in If-Match; `Prefer: validate-only` changes nothing.
    init(_ call: Call) throws(Problem) {
        let key = try call.caller().key
        self.init(
            account: key.account, actor: key.clientID, now: call.receivedAt, entityTag: call.expectedEntityTag,
            isCheckOnly: call.isCheckOnly)
    }

    /// An act of this caller, now.
    func entry(of act: Act) -> ActEntry { ActEntry(at: now, actor: actor, act: act) }
}
