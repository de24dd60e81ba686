import Crypto
import OvationCore
import OvationWire

extension Call {
    /// The profile in the path, through a keyspace that was resolved before.
    func profile(in keyspace: Keyspace, of caller: Identity) throws(Problem) -> ProfileAddress {
        try ProfileAddress(path.text("key"), in: keyspace, account: caller.key.account)
    }
}

extension ProfileAddress {
    /// - Parameter key: as it was written.
    init(_ key: String, in keyspace: Keyspace, account: Int64) throws(Problem) {
        try self.init(ProfileKey(key, format: keyspace.keyFormat), in: keyspace, account: account)
    }

    init(_ key: ProfileKey, in keyspace: Keyspace, account: Int64) {
        self.init(
            account: account, keyspace: keyspace.number, key: key,
            foundingID: .founding(account: account, keyspace: keyspace.number, key: key))
    }

    /// Of a key in a body.
    /// - Parameter pointer: where it stands.
    init(
        _ key: Bodies.WrittenKey, in keyspace: Keyspace, of caller: Identity, at pointer: String
    ) throws(Problem) {
        do throws(Problem) {
            try self.init(key.text, in: keyspace, account: caller.key.account)
        } catch {
            var problem = error
            problem.errors = [ItemError(index: nil, pointer: pointer, code: error.code, detail: error.detail)]
            throw problem
        }
    }
}

extension ProfileID {
    /// The first eight bytes of SHA-256 over account, keyspace and key, each as eight bytes or length and bytes. Never
    /// Swift's Hasher, which is seeded anew in each process.
    static func founding(account: Int64, keyspace: Int64, key: ProfileKey) -> ProfileID {
        var text = key.text
        return text.withUTF8 { founding(account: account, keyspace: keyspace, key: $0) }
    }

    /// - Parameter key: in its normal form.
    static func founding(account: Int64, keyspace: Int64, key: UnsafeBufferPointer<UInt8>) -> ProfileID {
        var hash = SHA256()
        let numbers = (account.bigEndian, keyspace.bigEndian, Int64(key.count).bigEndian)
        withUnsafeBytes(of: numbers) { hash.update(bufferPointer: $0) }
        hash.update(bufferPointer: UnsafeRawBufferPointer(key))
        return ProfileID(
            hash.finalize().withUnsafeBytes { Int64(bigEndian: $0.loadUnaligned(as: Int64.self)) })
    }
}
