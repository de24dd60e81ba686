import OvationCore
import OvationRows

extension EventAppender {
    /// Runs inside the group's transaction. It goes profile by profile, so that it looks for each profile once.
    func append(_ chunk: EventChunk) throws -> AppendOutcome {
        note(chunk.receivedAt)
        if let idempotency = chunk.idempotency,
            let outcome = try outcome(account: chunk.account, of: idempotency, at: chunk.receivedAt)
        {
            if case .duplicate = outcome { activity.tally.addDuplicates(of: chunk) }
            return outcome
        }
        return try chunk.keys.withUnsafeBufferPointer { keys in
            // All of them before anything is written: a group has no way to take back a part.
            var refused: [RefusedProfile] = []
            let found = try chunk.profiles.enumerated().map { index, profile in
                let found = try profiles.find(
                    account: chunk.account, keyspace: profile.keyspace,
                    key: UnsafeBufferPointer(rebasing: keys[profile.key]), from: profile.foundingID)
                if case .closed(_, let state) = found { refused.append(RefusedProfile(index: index, state: state)) }
                return found
            }
            // Without events it asks nothing of a profile.
            guard refused.isEmpty || chunk.rows.isEmpty else { return .refused(refused) }
            if let idempotency = chunk.idempotency {
                try remember(idempotency, account: chunk.account, at: chunk.receivedAt)
            }
            try insert(chunk, found, keys)
            try usage.count(chunk)
            activity.tally.addRefused(of: chunk)
            return .stored
        }
    }

    private func insert(
        _ chunk: EventChunk, _ found: [ProfileAppender.Found], _ keys: UnsafeBufferPointer<UInt8>
    ) throws {
        try chunk.data.withUnsafeBufferPointer { data in
            var row = 0
            for (profile, found) in zip(chunk.profiles, found) {
                let id: Int64 =
                    switch found {
                    case .open(let id), .closed(let id, _): id
                    case .free(let id):
                        try profiles.make(
                            account: chunk.account, keyspace: profile.keyspace,
                            key: UnsafeBufferPointer(rebasing: keys[profile.key]), at: id, chunk.receivedAt)
                    }
                begin(profile: id, section: chunk.section, receivedAt: chunk.receivedAt)
                while row < profile.rowsEnd {
                    let event = chunk.rows[row]
                    try insert(event.eventTime, event.version, UnsafeBufferPointer(rebasing: data[event.data]))
                    row += 1
                }
            }
        }
    }
}
