import OvationCore
import Synchronization

/// One store that several servers have, as if each were another process. It counts questions, and tells of changes when
/// the test says so.
final class SharedStore: Store {
    let base: any Store
    private let questions = Atomic(0)
    private let loads = Atomic(0)
    private let isAway = Atomic(false)
    private let pagesLeft = Atomic(Int.max)
    private let chunksLeft = Atomic(Int.max)
    private let listeners = Mutex<[AsyncStream<Void>.Continuation]>([])

    private let held = Mutex<[(batch: EventBatch, receiver: any AppendReceiver)]?>(nil)

    /// From here on posts wait until a test takes them.
    func holdPosts() { held.withLock { $0 = [] } }

    func takeHeldPosts() -> [(batch: EventBatch, receiver: any AppendReceiver)] {
        held.withLock { held in
            defer { held = [] }
            return held ?? []
        }
    }

    init(_ base: any Store) {
        self.base = base
    }

    /// How often it was asked for the numbers of the newest entries.
    var questionCount: Int { questions.load(ordering: .relaxed) }

    /// How often all of it was read.
    var loadCount: Int { loads.load(ordering: .relaxed) }

    var listenerCount: Int { listeners.withLock { $0.count } }

    /// Gives so many pages of exports, takes so many chunks, and is away after that.
    func failAfter(pages: Int, chunks: Int) {
        pagesLeft.store(pages, ordering: .relaxed)
        chunksLeft.store(chunks, ordering: .relaxed)
    }

    private func take(_ left: borrowing Atomic<Int>) throws(StoreFailure) {
        guard left.subtract(1, ordering: .relaxed).oldValue > 0 else { throw StoreFailure(.unavailable, "away") }
    }

    func goAway(_ away: Bool) { isAway.store(away, ordering: .relaxed) }

    func tell() {
        for listener in listeners.withLock({ $0 }) { listener.yield() }
    }

    var isShared: Bool { true }

    var changes: AsyncStream<Void> {
        AsyncStream { continuation in listeners.withLock { $0.append(continuation) } }
    }

    func lastSequences() async throws(StoreFailure) -> [Int64: AccountSequences] {
        questions.add(1, ordering: .relaxed)
        if isAway.load(ordering: .relaxed) { throw StoreFailure(.unavailable, "away") }
        return try await base.lastSequences()
    }

    // MARK: As it is

    func load() async throws(StoreFailure) -> StoreContents {
        loads.add(1, ordering: .relaxed)
        return try await base.load()
    }

    func commit(_ change: AccountChange) async throws(StoreFailure) { try await base.commit(change) }

    func log(_ range: LogRange) async throws(StoreFailure) -> [AuditEntry] { try await base.log(range) }

    func append(_ batch: EventBatch, tell receiver: any AppendReceiver) {
        let isHeld = held.withLock { held in
            held?.append((batch, receiver))
            return held != nil
        }
        if !isHeld { base.append(batch, tell: receiver) }
    }

    func append(_ chunk: EventChunk) async throws(StoreFailure) -> AppendOutcome {
        try take(chunksLeft)
        return try await base.append(chunk)
    }

    func events(of range: ExportRange) async throws(StoreFailure) -> ExportPage {
        try take(pagesLeft)
        return try await base.events(of: range)
    }

    func outcome(
        account: Int64, of idempotency: Idempotency, at now: Timestamp
    ) async throws(StoreFailure) -> AppendOutcome? {
        try await base.outcome(account: account, of: idempotency, at: now)
    }

    func events(
        _ filter: EventFilter, after position: EventPosition?, limit: Int, tell receiver: any EventPageReceiver
    ) {
        base.events(filter, after: position, limit: limit, tell: receiver)
    }

    func deleteEvents(
        _ filter: EventFilter, id: Int64?, recordedAs act: (@Sendable (Int) -> Act)?, at now: Timestamp,
        by actor: String
    ) async throws(StoreFailure) -> Deletion? {
        try await base.deleteEvents(filter, id: id, recordedAs: act, at: now, by: actor)
    }

    func change(_ change: ProfileChange, tell receiver: any ChangeReceiver) { base.change(change, tell: receiver) }

    func consents(_ search: ConsentSearch) async throws(StoreFailure) -> ConsentMatches {
        try await base.consents(search)
    }

    func suppressions(_ filter: SuppressionFilter) async throws(StoreFailure) -> SuppressionPage {
        try await base.suppressions(filter)
    }

    func data(of profile: ProfileAddress, in sections: [Int64]?) async throws(StoreFailure) -> ProfileData? {
        try await base.data(of: profile, in: sections)
    }

    func changes(_ filter: ProfileChangeFilter) async throws(StoreFailure) -> ProfileChangePage? {
        try await base.changes(filter)
    }

