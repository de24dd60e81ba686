import Crypto
package import OvationCore

/// What stays of a key that was locked for good: enough to know the key when it comes again, and not to read it. The column
/// `key` of `profile` has it in place of the key.
///
/// A control character, which no key has, and 64 hexadecimal digits: HMAC-SHA-256 over the account, the keyspace and the key,
/// under the server's secret. Somebody who has the whole store has the secret too, and can try keys that he guesses.
package struct LockedKeys: Sendable {
    private let secret: SymmetricKey

    package init(serverSecret: [UInt8]) {
        secret = SymmetricKey(data: serverSecret)
    }

    package func mark(account: Int64, keyspace: Int64, key: String) -> String {
        var hash = HMAC<SHA256>(key: secret)
        hash.update(data: Array("locked \(account) \(keyspace) ".utf8))
        hash.update(data: Array(key.utf8))
        return LockedKeys.sign + Hexadecimal.text(of: hash.finalize())
    }

    package func mark(of address: ProfileAddress) -> String {
        mark(account: address.account, keyspace: address.keyspace, key: address.key.text)
    }

    /// - Parameter key: nil: it was taken from the member before, and nothing is left to know.
    package func mark(of key: Profile.Key?, account: Int64) -> String {
        key.map { mark(account: account, keyspace: $0.keyspace, key: $0.text) } ?? LockedKeys.sign
    }

    /// Whether a column has this in place of a key.
    package static func isMark(_ text: some StringProtocol) -> Bool { isMark(text.utf8) }
    package static func isMark(_ bytes: some Collection<UInt8>) -> Bool { bytes.first == 1 }

    private static let sign = "\u{1}"
}
