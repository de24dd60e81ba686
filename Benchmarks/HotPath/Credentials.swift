import OvationCore
import OvationServer

/// A signing key and a token of it. Kept in a file where the same work has to be done twice: an RSA key takes a
/// different time to make on each run, and a token of another key has other bytes.
public struct Credentials: Sendable {
    let signingKey: SigningKey
    let token: String

    /// Makes a new key, which takes up to a second.
    public init() async throws {
        signingKey = try TokenSigner.makeKey(at: Article.now)
        let signer = try await TokenSigner(region: Credentials.region, keys: [signingKey])
        token = try await signer.sign(Article.apiKey, at: Article.now)
    }

    /// Reads what ``text`` wrote; nil for anything else.
    public init?(text: String) {
        let lines = text.split(separator: "\n", maxSplits: 2)
        guard lines.count == 3 else { return nil }
        signingKey = SigningKey(
            id: String(lines[0]), privateKeyPEM: String(lines[2]), createdAt: Article.now)
        token = String(lines[1])
    }

    public var text: String { "\(signingKey.id)\n\(token)\n\(signingKey.privateKeyPEM)" }

    static let region = "eu"
}