    func changes(of range: ExportRange) async throws(StoreFailure) -> ChangeExportPage {
        try await base.changes(of: range)
    }

    func profiles(of range: ProfileExportRange) async throws(StoreFailure) -> ProfileExportPage {
        try await base.profiles(of: range)
    }

    func profile(_ reference: ProfileReference) async throws(StoreFailure) -> Profile? {
        try await base.profile(reference)
    }

    func openProfiles(among ids: [ProfileID], account: Int64) async throws(StoreFailure) -> Set<ProfileID> {
        try await base.openProfiles(among: ids, account: account)
    }

    func profiles(_ search: ProfileSearch) async throws(StoreFailure) -> ProfileMatches {
        try await base.profiles(search)
    }

    func profiles(_ search: ValueSearch) async throws(StoreFailure) -> ValueMatches {
        try await base.profiles(search)
    }

    func consentCounts(account: Int64, section: Int64) async throws(StoreFailure) -> [ConsentCount] {
        try await base.consentCounts(account: account, section: section)
    }

    func counts(of profile: ProfileAddress) async throws(StoreFailure) -> ProfileCounts? {
        try await base.counts(of: profile)
    }

    func days(_ filter: EventFilter) async throws(StoreFailure) -> [EventDay]? { try await base.days(filter) }

    func usage(account: Int64) async throws(StoreFailure) -> [VersionUsage] { try await base.usage(account: account) }

    func activity(account: Int64, in minutes: ClosedRange<Int64>) async throws(StoreFailure) -> Activity {
        try await base.activity(account: account, in: minutes)
    }

    func erasure(_ id: ErasureID, account: Int64) async throws(StoreFailure) -> Erasure? {
        try await base.erasure(id, account: account)
    }

    func erasures(account: Int64, before position: Int64?, limit: Int) async throws(StoreFailure) -> [Erasure] {
        try await base.erasures(account: account, before: position, limit: limit)
    }

    func count(_ events: CountedEvents) async throws(StoreFailure) { try await base.count(events) }

    func keep(
        _ post: RefusedPost, versions: [EventVersion.ID: Int]
    ) async throws(StoreFailure) -> Rejection.ID { try await base.keep(post, versions: versions) }

    func rejections(
        _ filter: RejectionFilter, before id: Rejection.ID?, limit: Int, bodyBytesMax: Int
    ) async throws(StoreFailure) -> [Rejection] {
        try await base.rejections(filter, before: id, limit: limit, bodyBytesMax: bodyBytesMax)
    }

    func rejections(
        _ range: RejectionRange, limit: Int, bodyBytesMax: Int
    ) async throws(StoreFailure) -> [Rejection] {
        try await base.rejections(range, limit: limit, bodyBytesMax: bodyBytesMax)
    }

    func countRejections(_ range: RejectionRange) async throws(StoreFailure) -> Int {
        try await base.countRejections(range)
    }

    func rejectionCauses(
        _ filter: RejectionCauseFilter, limit: Int
    ) async throws(StoreFailure) -> RejectionCauses {
        try await base.rejectionCauses(filter, limit: limit)
    }

    func countOpenRejections(account: Int64, from: Timestamp) async throws(StoreFailure) -> Int {
        try await base.countOpenRejections(account: account, from: from)
    }

    func dismissRejections(_ ids: [Rejection.ID], account: Int64) async throws(StoreFailure) -> Int {
        try await base.dismissRejections(ids, account: account)
    }

    func rejection(_ id: Rejection.ID, account: Int64) async throws(StoreFailure) -> Rejection? {
        try await base.rejection(id, account: account)
    }

    func dismissRejection(_ id: Rejection.ID, account: Int64) async throws(StoreFailure) -> Bool {
        try await base.dismissRejection(id, account: account)
    }

    func add(_ job: Job, openMax: Int) async throws(StoreFailure) -> Bool {
        try await base.add(job, openMax: openMax)
    }

    func job(_ id: JobID, account: Int64) async throws(StoreFailure) -> Job? {
        try await base.job(id, account: account)
    }

    func jobs(account: Int64, before position: JobPosition?, limit: Int) async throws(StoreFailure) -> [Job] {
        try await base.jobs(account: account, before: position, limit: limit)
    }

    func openJobs(limit: Int) async throws(StoreFailure) -> [Job] { try await base.openJobs(limit: limit) }

    func save(_ job: Job) async throws(StoreFailure) -> Job? { try await base.save(job) }

    func removeJobs(expiredAt time: Timestamp) async throws(StoreFailure) { try await base.removeJobs(expiredAt: time) }

    /// Nodes that do not answer.
    let missing = Mutex<[String]>([])

    func check() async throws(StoreFailure) -> [String] { try await base.check() + missing.withLock { $0 } }

    func statistics() -> StoreStatistics { base.statistics() }
}
