import OvationCore

/// Profiles that are certainly stored, so that a post to one of them need not ask. A profile's row is never removed, so
/// an entry here stays right for the life of a connection, even if other servers write.
struct KnownProfiles {
    struct Address: Hashable {
        let account: Int64
        let keyspace: Int64
        let key: String
    }

    // Two generations: when the younger is full, it replaces the older, which is dropped.
    private var younger: [Address: Int64] = [:]
    private var older: [Address: Int64] = [:]
    private let generationMax: Int

    init(countMax: Int) {
        generationMax = max(countMax / 2, 1)
    }

    mutating func id(of address: Address) -> Int64? {
        if let id = younger[address] { return id }
        guard let id = older[address] else { return nil }
        add(address, id)
        return id
    }

    mutating func add(_ address: Address, _ id: Int64) {
        if younger.count >= generationMax { (older, younger) = (younger, [:]) }
        younger[address] = id
    }
}
