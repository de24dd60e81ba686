import Crypto
import OvationCore
import OvationWire

extension Call {
    /// The profile that the path names, through a keyspace that was resolved before.
    func profile(in keyspace: Keyspace, of caller: Identity) throws(Problem) -> ProfileAddress {
        try ProfileAddress(path.text("key"), in: keyspace, account: caller.key.account)
    }
}

extension ProfileAddress {
    /// - Parameter key: as somebody wrote it.
    init(_ key: String, in keyspace: Keyspace, account: Int64) throws(Problem) {
        let key = try ProfileKey(key, format: keyspace.keyFormat)
        self.init(
            account: account, keyspace: keyspace.number, key: key,
            foundingID: .founding(account: account, keyspace: keyspace.number, key: key))
    }
}

extension ProfileID {
    /// The first eight bytes of SHA-256 over account, keyspace and key, each as eight bytes or length and bytes. Never
    /// Swift's Hasher, which is seeded anew in each process.
    static func founding(account: Int64, keyspace: Int64, key: ProfileKey) -> ProfileID {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(24 + key.text.utf8.count)
        for number in [account, keyspace, Int64(key.text.utf8.count)] {
            withUnsafeBytes(of: number.bigEndian) { bytes.append(contentsOf: $0) }
        }
        bytes.append(contentsOf: key.text.utf8)
        let digest = SHA256.hash(data: bytes)
        return ProfileID(
            digest.withUnsafeBytes { Int64(bigEndian: $0.loadUnaligned(as: Int64.self)) })
    }
}
