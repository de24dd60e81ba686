/// A hash of bytes that is the same in every process and in every version, so that it can be stored. It finds accidents;
/// it is no protection against somebody who looks for two texts with one hash.
package enum StableHash {
    /// Reads eight bytes at a time, by the folded product of two numbers of 64 bits.
    package static func of(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var hash: UInt64 = 0x243F_6A88_85A3_08D3
        var offset = 0
        while offset + 8 <= bytes.count {
            let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            hash = mix(word ^ 0x1319_8A2E_0370_7344, hash ^ 0xA409_3822_299F_31D0)
            offset += 8
        }
        var rest: UInt64 = 0
        while offset < bytes.count {
            rest = rest << 8 | UInt64(bytes[offset])
            offset += 1
        }
        hash = mix(rest ^ 0x082E_FA98_EC4E_6C89, hash ^ 0x4528_21E6_38D0_1377)
        return mix(hash ^ UInt64(bytes.count), 0xBE54_66CF_34E9_0C6D)
    }

    package static func mix(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }
}
