import Foundation
import GRDB
import OvationCore
import OvationRows

/// Jobs as rows.
enum JobRows {
    private static let columns = columns(request: "request")
    /// A list has no requests, which can be large.
    private static let listed = columns(request: "x''")

    private static func columns(request: String) -> String {
        """
        job_id, account_id, kind, section, actor, created_at, \(request), upload_hash, state, expires_at, ended_at,
        lease_owner, lease_until, file_bytes, done_bytes, line, report_bytes, made, updated, unchanged, refused,
        failure_code, failure, revision
        """
    }

    static func add(_ database: Database, _ job: Job, openMax: Int) throws -> Bool {
        let open = try Int.fetchOne(
            database,
            // One that waits too long ends when a server looks for it.
            sql: """
                SELECT count(*) FROM job WHERE ended_at IS NULL AND account_id = ? AND kind = ?
                    AND NOT (state = ? AND expires_at <= ?)
                """,
            arguments: [
                job.account, job.kind.rawValue, Job.State.waitingForFile.rawValue, job.createdAt.milliseconds,
            ])
        guard open ?? 0 < openMax else { return false }
        try database.execute(
            sql: """
                INSERT INTO job (\(columns)) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                job.id.text, job.account, job.kind.rawValue, job.section, job.actor, job.createdAt.milliseconds,
                Data(job.request), Data(job.uploadHash),
            ] + changing(job) + [job.revision])
        return true
    }

    /// What changes of a job, in the order of the columns.
    private static func changing(_ job: Job) -> StatementArguments {
        [
            job.state.rawValue, job.expiresAt.milliseconds, job.endedAt?.milliseconds, job.lease?.owner,
            job.lease?.until.milliseconds, job.fileBytes, job.place.bytes, job.place.line, job.place.reportBytes,
            job.counts.made, job.counts.updated, job.counts.unchanged, job.counts.refused, job.failure?.code.rawValue,
            job.failure?.detail,
        ]
    }

    static func save(_ database: Database, _ job: Job) throws -> Job? {
        try database.execute(
            sql: """
                UPDATE job SET state = ?, expires_at = ?, ended_at = ?, lease_owner = ?, lease_until = ?, file_bytes = ?,
                    done_bytes = ?, line = ?, report_bytes = ?, made = ?, updated = ?, unchanged = ?, refused = ?,
                    failure_code = ?, failure = ?, revision = revision + 1
                WHERE job_id = ? AND account_id = ? AND revision = ?
                """,
            arguments: changing(job) + [job.id.text, job.account, job.revision])
        return database.changesCount == 1 ? job.saved() : nil
    }

    static func remove(_ database: Database, expiredAt time: Timestamp) throws {
        try database.execute(
            sql: "DELETE FROM job WHERE ended_at IS NOT NULL AND expires_at <= ?", arguments: [time.milliseconds])
    }

    static func find(_ database: Database, _ id: JobID, account: Int64) throws -> Job? {
        try Row.fetchOne(
            database, sql: "SELECT \(columns) FROM job WHERE job_id = ? AND account_id = ?",
            arguments: [id.text, account]
        ).map(job)
    }

    static func list(_ database: Database, account: Int64, before position: JobPosition?, limit: Int) throws -> [Job] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT \(listed) FROM job WHERE account_id = ? AND (created_at, job_id) < (?, ?)
                ORDER BY created_at DESC, job_id DESC LIMIT ?
                """,
            // A negative LIMIT would mean no limit at all.
            arguments: [account, position?.createdAt.milliseconds ?? Int64.max, position?.id.text ?? "", max(limit, 0)]
        ).map(job)
    }

    static func open(_ database: Database, limit: Int) throws -> [Job] {
        try Row.fetchAll(
            database,
            sql: "SELECT \(listed) FROM job WHERE ended_at IS NULL ORDER BY created_at, job_id LIMIT ?",
            arguments: [max(limit, 0)]
        ).map(job)
    }

    private static func job(_ row: Row) throws -> Job {
        let words: [String] = try [0, 2, 8].map { try row.decode(atIndex: $0) }
        guard let id = JobID(words[0]), let kind = Job.Kind(rawValue: words[1]),
            let state = Job.State(rawValue: words[2])
        else { throw StoreFailure(.damaged, "a job cannot be read") }
        let owner: String? = try row.decode(atIndex: 11)
        let until: Int64? = try row.decode(atIndex: 12)
        let ended: Int64? = try row.decode(atIndex: 10)
        let code: String? = try row.decode(atIndex: 21)
        let failure: String? = try row.decode(atIndex: 22)
        let request: Data = try row.decode(atIndex: 6)
        let hash: Data = try row.decode(atIndex: 7)
        return Job(
            id: id, account: try row.decode(atIndex: 1), kind: kind, section: try row.decode(atIndex: 3),
            actor: try row.decode(atIndex: 4), createdAt: Timestamp(milliseconds: try row.decode(atIndex: 5)),
            request: Array(request), uploadHash: Array(hash), state: state,
            expiresAt: Timestamp(milliseconds: try row.decode(atIndex: 9)),
            endedAt: ended.map { Timestamp(milliseconds: $0) },
            lease: until.flatMap { until in
                owner.map { Job.Lease(owner: $0, until: Timestamp(milliseconds: until)) }
            },
            fileBytes: try row.decode(atIndex: 13),
            place: Job.Place(
                bytes: try row.decode(atIndex: 14), line: try row.decode(atIndex: 15),
                reportBytes: try row.decode(atIndex: 16)),
            counts: Job.Counts(
                made: try row.decode(atIndex: 17), updated: try row.decode(atIndex: 18),
                unchanged: try row.decode(atIndex: 19), refused: try row.decode(atIndex: 20)),
            failure: code.map { Job.Failure(Problem.Code(rawValue: $0), failure ?? "") },
            revision: try row.decode(atIndex: 23))
    }
}
