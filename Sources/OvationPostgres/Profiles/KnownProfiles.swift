import OvationCore

/// Profiles that are certainly stored, so that a post to one of them need not ask.
///
/// A key leads to one member until it is taken from it, or the member is erased. That changes its state, and so do locks. What
/// is here is right as of ``stateNumber``, which each transaction compares with the database's, also when another server writes.
struct KnownProfiles {
    struct Address: Hashable {
        let account: Int64
        let keyspace: Int64
        let key: String

        init(account: Int64, keyspace: Int64, key: String) {
            (self.account, self.keyspace, self.key) = (account, keyspace, key)
        }

        init(_ profile: ProfileAddress) {
            self.init(account: profile.account, keyspace: profile.keyspace, key: profile.key.text)
        }
    }

    // Two generations: when the younger is full, it replaces the older, which is dropped.
    private var younger: [Address: Int64] = [:]
    private var older: [Address: Int64] = [:]
    /// Of those whose state has changed. Open: their key was taken from them.
    private var states: [Int64: ProfileState] = [:]
    /// Of the newest change of a state that is in here.
    private(set) var stateNumber: Int64
    private let generationMax: Int

    init(countMax: Int, stateNumber: Int64 = 0) {
        generationMax = max(countMax / 2, 1)
        self.stateNumber = stateNumber
    }

    /// nil: it is not known. A key that was taken from its profile, or whose profile was erased, is nobody's, or that of a
    /// profile made since.
    mutating func id(of address: Address) -> Int64? {
        if let id = younger[address] {
            if hasKey(id) { return id }
            younger[address] = nil
        }
        guard let id = older[address] else { return nil }
        guard hasKey(id) else {
            older[address] = nil
            return nil
        }
        add(address, id)
        return id
    }

    private func hasKey(_ id: Int64) -> Bool { states.isEmpty || (states[id] ?? .locked) == .locked }

    /// Of a profile whose id is known here.
    func state(of id: Int64) -> ProfileState { states.isEmpty ? .open : states[id] ?? .open }

    /// - Parameter id: of a profile that is open, or whose state was noted.
    mutating func add(_ address: Address, _ id: Int64) {
        if younger.count >= generationMax { (older, younger) = (younger, [:]) }
        younger[address] = id
    }

    /// The states that profiles have since the changes up to a number.
    mutating func note(_ new: [Int64: ProfileState], upTo number: Int64) {
        stateNumber = number
        for (id, state) in new { states[id] = KnownProfiles.newer(state, than: states[id]) }
        // Who is not known is asked for, so nothing is lost but time.
        if states.count > generationMax { forget(upTo: number) }
    }

    /// A member whose key was taken from it can be locked with its profile. The key does not come back.
    static func newer(_ new: ProfileState, than old: ProfileState?) -> ProfileState {
        old == .open && new == .locked ? .open : new
    }

    /// Knows nobody any more.
    mutating func forget(upTo number: Int64) {
        (younger, older, states, stateNumber) = ([:], [:], [:], number)
    }
}
