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

    /// Tells it from other accounts, also from those of other servers: sixteen hexadecimal digits. A copy of the store has it
    /// too.
    package var id: String {
        let bytes = Array("\(number) \(createdAt.milliseconds)".utf8)
        let digits = String(bytes.withUnsafeBytes { StableHash.of($0) }, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
