public import OvationCore
import OvationRows

extension PostgresStore: ProfileStore {
    public func data(of profile: ProfileAddress, in sections: [Int64]?) async throws(StoreFailure) -> ProfileData? {
        try await reader.read(.profile(profile.foundingID.value)) {
            try ProfileDataRows.data($0, of: profile, in: sections)
        }
    }

    public func changes(_ filter: ProfileChangeFilter) async throws(StoreFailure) -> ProfileChangePage? {
        try await reader.read(.profile(filter.profile.foundingID.value)) { try ProfileDataRows.changes($0, filter) }
    }

    public func changes(of range: ExportRange) async throws(StoreFailure) -> ChangeExportPage {
        try await reader.read(.nodes) { [isSpread] in try ChangeExportRows.page($0, range, isSpread: isSpread) }
    }

    public func profiles(of range: ProfileExportRange) async throws(StoreFailure) -> ProfileExportPage {
        try await reader.read(.nodes) { [isSpread] in try ProfileExportRows.page($0, range, isSpread: isSpread) }
    }

    public func change(_ change: ProfileChange, tell receiver: any ChangeReceiver) {
        let receiver = change.erasure == nil ? receiver : Erasing(for: receiver, remover)
        writer.enqueue(.change(change, receiver))
    }

    public func profile(_ reference: ProfileReference) async throws(StoreFailure) -> Profile? {
        let id =
            switch reference {
            case .address(let address): address.foundingID.value
            case .id(let id, _): id.value
            }
        return try await reader.read(.profile(id)) { connection in
            switch reference {
            case .address(let address): try ProfileRows.find(connection, address)
            case .id(let id, let account): try ProfileRows.find(connection, id: id.value, account: account)
            }
        }
    }

    public func openProfiles(among ids: [ProfileID], account: Int64) async throws(StoreFailure) -> Set<ProfileID> {
        try await reader.read(.nodes) { try ProfileRows.open($0, among: ids, account: account) }
    }

    public func profiles(_ search: ProfileSearch) async throws(StoreFailure) -> ProfileMatches {
        try await reader.read(.nodes) { try ProfileRows.search($0, search) }
    }

    public func profiles(_ search: ValueSearch) async throws(StoreFailure) -> ValueMatches {
        try await reader.read(.nodes) { try MappedValueRows.search($0, search) }
    }

    public func consents(_ search: ConsentSearch) async throws(StoreFailure) -> ConsentMatches {
        try await reader.read(.nodes) { try ConsentRows.search($0, search) }
    }

    public func suppressions(_ filter: SuppressionFilter) async throws(StoreFailure) -> SuppressionPage {
        try await reader.read(.nodes) { try ConsentRows.suppressions($0, filter) }
    }

    public func counts(of profile: ProfileAddress) async throws(StoreFailure) -> ProfileCounts? {
        try await reader.read(.profile(profile.foundingID.value)) { try ProfileRows.counts($0, of: profile) }
    }

    public func days(_ filter: EventFilter) async throws(StoreFailure) -> [EventDay]? {
        try await reader.read(.profile(filter.profile.foundingID.value)) { try ProfileRows.days($0, filter) }
    }

    public func consentCounts(account: Int64, section: Int64) async throws(StoreFailure) -> [ConsentCount] {
        try await reader.read(.coordinator) { try ConsentCountRows.read($0, account: account, section: section) }
    }

    public func erasure(_ id: ErasureID, account: Int64) async throws(StoreFailure) -> Erasure? {
        try await reader.read(.coordinator) { try ErasureRows.find($0, id, account: account) }
    }

    public func erasures(
        account: Int64, before position: Int64?, limit: Int
    ) async throws(StoreFailure) -> [Erasure] {
        try await reader.read(.coordinator) {
            try ErasureRows.list($0, account: account, before: position, limit: limit)
        }
    }
}

/// Who waits for an erasure. Its rows are removed from then on, and not only when the remover looks next.
private final class Erasing: ChangeReceiver {
    private let receiver: any ChangeReceiver
    private let remover: ErasureRemover

    init(for receiver: any ChangeReceiver, _ remover: ErasureRemover) {
        self.receiver = receiver
        self.remover = remover
    }

    func receive(_ result: Result<ProfileChangeOutcome, StoreFailure>) {
        if case .success = result { remover.hurry() }
        receiver.receive(result)
    }

    func allHaveReceived() { receiver.allHaveReceived() }
}
