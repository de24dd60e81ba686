import OvationCore

/// Jobs as rows.
enum JobRows {
    /// - Parameter isRepeat: the same was sent before, and whether it took effect is not known.
    static func add(_ connection: PostgresConnection, _ job: Job, openMax: Int, isRepeat: Bool) throws -> Bool {
        if isRepeat, try find(connection, job.id, account: job.account) != nil { return true }
        do {
            let begun = try connection.run([
                Command(.begin), Command(JobSQL.lock) { $0.add(job.account) },
                Command(JobSQL.countOpen) {
                    $0.add(job.account)
                    $0.add(job.kind.rawValue)
                    // One that waits too long ends when a server looks for it.
                    $0.add(Job.State.waitingForFile.rawValue)
                    $0.add(job.createdAt.milliseconds)
                },
            ])
            guard begun[2].int64(0, 0) < Int64(openMax) else {
                try connection.run([Command(.commit)])
                return false
            }
            let insert = Command(JobSQL.insert) { arguments in
                arguments.add(job.id.text)
                arguments.add(job.account)
                arguments.add(job.kind.rawValue)
                arguments.add(job.section)
                arguments.add(job.actor)
                arguments.add(job.createdAt.milliseconds)
                arguments.add(job.request)
                arguments.add(job.uploadHash)
                addChanging(job, to: &arguments)
                arguments.add(job.revision)
            }
            try connection.run([insert, Command(.commit)])
            return true
        } catch {
            try connection.rollBackIfNeeded()
            throw error
        }
    }

    /// What changes of a job, in the order of the columns.
    private static func addChanging(_ job: Job, to arguments: inout Arguments) {
        arguments.add(job.state.rawValue)
        arguments.add(job.expiresAt.milliseconds)
        arguments.add(job.endedAt?.milliseconds)
        arguments.add(orNull: job.lease?.owner)
        arguments.add(job.lease?.until.milliseconds)
        for number in [
            job.fileBytes, job.place.bytes, job.place.line, job.place.reportBytes, job.counts.made, job.counts.updated,
            job.counts.unchanged, job.counts.refused,
        ] {
            arguments.add(number)
        }
        arguments.add(orNull: job.failure?.code.rawValue)
        arguments.add(orNull: job.failure?.detail)
    }

    static func save(_ connection: PostgresConnection, _ job: Job, isRepeat: Bool) throws -> Job? {
        let rows = try connection.run(JobSQL.update) { arguments in
            arguments.add(job.id.text)
            arguments.add(job.account)
            arguments.add(job.revision)
            addChanging(job, to: &arguments)
        }
        if rows.count == 1 { return job.saved() }
        // A job of a list is saved without its request.
        guard isRepeat, try find(connection, job.id, account: job.account)?.listed == job.saved().listed else {
            return nil
        }
        return job.saved()
    }

    static func remove(_ connection: PostgresConnection, expiredAt time: Timestamp) throws {
        _ = try connection.run(JobSQL.remove) { $0.add(time.milliseconds) }
    }

    static func find(_ connection: PostgresConnection, _ id: JobID, account: Int64) throws -> Job? {
        let rows = try connection.run(JobSQL.find) {
            $0.add(id.text)
            $0.add(account)
        }
        return rows.count == 1 ? try job(rows, 0) : nil
    }

    static func list(
        _ connection: PostgresConnection, account: Int64, before position: JobPosition?, limit: Int
    ) throws -> [Job] {
        let rows = try connection.run(JobSQL.list) {
            $0.add(account)
            $0.add(position?.createdAt.milliseconds ?? .max)
            $0.add(position?.id.text ?? "")
            $0.add(Int64(max(limit, 0)))
        }
        return try (0..<rows.count).map { try job(rows, $0) }
    }

    static func open(_ connection: PostgresConnection, limit: Int) throws -> [Job] {
        let rows = try connection.run(JobSQL.open) { $0.add(Int64(max(limit, 0))) }
        return try (0..<rows.count).map { try job(rows, $0) }
    }

    private static func job(_ rows: PostgresResult, _ row: Int) throws -> Job {
        guard let id = JobID(rows.text(row, 0)), let kind = Job.Kind(rawValue: rows.text(row, 2)),
            let state = Job.State(rawValue: rows.text(row, 8))
        else { throw StoreFailure(.damaged, "a job cannot be read") }
        let owner = rows.textOrNil(row, 11)
        let until = rows.timeOrNil(row, 12)
        let failure = rows.textOrNil(row, 21).map {
            Job.Failure(Problem.Code(rawValue: $0), rows.textOrNil(row, 22) ?? "")
        }
        return Job(
            id: id, account: rows.int64(row, 1), kind: kind, section: rows.int64(row, 3), actor: rows.text(row, 4),
            createdAt: rows.time(row, 5), request: rows.bytes(row, 6), uploadHash: rows.bytes(row, 7), state: state,
            expiresAt: rows.time(row, 9), endedAt: rows.timeOrNil(row, 10),
            lease: until.flatMap { until in owner.map { Job.Lease(owner: $0, until: until) } },
            fileBytes: rows.int64(row, 13),
            place: Job.Place(
                bytes: rows.int64(row, 14), line: rows.int64(row, 15), reportBytes: rows.int64(row, 16)),
            counts: Job.Counts(
                made: rows.int64(row, 17), updated: rows.int64(row, 18), unchanged: rows.int64(row, 19),
                refused: rows.int64(row, 20)),
            failure: failure, revision: rows.int64(row, 23))
    }
}
