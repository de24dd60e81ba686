import Crypto
import HTTPTypes
import Hummingbird
import NIOCore
import OvationCore
import OvationWire

/// `POST /audience/keyspaces/{keyspace}/profiles/{key}/sections/{section}/events`
///
/// The steps are: parse, resolve, validate, append, respond. 204 means: checked against the version, committed, synced,
/// readable now.
struct PostEvents: EndpointHandler {
    let store: any EventStore
    let directory: Directory
    let parsers: TapeParsers
    let journal: PostJournal
    let limits: Limits

    func respond(to call: Call) async throws -> Response {
        // Refused before the body is read, if possible; and resolved again afterwards, since a body can take its time
        // and a key can be revoked meanwhile.
        let caller = try call.caller()
        var place = try place(of: call, caller)
        let body = try await call.body(within: limits)
        place = try current(place, of: call)
        do {
            return try await respond(to: call, body, at: place)
        } catch let problem as Problem where problem.isAboutThePost && !call.preferences.contains("validate-only") {
            await journal.refused(problem, body: body.readableBytesView, at: place)
            throw problem
        }
    }

    private func respond(to call: Call, _ body: ByteBuffer, at place: PostJournal.Context) async throws -> Response {
        let profile = try call.profile(in: place.keyspace, of: place.caller)
        let preferences = call.preferences
        // If two preferences exclude each other, the first counts (RFC 7240 §2).
        let isLenient = preferences.first { $0.hasPrefix("handling=") } == "handling=lenient"
        let isCheckOnly = preferences.contains("validate-only")
        var idempotency = try call.idempotency(of: body, profile: profile, at: place, isLenient: isLenient)
        let checked: CheckedPost
        do {
            checked = try check(body, isLenient: isLenient, at: place)
        } catch {
            // A repeat of a stored post gets its first answer, even if definitions have changed since.
            guard let idempotency, !isCheckOnly,
                let outcome = try await store.outcome(
                    account: profile.account, of: idempotency, at: call.receivedAt)
            else { throw error }
            if case .duplicate(let answer) = outcome {
                await journal.repeated(body.readableBytesView, events: accepted(by: answer), at: place)
            }
            return try respond(outcome, report: [])
        }
        if isCheckOnly {
            var response = respond(report: checked.report)
            response.headers[.preferenceApplied] = isLenient ? "validate-only, handling=lenient" : "validate-only"
            return response
        }
        idempotency = idempotency?.answered(checked.report)
        let batch = batch(of: checked.events, profile, idempotency, at: place)
        let outcome = try await store.append(batch)
        note(outcome, of: batch, at: place)
        switch outcome {
        case .stored:
            if let lenient = checked.lenient, !lenient.check.errors.isEmpty {
                await journal.refused(lenient.check, of: lenient.request, at: place)
            }
        case .refused(let profiles): await journal.turnedAway(batch.events, for: profiles.problem, at: place)
        case .duplicate, .conflict, .notOpen: break
        }
        return try respond(outcome, report: checked.report)
    }

    /// The number of events of a lenient post that its report says are stored; nil: all of them.
    private func accepted(by answer: [UInt8]) -> Int? {
        answer.isEmpty ? nil : (try? JSONValue(parsing: answer))?["accepted"]?.int
    }

    /// The result of checking a body.
    private struct CheckedPost {
        var events: CheckedEvents
        /// For a lenient post: the answer, and the request and check it was made from.
        var report: [UInt8] = []
        var lenient: (request: PostEventsRequest, check: EventsCheck)?
    }

    private func check(
        _ body: ByteBuffer, isLenient: Bool, at place: PostJournal.Context
    ) throws(Problem) -> CheckedPost {
        let target = target(at: place)
        guard isLenient else {
            return CheckedPost(
                events: try CheckedEvents(of: body, for: target, itemsMax: limits.itemsMax, with: parsers))
        }
        let request = try PostEventsRequest(parsing: body.readableBytesView, itemsMax: limits.itemsMax)
        let check = EventsCheck(request, for: target)
        return CheckedPost(
            events: check.accepted, report: JSONWriter.write(check.report.json), lenient: (request, check))
    }

    private func target(at place: PostJournal.Context) -> EventTarget {
        EventTarget(
            // The error for a draft says that it is one.
            catalogue: place.caller.account.catalogue, section: place.section, keyspace: place.keyspace,
            callerIsAdmin: place.caller.isAdmin, receivedAt: place.receivedAt, limits: limits)
    }

    private func batch(
        of events: CheckedEvents, _ profile: ProfileAddress, _ idempotency: Idempotency?, at place: PostJournal.Context
    ) -> EventBatch {
        EventBatch(
            profile: profile, section: place.section.number, receivedAt: place.receivedAt, events: events.rows,
            data: events.data, idempotency: idempotency)
    }

    /// Counts what this process counts of a batch, and shows it to those who watch.
    private func note(_ outcome: AppendOutcome, of batch: EventBatch, at place: PostJournal.Context) {
        switch outcome {
        case .stored: journal.accepted(batch.events, at: place)
        case .duplicate: journal.duplicate(batch.events, at: place)
        case .refused, .conflict, .notOpen: break
        }
    }

