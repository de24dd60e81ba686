/// That an opt-out above the topics, or a suppression, was lifted: by what, and why. It stands where the opt-out stood, so
/// that the history has both. It is no consent.
public struct Lift: Sendable, Equatable {
    /// What lifted it, such as the name of a form or of an integration.
    public let source: String
    /// Why. It can be empty.
    public let reason: String

    public init(source: String, reason: String) {
        self.source = source
        self.reason = reason
    }
}

extension HeldField {
    /// Whether it is an opt-out, or a suppression, that holds.
    public var isOptOut: Bool { Consent(value)?.type == .optOut }
}
