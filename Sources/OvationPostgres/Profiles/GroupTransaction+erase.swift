import OvationCore
import OvationRows

/// A profile that a group erases: its row is emptied, its refused posts go, and the receipt is begun, in one commit. The rest is
/// removed afterwards, by ``ErasureRemover``. See rule 20 of DESIGN.md.
struct PlannedErasure {
    let id: ErasureID
    let position: Int64
    let change: ProfileChange
    /// The canonical member.
    let profile: Int64
    /// All of them.
    let members: [Int64]
    let keys: [Profile.Key]
    var rejections: [Rejection.ID] = []
}

extension GroupTransaction {
    /// The accounts in whose audit trail the group writes, by rising number.
    var erasedAccounts: [Int64] {
        Set(posts.compactMap { $0.erasure == nil ? nil : $0.account }).sorted()
    }

    /// Finds the refused posts of the profiles that are erased, and the numbers of the acts. No round trip, but for a group that
    /// erases something.
    func prepareErasures() throws(PostgresFailure) {
        planErasures()
        guard !erasures.isEmpty else { return }
        let accounts = Set(erasures.map(\.change.profile.account)).sorted()
        var round = Round()
        round.add(Command(Locks.rejections))
        for erasure in erasures {
            round.add(
                Command(ErasureSQL.rejectionKeys) {
                    $0.add(erasure.change.profile.account)
                    $0.add(Set(erasure.keys.map(\.keyspace)).sorted())
                    $0.add(erasure.members)
                })
        }
        for account in accounts { for question in AuditRows.questions(account: account) { round.add(question) } }
        let results = try connection.run(round.commands)
        for index in erasures.indices { erasures[index].note(rejections: results[index + 1]) }
        for (index, account) in accounts.enumerated() {
            let start = erasures.count + 1 + index * AuditRows.questionCount
            actNumbers[account] = try nextNumber(
                results[start..<start + AuditRows.questionCount], account: account)
        }
    }

    private func nextNumber(
        _ answers: ArraySlice<PostgresResult>, account: Int64
    ) throws(PostgresFailure) -> Int64 {
        do {
            return try AuditRows.nextNumber(connection, answers, account: account).number
        } catch let failure as PostgresFailure {
            throw failure
        } catch {
            throw .damaged("a note that an older server wrote cannot be read")
        }
    }

    private func planErasures() {
        for planned in planned {
            // The canonical member comes last.
            guard let id = planned.change.erasure?.id, let row = planned.draft.rows.last else { continue }
            erasures.append(
                PlannedErasure(
                    id: id, position: row.position, change: planned.change, profile: row.profile,
                    members: planned.draft.rows.map(\.profile), keys: planned.draft.erasedKeys))
        }
    }

    /// The rows of the changes are written by ``addChanges(to:)``.
    func addErasures(to round: inout Round) {
        guard !erasures.isEmpty else { return }
        for erasure in erasures where !erasure.rejections.isEmpty {
            round.add(
                Command(ErasureSQL.removeRejections) {
                    $0.add(erasure.change.profile.account)
                    $0.add(erasure.rejections)
                })
        }
        round.add(
            Command(ErasureSQL.insert) {
                $0.add(erasures.map(\.position))
                $0.add(erasures.map(\.id.text))
                $0.add(erasures.map(\.change.profile.account))
                $0.add(erasures.map(\.profile))
                $0.add(erasures.map(\.change.at.milliseconds))
                $0.add(erasures.map(\.change.actor))
                $0.add(erasures.map { Int64($0.rejections.count) })
            })
        for (account, number) in actNumbers.sorted(by: { $0.key < $1.key }) {
            let acts = erasures.filter { $0.change.profile.account == account }.map {
                ActEntry(at: $0.change.at, actor: $0.change.actor, act: Erasure.act($0.id))
            }
            round.add(AuditRows.insert(acts, from: number, account: account))
        }
    }
}

extension PlannedErasure {
    /// - Parameter rows: all that may be of the profile.
    fileprivate mutating func note(rejections rows: PostgresResult) {
        let formats = change.erasure?.formats ?? [:]
        for row in 0..<rows.count {
            let isOfKey = keys.contains { key in
                guard key.keyspace == rows.int64(row, 3), let format = formats[key.keyspace] else { return false }
                return (try? ProfileKey(rows.text(row, 1), format: format))?.text == key.text
            }
            if rows.bool(row, 2) || isOfKey { rejections.append(rows.int64(row, 0)) }
        }
        rejections.sort()
    }
}

extension QueuedWrite {
    /// nil: it erases nothing.
    fileprivate var erasure: ErasureID? {
        if case .change(let change, _) = self { change.erasure?.id } else { nil }
    }
}
