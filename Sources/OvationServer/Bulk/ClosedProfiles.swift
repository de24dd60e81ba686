import OvationCore

/// Profiles of a chunk of which the store has said that they take no data.
struct ClosedProfiles {
    private struct Address: Hashable {
        let keyspace: Int64
        let key: String
    }

    private var states: [Address: ProfileState] = [:]

    var isEmpty: Bool { states.isEmpty }

    mutating func add(_ refused: [RefusedProfile], of chunk: EventChunk) {
        for profile in refused {
            let found = chunk.profiles[profile.index]
            let key = String(decoding: chunk.keys[found.key], as: UTF8.self)
            states[Address(keyspace: found.keyspace, key: key)] = profile.state
        }
    }

    /// nil: nothing is known against it.
    func problem(of key: ProfileKey, keyspace: Int64) -> Problem? {
        states[Address(keyspace: keyspace, key: key.text)]?.problem
    }
}
