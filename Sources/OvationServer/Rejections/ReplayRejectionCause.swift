import HTTPTypes
import Hummingbird
import NIOCore
import OvationCore
import OvationWire

/// `POST /audience/rejections/causes/{cause}/replay?after=&through=`: replays open rejections of one cause unchanged,
/// the oldest first and some at a time: the client continues with `next_after` until it is null. Rejections that fail
/// again stay. With `Prefer: validate-only` nothing is stored, and the answer says what would happen.
///
/// It may be repeated, and two may do it at once: each rejection is closed in the commit that stores its events.
struct ReplayRejectionCause: BodyEndpoint {
    let replay: Replay
    let directory: Directory

    /// Rejections that are read at once. Their events are stored in one commit if possible.
    private static let readAtOnce = 20

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.ReplayReport> {
        _ = try await call.body(within: replay.limits)
        let caller = try directory.current(call.caller())
        let isCheckOnly = call.isCheckOnly
        var report = ReplayReport()
        if let range = try await replay.store.openRange(of: call, caller, replay.limits) {
            report = try await step(range, isCheckOnly: isCheckOnly, for: call, by: caller)
        }
        var headers: HTTPFields = [.cacheControl: "no-store"]
        if isCheckOnly { headers[.preferenceApplied] = "validate-only" }
        return BodyAnswer(Bodies.ReplayReport(report), headers: headers)
    }

    private func step(
        _ range: RejectionRange, isCheckOnly: Bool, for call: Call, by caller: Identity
    ) async throws -> ReplayReport {
        var range = range
        var report = ReplayReport()
        report.through = range.through
        var bytes = 0
        while report.looked < Limits.rejectionReplayStep, bytes < Limits.rejectionReplayBytes {
            // A body has no more bytes than a post may have, so the bodies that are read at once are limited.
            let room = max(1, Limits.rejectionReplayBytes / max(replay.limits.bodyBytesMax, 1))
            let limit = min(ReplayRejectionCause.readAtOnce, room, Limits.rejectionReplayStep - report.looked)
            let rejections = try await replay.store.rejections(range, limit: limit, bodyBytesMax: .max)
            guard let last = rejections.last else { return report }
            bytes += rejections.reduce(0) { $0 + $1.bodyBytes }
            let outcomes = await outcomes(of: rejections, isCheckOnly: isCheckOnly, for: call, by: caller)
            var broken: (Rejection.ID, any Error)?
            for (rejection, outcome) in zip(rejections, outcomes) {
                switch outcome {
                case .passed(let events):
                    report.passed += 1
                    report.passedEvents += events
                case .closed: report.closedMeanwhile += 1
                // Rejections after a break are looked at again.
                case .failed(let cause) where broken == nil:
                    report.fail(cause, of: rejection.id, in: caller.catalogue)
                case .broken(let error) where broken == nil: broken = (rejection.id, error)
                case .failed, .broken: break
                }
            }
            if let (id, error) = broken {
                // The answer says what was done. The client's next call finds out whether the server can continue.
                guard report.looked > 0, id > 1 else { throw error }
                range.after = id - 1
                break
            }
            range.after = last.id
        }
        report.remaining = try await replay.store.countRejections(range)
        if report.remaining > 0 { report.nextAfter = max(range.after, 1) }
        return report
    }

    private enum Outcome: Sendable {
        case passed(events: Int)
        case failed(RejectionCause)
        /// It was not open any more.
        case closed
        /// For a reason that does not lie in the post.
        case broken(any Error)
    }

    /// In the order of the rejections.
    private func outcomes(
        of rejections: [Rejection], isCheckOnly: Bool, for call: Call, by caller: Identity
    ) async -> [Outcome] {
        await withTaskGroup(of: (Int, Outcome).self) { group in
            for (index, rejection) in rejections.enumerated() {
                group.addTask { (index, await outcome(of: rejection, isCheckOnly: isCheckOnly, for: call, by: caller)) }
            }
            return await group.reduce(into: []) { $0.append($1) }.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    private func outcome(
        of rejection: Rejection, isCheckOnly: Bool, for call: Call, by caller: Identity
    ) async -> Outcome {
        let checked: Replay.Checked
        do {
            checked = try replay.check(rejection, for: call, by: caller)
        } catch {
            guard error.code.status.kind == .clientError else { return .broken(error) }
            return .failed(cause(of: error, rejection, caller))
        }
        guard !isCheckOnly else { return .passed(events: checked.events.rows.count) }
        do {
            return try await replay.store(checked) ? .passed(events: checked.events.rows.count) : .closed
        } catch let problem as Problem {
            return .failed(cause(of: problem, rejection, caller))
        } catch {
            return .broken(error)
        }
    }

    private func cause(of problem: Problem, _ rejection: Rejection, _ caller: Identity) -> RejectionCause {
        var post = rejection.post
        post.code = problem.code
        post.errors = Array(problem.errors.prefix(1))
        let items = (try? JSONValue(parsing: post.body))?["items"]?.array ?? []
        post.eventTypes = RefusedPost.eventTypes(
            of: post.errors, in: caller.catalogue, section: post.section
        ) { items.indices.contains($0) ? items[$0]["version_id"].flatMap(VersionID.parse) : nil }
        return post.cause
    }
}
