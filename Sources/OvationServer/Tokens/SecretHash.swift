import Crypto
import OvationCore

/// The stored form of a client secret: HMAC-SHA256 under a key that the store made for itself.
///
/// A slow hash protects passwords that people choose. Client secrets are 64 random characters, so guessing is hopeless
/// even with a fast hash; and a slow hash would let anybody keep the server busy by asking for tokens. A secret that an
/// operator sets must have at least 16 characters for the same reason.
struct SecretHash: Sendable {
    private let key: SymmetricKey

    init(serverSecret: [UInt8]) {
        key = SymmetricKey(data: serverSecret)
    }

    func hash(_ secret: String) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: Array(secret.utf8), using: key))
    }

    /// Takes the same time wherever the two differ.
    func matches(_ secret: String, _ hash: [UInt8]) -> Bool {
        HMAC<SHA256>.isValidAuthenticationCode(hash, authenticating: Array(secret.utf8), using: key)
    }

    /// Whether a secret is the key's, or the previous one while that still works. Takes the same time if there is no
    /// key.
    func matches(_ secret: String, _ key: APIKey?, at now: Timestamp) -> Bool {
        let isCurrent = matches(secret, key?.secretHash ?? [])
        let isPrevious = matches(secret, key?.previousSecret?.hash ?? [])
        return isCurrent || (isPrevious && now < key?.previousSecret?.validUntil ?? now)
    }

    /// 64 letters and digits, like the vendor's newer secrets: 381 bits.
    static func makeSecret() -> String {
        var random = SystemRandomNumberGenerator()
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
        return String((0..<64).map { _ in alphabet.randomElement(using: &random)! })
    }

    /// A random UUID (version 4) in lower case.
    static func makeClientID() -> String {
        var bytes = (0..<16).map { _ in UInt8.random(in: .min ... .max) }
        bytes[6] = bytes[6] & 0x0F | 0x40
        bytes[8] = bytes[8] & 0x3F | 0x80
        var id = ""
        for (index, digit) in Hexadecimal.text(of: bytes).enumerated() {
            if [8, 12, 16, 20].contains(index) { id += "-" }
            id.append(digit)
        }
        return id
    }
}
