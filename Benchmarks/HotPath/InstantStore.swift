import OvationCore

/// A store that answers at once and stores nothing, for measuring the work of the server around a store. It says
/// nothing about posts per second; for that, measure the real store.
struct InstantStore: Store {
    let contents: StoreContents

    func load() async throws(StoreFailure) -> StoreContents { contents }

    func append(_ batch: EventBatch, tell receiver: any AppendReceiver) {
        receiver.receive(.success(.stored))
        receiver.allHaveReceived()
    }

    func statistics() -> StoreStatistics { StoreStatistics() }

    // MARK: - What no measured operation asks for

    private var unused: StoreFailure { StoreFailure(.unavailable, "a benchmark's store only takes events") }

    var isShared: Bool { false }

    func lastSequences() async throws(StoreFailure) -> [Int64: AccountSequences] { throw unused }

    func commit(_ change: AccountChange) async throws(StoreFailure) { throw unused }

    func log(_ range: LogRange) async throws(StoreFailure) -> [AuditEntry] { throw unused }

    func append(_ chunk: EventChunk) async throws(StoreFailure) -> AppendOutcome { throw unused }

    func events(of range: ExportRange) async throws(StoreFailure) -> ExportPage { throw unused }

    func outcome(
        account: Int64, of idempotency: Idempotency, at now: Timestamp
    ) async throws(StoreFailure) -> AppendOutcome? { throw unused }

    func events(
        _ filter: EventFilter, after position: EventPosition?, limit: Int, tell receiver: any EventPageReceiver
    ) {
        receiver.receive(.failure(unused))
    }

    func deleteEvents(
        _ filter: EventFilter, id: Int64?, recordedAs act: (@Sendable (Int) -> Act)?, at now: Timestamp,
        by actor: String
    ) async throws(StoreFailure) -> Deletion? { throw unused }

    func change(_ change: ProfileChange, tell receiver: any ChangeReceiver) {
        receiver.receive(.failure(unused))
        receiver.allHaveReceived()
    }

    func data(of profile: ProfileAddress, in sections: [Int64]?) async throws(StoreFailure) -> ProfileData? {
        throw unused
    }

    func changes(_ filter: ProfileChangeFilter) async throws(StoreFailure) -> ProfileChangePage? { throw unused }

    func changes(of range: ExportRange) async throws(StoreFailure) -> ChangeExportPage { throw unused }

    func profiles(of range: ProfileExportRange) async throws(StoreFailure) -> ProfileExportPage { throw unused }

    func profile(_ reference: ProfileReference) async throws(StoreFailure) -> Profile? { throw unused }

    func openProfiles(among ids: [ProfileID], account: Int64) async throws(StoreFailure) -> Set<ProfileID> {
        throw unused
    }

    func profiles(_ search: ProfileSearch) async throws(StoreFailure) -> ProfileMatches { throw unused }
    func profiles(_ search: ValueSearch) async throws(StoreFailure) -> ValueMatches { throw unused }

    func consents(_ search: ConsentSearch) async throws(StoreFailure) -> ConsentMatches { throw unused }

    func suppressions(_ filter: SuppressionFilter) async throws(StoreFailure) -> SuppressionPage { throw unused }

    func counts(of profile: ProfileAddress) async throws(StoreFailure) -> ProfileCounts? { throw unused }

    func days(_ filter: EventFilter) async throws(StoreFailure) -> [EventDay]? { throw unused }

    func consentCounts(account: Int64, section: Int64) async throws(StoreFailure) -> [ConsentCount] { throw unused }

    func erasure(_ id: ErasureID, account: Int64) async throws(StoreFailure) -> Erasure? { throw unused }

    func erasures(account: Int64, before position: Int64?, limit: Int) async throws(StoreFailure) -> [Erasure] {
        throw unused
    }

    func usage(account: Int64) async throws(StoreFailure) -> [VersionUsage] { throw unused }

    func activity(account: Int64, in minutes: ClosedRange<Int64>) async throws(StoreFailure) -> Activity {
        throw unused
    }

    func count(_ events: CountedEvents) async throws(StoreFailure) { throw unused }

    func keep(
        _ post: RefusedPost, versions: [EventVersion.ID: Int]
    ) async throws(StoreFailure) -> Rejection.ID { throw unused }

    func rejections(
        _ filter: RejectionFilter, before id: Rejection.ID?, limit: Int, bodyBytesMax: Int
    ) async throws(StoreFailure) -> [Rejection] { throw unused }

    func rejections(
        _ range: RejectionRange, limit: Int, bodyBytesMax: Int
    ) async throws(StoreFailure) -> [Rejection] { throw unused }

    func countRejections(_ range: RejectionRange) async throws(StoreFailure) -> Int { throw unused }

    func rejectionCauses(
        _ filter: RejectionCauseFilter, limit: Int
    ) async throws(StoreFailure) -> RejectionCauses { throw unused }

    func countOpenRejections(account: Int64, from: Timestamp) async throws(StoreFailure) -> Int { throw unused }

    func dismissRejections(_ ids: [Rejection.ID], account: Int64) async throws(StoreFailure) -> Int { throw unused }

    func rejection(_ id: Rejection.ID, account: Int64) async throws(StoreFailure) -> Rejection? { throw unused }

    func dismissRejection(_ id: Rejection.ID, account: Int64) async throws(StoreFailure) -> Bool { throw unused }

    func add(_ job: Job, openMax: Int) async throws(StoreFailure) -> Bool { throw unused }

    func job(_ id: JobID, account: Int64) async throws(StoreFailure) -> Job? { throw unused }

    func jobs(account: Int64, before position: JobPosition?, limit: Int) async throws(StoreFailure) -> [Job] {
        throw unused
    }

    func openJobs(limit: Int) async throws(StoreFailure) -> [Job] { throw unused }

    func save(_ job: Job) async throws(StoreFailure) -> Job? { throw unused }

    func removeJobs(expiredAt time: Timestamp) async throws(StoreFailure) { throw unused }

    func check() async throws(StoreFailure) -> [String] { throw unused }
}
