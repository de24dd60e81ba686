import HTTPTypes
import Logging
import NIOCore
import OvationCore
import OvationWire

/// Handles the outcome of every post: it counts it for this process, sends it to watchers, and keeps refused posts. The
/// store makes the counts by the minute, for all processes, when it stores (``OvationCore/Activity``).
struct PostJournal: Sendable {
    let store: any ActivityStore & RejectionStore
    let metrics: ServerMetrics
    let feed: LiveFeed
    let limits: Limits
    let logger: Logger

    /// The target and the sender of a post.
    struct Context: Sendable {
        let caller: Identity
        let section: Section
        let keyspace: Keyspace
        let keySource: KeySource
        let requestID: String
        let receivedAt: Timestamp

        /// Decoded only on demand, since most posts are neither refused nor watched.
        enum KeySource: Sendable {
            case path(PathParameters)
            case text(String)
        }

        /// As the path had it, percent-decoded; it need not be a key of the keyspace, and a long one is cut.
        var key: String {
            switch keySource {
            case .path(let path): ((try? path.text("key")) ?? "").shortened(toBytes: Limits.rejectionKeyBytesMax)
            case .text(let text): text
            }
        }

        var account: Int64 { caller.key.account }
    }

    func accepted(_ rows: [EventBatch.Row], at place: Context) {
        // A lenient post may have no events left.
        guard !rows.isEmpty else { return }
        metrics.countAccepted(rows)
        if feed.isWatched { feed.publish(report(.accepted, rows, place)) }
    }

    func duplicate(_ rows: [EventBatch.Row], at place: Context) {
        metrics.countEvents(duplicate: rows.count)
        if feed.isWatched { feed.publish(report(.duplicate, rows, place)) }
    }

    /// A post to a profile that takes no data. It is counted and shown to those who watch; nothing of it is kept, since
    /// it holds data of that profile.
    func turnedAway(_ rows: [EventBatch.Row], for problem: Problem, at place: Context) async {
        metrics.countEvents(refused: rows.count)
        var versions: [EventVersion.ID: Int] = [:]
        for row in rows { versions[row.version, default: 0] += 1 }
        await count(rows.count, versions, as: .refused, place)
        guard feed.isWatched else { return }
        var report = report(.refused, rows, place)
        report.problem = problem
        feed.publish(report)
    }

    /// Where a chunk of an upload went: into one section, and to whichever profiles its lines name.
    struct BulkPlace: Sendable {
        let caller: Identity
        let section: Section
        let requestID: String
        let receivedAt: Timestamp

        var account: Int64 { caller.key.account }
    }

    /// Counted and sent once for the chunk. Its refused lines are not kept: the client gets an error for each.
    func loaded(_ chunk: CheckedChunk, at place: BulkPlace) {
        let stored = chunk.events.rows.count
        metrics.countAccepted(chunk.versions)
        metrics.countEvents(refused: chunk.refused)
        guard stored > 0, feed.isWatched else { return }
        feed.publish(report(.accepted, chunk, events: stored, place))
    }

    /// - Parameter events: how many are stored since the first time.
    func reloaded(_ chunk: CheckedChunk, events: Int, at place: BulkPlace) {
        metrics.countEvents(duplicate: events)
        guard events > 0, feed.isWatched else { return }
        feed.publish(report(.duplicate, chunk, events: events, place))
    }

    private func report(
        _ outcome: PostReport.Outcome, _ chunk: CheckedChunk, events: Int, _ place: BulkPlace
    ) -> PostReport {
        let types = chunk.versions.sorted { $0.key < $1.key }.compactMap { version, count in
            place.caller.catalogue.version(version).map { ($0.eventType, count) }
        }
        var counts: [PostReport.TypeCount] = []
        for (type, count) in types { counts.add(type, count) }
        return PostReport(
            account: place.account, at: place.receivedAt, outcome: outcome, section: place.section.discriminator,
            keyspace: nil, key: nil, clientID: place.caller.key.clientID, requestID: place.requestID, events: events,
            types: counts)
    }

    /// Returns when the refused post is on disk, so that a client that reads the answer finds it among the rejections.
    func refused(_ problem: Problem, body: some Collection<UInt8> & Sendable, at place: Context) async {
        let items = (try? JSONValue(parsing: body))?["items"]?.array ?? []
        await refused(problem, items: items, body: Array(body), at: place)
    }

    /// The refused items of a lenient post, as a separate post.
    func refused(_ check: EventsCheck, of request: PostEventsRequest, at place: Context) async {
        let indexes = Set(check.errors.compactMap(\.index)).sorted()
        let items = indexes.map { request.items[$0] }
        var positions: [Int: Int] = [:]
        for (position, index) in indexes.enumerated() { positions[index] = position }
        var problem = check.problem
        problem.errors = check.errors.map { error in
            guard let index = error.index, let position = positions[index] else { return error }
            var moved = error
            moved.index = position
            moved.pointer = "/items/\(position)" + error.pointer.dropFirst("/items/\(index)".count)
            return moved
        }
        let subject = items.count == 1 ? "one event was" : "\(items.count) events were"
        let others = items.count == request.items.count ? "nothing was stored" : "the others were stored"
        problem.detail = "Of a lenient post \(subject) refused; \(others)."
        let body = JSONWriter.write(.object([.init("items", .array(items))]))
        await refused(problem, items: items, body: body, at: place)
    }

