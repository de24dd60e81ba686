/// Asks for the secret again before an act that is for the holder of the key, and not for anybody at the screen.
public struct ProofPage: ConsolePage {
    public static let template = "proof"
    public var title: String { "Show that it is you" }

    public let clientID: String
    /// Where the waiting form was posted.
    public let action: String
    /// What was in it.
    public let hidden: [ConfirmPage.HiddenField]
    public let cancel: String
    public let error: String?

    public init(
        clientID: String, action: String, hidden: [ConfirmPage.HiddenField], cancel: String, error: String? = nil
    ) {
        self.clientID = clientID
        self.action = action
        self.hidden = hidden
        self.cancel = cancel
        self.error = error
    }
}
