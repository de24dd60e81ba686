import OvationCore

/// Profiles that are certainly stored, so that a post to one of them need not ask.
///
/// A profile keeps its id until it is erased, so the ids here stay right for as long as a connection lives, even when another
/// server writes. What is here of states is right as of ``stateNumber``, which each transaction compares with the database's.
struct KnownProfiles {
    struct Address: Hashable {
        let account: Int64
        let keyspace: Int64
        let key: String
    }

    // Two generations: when the younger is full, it replaces the older, which is dropped.
    private var younger: [Address: Int64] = [:]
    private var older: [Address: Int64] = [:]
    /// Those that are not open.
    private var states: [Int64: ProfileState] = [:]
    /// Of the newest change of a state that is in here.
    private(set) var stateNumber: Int64
    private let generationMax: Int

    init(countMax: Int, stateNumber: Int64 = 0) {
        generationMax = max(countMax / 2, 1)
        self.stateNumber = stateNumber
    }

    /// nil: it is not known. The key of an erased profile is nobody's, or that of a profile made since.
    mutating func id(of address: Address) -> Int64? {
        if let id = younger[address] {
            if state(of: id) != .erased { return id }
            younger[address] = nil
        }
        guard let id = older[address] else { return nil }
        guard state(of: id) != .erased else {
            older[address] = nil
            return nil
        }
        add(address, id)
        return id
    }

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
        for (id, state) in new { states[id] = state == .open ? nil : state }
        // Who is not known is asked for, so nothing is lost but time.
        if states.count > generationMax { forget(upTo: number) }
    }

    /// Knows nobody any more.
    mutating func forget(upTo number: Int64) {
        (younger, older, states, stateNumber) = ([:], [:], [:], number)
    }
}
