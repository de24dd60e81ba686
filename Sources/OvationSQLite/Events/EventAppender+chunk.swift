import OvationCore
import OvationRows

extension EventAppender {
    /// Runs inside the group's transaction. It goes profile by profile, so that it looks for each profile once.
    func append(_ chunk: EventChunk) throws -> AppendOutcome {
        note(chunk.receivedAt)
        if let idempotency = chunk.idempotency {
            if let outcome = try outcome(account: chunk.account, of: idempotency, at: chunk.receivedAt) {
                if case .duplicate = outcome { activity.tally.addDuplicates(of: chunk) }
                return outcome
            }
            try remember(idempotency, account: chunk.account, at: chunk.receivedAt)
        }
        try chunk.keys.withUnsafeBufferPointer { keys in
            try chunk.data.withUnsafeBufferPointer { data in
                var row = 0
                for profile in chunk.profiles {
                    let key = UnsafeBufferPointer(rebasing: keys[profile.key])
                    let id = try profileID(
                        account: chunk.account, keyspace: profile.keyspace, key: key, founding: profile.foundingID,
                        at: chunk.receivedAt)
                    begin(profile: id, section: chunk.section, receivedAt: chunk.receivedAt)
                    while row < profile.rowsEnd {
                        let event = chunk.rows[row]
                        try insert(event.eventTime, event.version, UnsafeBufferPointer(rebasing: data[event.data]))
                        row += 1
                    }
                }
            }
        }
        try usage.count(chunk)
        activity.tally.addRefused(of: chunk)
        return .stored
    }
}
