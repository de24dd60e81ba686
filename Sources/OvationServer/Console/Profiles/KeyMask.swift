import Crypto
import OvationCore

/// Profile keys as they are shown when others see the screen: the first character, as many dots as the rest has, and a
/// mark by which two keys are told apart.
///
/// The mark is a hash under a secret of this process, which leaves it never and ends with it. Without one, somebody who
/// sees the screen could hash every mobile number of a country and find the one; and marks that stay the same for good could
/// be collected and compared.
enum KeyMask {
    private static let secret = SymmetricKey(size: .bits256)
    /// 32 of them, so that each stands for five bits; none that is taken for another.
    private static let letters = Array("0123456789abcdefghjkmnpqrstvwxyz")

    /// nil for the empty key, which nobody has.
    static func mask(_ key: String) -> String? {
        let scalars = key.unicodeScalars
        guard let first = scalars.first else { return nil }
        let count = scalars.count
        // Of a very short key, one character is much of it. By scalars: one character can be as long as the key.
        let shown = count < Limits.maskedKeyMin ? "" : String(first)
        let dots = min(count, Limits.maskLengthMax) - (shown.isEmpty ? 0 : 1)
        return shown + String(repeating: "•", count: dots) + "#" + mark(key)
    }

    /// Twenty bits: of a thousand keys on a page, two share a mark about every second time; then length and first
    /// character still differ mostly. Upper and lower case are one, as most keyspaces have it.
    private static func mark(_ key: String) -> String {
        let hash = HMAC<SHA256>.authenticationCode(for: Array(key.lowercased().utf8), using: secret)
        return String(hash.prefix(4).map { letters[Int($0 & 31)] })
    }
}

extension Visit {
    static func mask(_ key: String) -> String? { KeyMask.mask(key) }
}
