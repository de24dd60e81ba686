extension ProfileKey {
    /// Appends the normal form of a key that is plainly right: ASCII, and nothing to strip. false: it may still be a
    /// key, and nothing was appended.
    public static func append(
        plain raw: UnsafeBufferPointer<UInt8>, format: KeyFormat, to bytes: inout [UInt8]
    ) -> Bool {
        guard !raw.isEmpty else { return false }
        switch format {
        case .text:
            guard raw.count <= Limits.profileKeyBytesMax, raw.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else {
                return false
            }
            bytes.append(contentsOf: raw)
        case .mobile:
            guard Limits.mobileDigits.contains(raw.count), raw[0] != UInt8(ascii: "0"),
                raw.allSatisfy({ $0 &- 48 <= 9 })
            else { return false }
            bytes.append(contentsOf: raw)
        case .email:
            guard raw.count <= Limits.emailBytesMax, raw[0] != UInt8(ascii: "@"),
                raw[raw.count - 1] != UInt8(ascii: "@"), raw.allSatisfy({ $0 > 0x20 && $0 < 0x7F }),
                raw.count(where: { $0 == UInt8(ascii: "@") }) == 1
            else { return false }
            for byte in raw { bytes.append((65...90).contains(byte) ? byte | 0x20 : byte) }
        }
        return true
    }
}
