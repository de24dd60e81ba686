/// `GET /console/sign-in`, posted to the same address. Rendered without navigation.
public struct SignInPage: ConsolePage {
    public static let template = "sign_in"
    public var title: String { "Sign in" }

    /// As it was typed, after an attempt that failed.
    public let clientID: String
    /// Where to go afterwards.
    public let next: String
    public let error: String?

    public init(clientID: String = "", next: String, error: String? = nil) {
        self.clientID = clientID
        self.next = next
        self.error = error
    }
}

/// Any address that cannot be shown. With navigation if the user is signed in, without it otherwise.
public struct ProblemPage: ConsolePage {
    public static let template = "problem"
    public var title: String { heading }

    public let status: Int
    /// Such as `Not found`.
    public let heading: String
    public let detail: String
    public let requestID: String?
    /// What the reader can do about it, a sentence each.
    public let advice: [String]
    public let back: Link

    public init(
        status: Int, heading: String, detail: String, requestID: String? = nil, advice: [String] = [],
        back: Link = Link(text: "Back to the overview", href: "/console")
    ) {
        self.status = status
        self.heading = heading
        self.detail = detail
        self.requestID = requestID
        self.advice = advice
        self.back = back
    }
}

/// Asks before something that cannot be taken back, or that others may notice. One page for all such acts.
public struct ConfirmPage: ConsolePage {
    public static let template = "confirm"
    /// The hidden field by which a form says that its question was asked. Only templates that ask have it.
    public static let confirmed = "confirmed"
    public var title: String { heading }

    public struct HiddenField: Sendable, Equatable {
        public let name: String
        public let value: String

        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// As a question: `Remove my transaction?`
    public let heading: String
    /// Paragraphs.
    public let explanation: [String]
    /// What will no longer work, a line each.
    public let consequences: [String]
    public let action: String
    public let hidden: [HiddenField]
    public let button: String
    public let danger: Bool
    public let cancel: String
    /// A second button, that leads back to a form and keeps what was typed; the value of `action`.
    public let back: Choice?

    public init(
        heading: String, explanation: [String], consequences: [String] = [], action: String,
        hidden: [HiddenField] = [], button: String, danger: Bool = true, cancel: String, back: Choice? = nil
    ) {
        self.heading = heading
        self.explanation = explanation
        self.consequences = consequences
        self.action = action
        self.hidden = hidden
        self.button = button
        self.danger = danger
        self.cancel = cancel
        self.back = back
    }
}