    private func refused(_ problem: Problem, items: [JSONValue], body: [UInt8], at place: Context) async {
        metrics.countEvents(refused: items.count)
        let id = await keep(problem, items: items, body: body, place)
        guard feed.isWatched else { return }
        var report = report(.refused, [], place, events: items.count)
        report.types = types(items.compactMap { $0["version_id"].flatMap(VersionID.parse) }, place)
        // A stream shows ten, and keeps hundreds of reports in memory.
        report.problem = problem
        report.problem?.errors = Array(problem.errors.prefix(PostReport.errorsMax))
        report.excerpt = String(decoding: body.prefix(Limits.rejectionExcerptBytes), as: UTF8.self)
        report.rejection = id
        feed.publish(report)
    }

    /// nil if nothing is kept. The client can do nothing about a refused post that could not be kept.
    private func keep(_ problem: Problem, items: [JSONValue], body: [UInt8], _ place: Context) async -> Rejection.ID? {
        let versions = versions(of: items, place)
        guard limits.rejectionsMax > 0 else {
            await count(max(items.count, 1), versions, as: .refused, place)
            return nil
        }
        let errors = problem.errors.listed()
        // Names the type of a draft, for every caller.
        let types = RefusedPost.eventTypes(
            of: errors, in: place.caller.account.catalogue, section: place.section.number
        ) { items.indices.contains($0) ? items[$0]["version_id"].flatMap(VersionID.parse) : nil }
        let post = RefusedPost(
            account: place.account, section: place.section.number, keyspace: place.keyspace.number, key: place.key,
            receivedAt: place.receivedAt, clientID: place.caller.key.clientID, requestID: place.requestID,
            code: problem.code, detail: problem.detail,
            errors: errors, eventTypes: types, eventCount: items.count, body: body)
        do {
            return try await store.keep(post, versions: versions)
        } catch {
            logger.warning(
                "a refused post was not kept", metadata: ["error": "\(error)", "request_id": "\(place.requestID)"])
            return nil
        }
    }

    /// A post that was stored before, although it would be refused now: definitions have changed since.
    /// - Parameter events: how many are stored since the first time; nil: all of the body.
    func repeated(_ body: some Collection<UInt8>, events: Int?, at place: Context) async {
        let items = (try? JSONValue(parsing: body))?["items"]?.array ?? []
        let events = events ?? items.count
        await count(events, events == items.count ? versions(of: items, place) : [:], as: .duplicate, place)
    }

    /// The same of a chunk.
    func repeated(_ chunk: CheckedChunk, events: Int, at place: BulkPlace) async {
        guard events > 0 else { return }
        let known = chunk.versions.values.reduce(0, +)
        await count(
            CountedEvents(
                account: place.account, section: place.section.number, receivedAt: place.receivedAt,
                outcome: .duplicate, events: events, versions: known <= events ? chunk.versions : [:]),
            requestID: place.requestID)
    }

    /// The lines of a chunk that ends its upload.
    func refused(_ chunk: CheckedChunk, at place: BulkPlace) async {
        await count(
            CountedEvents(
                account: place.account, section: place.section.number, receivedAt: place.receivedAt, outcome: .refused,
                events: chunk.refused), requestID: place.requestID)
    }

    private func count(
        _ events: Int, _ versions: [EventVersion.ID: Int], as outcome: CountedEvents.Outcome, _ place: Context
    ) async {
        guard events > 0 else { return }
        await count(
            CountedEvents(
                account: place.account, section: place.section.number, receivedAt: place.receivedAt, outcome: outcome,
                events: events, versions: versions), requestID: place.requestID)
    }

    /// As with posts that are not kept: the client can do nothing about it.
    private func count(_ events: CountedEvents, requestID: String) async {
        do {
            try await store.count(events)
        } catch {
            logger.warning("events were not counted", metadata: ["error": "\(error)", "request_id": "\(requestID)"])
        }
    }

    /// The number of items for each version of the section. A version of another section says nothing about this one.
    private func versions(of items: [JSONValue], _ place: Context) -> [EventVersion.ID: Int] {
        var versions: [EventVersion.ID: Int] = [:]
        for item in items {
            guard let version = item["version_id"].flatMap(VersionID.parse),
                place.caller.account.catalogue.version(version)?.eventType.section == place.section.discriminator
            else { continue }
            versions[version, default: 0] += 1
        }
        return versions
    }

    private func report(
        _ outcome: PostReport.Outcome, _ rows: [EventBatch.Row], _ place: Context, events: Int? = nil
    ) -> PostReport {
        PostReport(
            account: place.account, at: place.receivedAt, outcome: outcome, section: place.section.discriminator,
            keyspace: place.keyspace.discriminator, key: place.key, clientID: place.caller.key.clientID,
            requestID: place.requestID, events: events ?? rows.count, types: types(rows.map(\.version), place))
    }

    private func types(_ versions: [EventVersion.ID], _ place: Context) -> [PostReport.TypeCount] {
        var counts: [PostReport.TypeCount] = []
        for version in versions {
            guard let type = place.caller.catalogue.version(version)?.eventType,
                type.section == place.section.discriminator
            else { continue }
            counts.add(type, 1)
        }
        return counts
    }
}

extension [PostReport.TypeCount] {
    fileprivate mutating func add(_ type: EventType, _ events: Int) {
        if let index = firstIndex(where: { $0.discriminator == type.discriminator }) {
            self[index].events += events
        } else {
            append(PostReport.TypeCount(discriminator: type.discriminator, name: type.name, events: events))
        }
    }
}

extension Problem {
    /// Whether a refused post is worth keeping: its content has an error that can be corrected. Posts that were refused
    /// because of the caller or the state of the server are not kept.
    var isAboutThePost: Bool {
        switch code {
        case .eventTypeForbidden, .tooManyItems: true
        case .invalidIdempotencyKey, .requestTimeout: false
        default: code.status == .badRequest
        }
    }
}