    /// Where a post goes, as the definitions are now: they can have changed while its body came.
    private func current(_ place: PostJournal.Context, of call: Call) throws(Problem) -> PostJournal.Context {
        directory.isCurrent(place.caller) ? place : try self.place(of: call, directory.current(place.caller))
    }

    private func place(of call: Call, _ caller: Identity) throws(Problem) -> PostJournal.Context {
        let section = try caller.section(call.path.section())
        let keyspace = try caller.keyspaceForWriting(call.path.keyspace())
        return PostJournal.Context(
            caller: caller, section: section, keyspace: keyspace, keySource: .path(call.path),
            requestID: call.requestID, receivedAt: call.receivedAt)
    }

    private func respond(_ outcome: AppendOutcome, report: [UInt8]) throws(Problem) -> Response {
        switch outcome {
        case .stored: return respond(report: report)
        case .duplicate(let answer):
            var response = respond(report: answer)
            response.headers[.idempotencyReplayed] = "true"
            return response
        case .refused(let profiles): throw profiles.problem
        case .conflict, .notOpen:
            throw Problem(
                .idempotencyKeyReused,
                "This Idempotency-Key came with another request before; nothing was stored. Use a new key for each "
                    + "request, and the same key only to send the same request again.")
        }
    }

    /// 204, or 207 with the report of a lenient post.
    private func respond(report: [UInt8]) -> Response {
        guard !report.isEmpty else { return .noContent() }
        return .bytes(
            report, status: HTTPResponse.Status(code: 207, reasonPhrase: "Multi-Status"),
            headers: [.preferenceApplied: "handling=lenient"])
    }
}

// MARK: - The fast way

extension PostEvents: FastEndpoint {
    func begin(_ call: Call) throws(Problem) -> (any PlainRequest)? {
        PlainPost(self, call, at: try place(of: call, call.caller()))
    }

    /// A post of events that is plainly right.
    private final class PlainPost: PlainRequest {
        private let endpoint: PostEvents
        private let call: Call
        private var place: PostJournal.Context
        /// From when it is queued.
        private var batch: EventBatch?

        init(_ endpoint: PostEvents, _ call: Call, at place: PostJournal.Context) {
            self.endpoint = endpoint
            self.call = call
            self.place = place
        }

        func queue(_ body: ByteBuffer, tell receiver: any StoreReceiver) -> Bool {
            guard let place = try? endpoint.current(place, of: call),
                let batch = endpoint.plainBatch(of: call, body, at: place)
            else { return false }
            self.place = place
            self.batch = batch
            endpoint.store.append(batch, tell: receiver)
            return true
        }

        /// A post that is refused has to be counted in the store before it is answered, and so by the framework's way.
        func answer(_ outcome: StoreOutcome) throws(Problem) -> (response: Response, body: ByteBuffer)? {
            guard case .appended(let outcome) = outcome, let batch else { return nil }
            endpoint.note(outcome, of: batch, at: place)
            switch outcome {
            // A lenient post has another fingerprint, so a repeat that comes here has no report.
            case .stored, .duplicate: return (try endpoint.respond(outcome, report: []), ByteBuffer())
            case .refused, .conflict, .notOpen: return nil
            }
        }
    }

    /// nil: it has to be read again, exactly.
    private func plainBatch(of call: Call, _ body: ByteBuffer, at place: PostJournal.Context) -> EventBatch? {
        do throws(Problem) {
            let profile = try call.profile(in: place.keyspace, of: place.caller)
            let idempotency = try call.idempotency(of: body, profile: profile, at: place, isLenient: false)
            return FastEventsDecoder.decode(body, for: target(at: place), itemsMax: limits.itemsMax, with: parsers)
                .map { batch(of: $0, profile, idempotency, at: place) }
        } catch {
            return nil
        }
    }
}

extension CheckedEvents {
    /// A whole post, all or nothing.
    init(
        of body: ByteBuffer, for target: EventTarget, itemsMax: Int, with parsers: TapeParsers
    ) throws(Problem) {
        if let events = FastEventsDecoder.decode(body, for: target, itemsMax: itemsMax, with: parsers) {
            self = events
            return
        }
        try self.init(
            of: PostEventsRequest(parsing: body.readableBytesView, itemsMax: itemsMax), for: target)
    }

    /// The same of items that were read already.
    init(of request: PostEventsRequest, for target: EventTarget) throws(Problem) {
        let check = EventsCheck(request, for: target)
        guard check.errors.isEmpty else { throw check.problem }
        self = check.accepted
    }
}

extension Call {
    /// nil without the header.
    fileprivate func idempotency(
        of body: ByteBuffer, profile: ProfileAddress, at place: PostJournal.Context, isLenient: Bool
    ) throws(Problem) -> Idempotency? {
        guard let key = try idempotencyKey() else { return nil }
        var hash = SHA256()
        hash.update(
            data: "\(profile.keyspace) \(place.section.number) \(isLenient) \(profile.key.text.utf8.count) ".utf8Bytes)
        hash.update(data: profile.key.text.utf8Bytes)
        body.withUnsafeReadableBytes { hash.update(bufferPointer: $0) }
        return Idempotency(
            key, of: place.caller.key.clientID, section: place.section.number, fingerprint: Array(hash.finalize()),
            answer: [])
    }
}

extension String {
    fileprivate var utf8Bytes: [UInt8] { Array(utf8) }
}
