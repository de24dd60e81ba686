/// A tenant. Everything else belongs to exactly one account.
public struct Account: Sendable, Codable, Equatable {
    /// Small number, unique in the store; used in rows and never shown.
    public let number: Int64
    public let name: String
    public let createdAt: Timestamp

    public init(number: Int64, name: String, createdAt: Timestamp) {
        self.number = number
        self.name = name
        self.createdAt = createdAt
    }
}
