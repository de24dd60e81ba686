import ArgumentParser
import OvationClient
import OvationCore
import OvationWire

struct JobsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jobs", abstract: "Jobs, such as imports and exports of profiles: list, show, wait, cancel.",
        subcommands: [List.self, Show.self, Wait.self, Cancel.self])

    struct JobArgument: ParsableArguments {
        @Argument(help: "Id of the job.") var job: String

        var path: KeyValuePairs<String, String> { ["job": job] }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the jobs of the account, newest first; for admin keys.")

        @OptionGroup var connection: ConnectionOptions
        @Option(help: "How many at most.") var limit = 50
        @Flag(help: "One JSON object a line instead.") var json = false

        func run() async throws {
            let pages = try connection.client().pages(.listJobs, upTo: limit, by: Limits.jobsPageMax)
            var rows: [[String]] = []
            for try await page in pages {
                for item in page.items {
                    if json { try Output.print(json: JSONWriter.write(item.json)) }
                    let job = item.content
                    rows.append([job.jobID, job.kind.rawValue, job.createdAt.rfc3339, JobsCommand.figures(job)])
                }
            }
            if json { return }
            if rows.isEmpty { return StandardError.writeLine("There are no jobs.") }
            try Columns.show(["JOB", "KIND", "MADE", "STATUS"], rows)
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show how far a job is.")

        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var job: JobArgument
        @Flag(help: "One JSON object instead of a sentence.") var json = false

        func run() async throws {
            let found = try await connection.client().call(.getJob, job.path)
            if json { return try Output.print(json: JSONWriter.write(found.json)) }
            try Output.print(JobsCommand.sentence(found.content))
        }
    }

    struct Wait: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Wait until a job has ended.",
            discussion: "The command ends with 1 where the job failed, was cancelled, or refused a row.")

        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var job: JobArgument
        @Flag(name: .shortAndLong, help: "Show no progress.") var quiet = false
        @Flag(help: "One JSON object instead of a sentence.") var json = false

        func run() async throws {
            let ended = try await JobsCommand.wait(for: job.job, of: try connection.client(), isQuiet: quiet)
            if json {
                try Output.print(json: JSONWriter.write(ended.json))
            } else {
                try Output.print(JobsCommand.sentence(ended.content))
            }
            try JobsCommand.endWithStatus(of: ended.content)
        }
    }

    struct Cancel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Cancel a job. What is done stays.")

        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var job: JobArgument

        func run() async throws {
            try await connection.client().call(.cancelJob, job.path)
            try Output.print("The job is cancelled.")
        }
    }

    // MARK: What they share

    /// Asks until the job has ended. A server that is away for a while is asked again.
    static func wait(for id: String, of client: APIClient, isQuiet: Bool) async throws -> Received<Bodies.Job> {
        let makesFile = (try? await client.call(.getJob, ["job": id]))?.content.file != nil
        let progress = TransferProgress(total: nil, unit: makesFile ? "profiles" : "rows", isQuiet: isQuiet)
        return try await progress.whileShowing {
            var failures = 0
            while true {
                do throws(ClientFailure) {
                    let found = try await client.call(.getJob, ["job": id])
                    let result = found.content.result
                    if result.status.isEnd { return found }
                    failures = 0
                    progress.remark(words(for: found.content))
                    if let file = found.content.file {
                        progress.count(Int(file.profiles))
                    } else {
                        progress.expect(Int(result.bytes))
                        progress.advance(to: Int(result.bytesDone))
                        progress.count(Int(result.new + result.updated + result.notChanged + result.failed))
                    }
                } catch {
                    failures += 1
                    guard error.isPassing, failures < 60 else { throw error }
                }
                try await Task.sleep(for: .milliseconds(failures == 0 ? 300 : 1000))
            }
        }
    }

    /// What a job waits for; empty while rows are done.
    private static func words(for job: Bodies.Job) -> String {
        switch job.result.status {
        case .waitingForFile: "waits for its file"
        case .queued: "waits for its turn"
        case .inProgress where job.kind == .import && job.result.bytesDone == 0: "is being checked"
        case .inProgress, .completed, .error, .cancelled: ""
        }
    }

    static func sentence(_ job: Bodies.Job) -> String {
        "Job \(job.jobID): \(figures(job))" + (job.result.error.map { ". \($0.detail)" } ?? ".")
    }

    private static func figures(_ job: Bodies.Job) -> String {
        let result = job.result
        if let file = job.file {
            let about = file.profilesExpected > file.profiles && !result.status.isEnd
            return "\(result.status.rawValue), \(Figures.grouped(Int(file.profiles)))"
                + (about ? " of about \(Figures.grouped(Int(file.profilesExpected)))" : "") + " profiles"
        }
        let counts = [
            (result.new, "new"), (result.updated, "updated"), (result.notChanged, "not changed"),
            (result.failed, "refused"),
        ]
        return "\(result.status.rawValue), "
            + counts.map { "\(Figures.grouped(Int($0.0))) \($0.1)" }.joined(separator: ", ")
    }

    /// - Throws: where not all went well.
    static func endWithStatus(of job: Bodies.Job) throws {
        guard job.result.status == .completed, job.result.failed == 0 else { throw ExitCode.failure }
    }
}
