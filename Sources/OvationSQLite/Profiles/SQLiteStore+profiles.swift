public import OvationCore
import OvationRows

extension SQLiteStore: ProfileStore {
    public func data(of profile: ProfileAddress, in sections: [Int64]?) async throws(StoreFailure) -> ProfileData? {
        try await read(along: profile, by: reader) { database, recent in
            try ProfileDataRows.data(database, of: profile, in: sections, recent)
        }
    }

    /// A page further back takes longer, since all changes behind it are read.
    public func changes(_ filter: ProfileChangeFilter) async throws(StoreFailure) -> ProfileChangePage? {
        try await read(of: filter.profile, by: filter.before == nil ? reader : scanner) { database, tree, _ in
            try ProfileDataRows.changes(database, tree, filter)
        }
    }

    public func changes(of range: ExportRange) async throws(StoreFailure) -> ChangeExportPage {
        try await scanner.read(after: { [recent] in recent.profiles.all }) { database, recent in
            try ChangeExportRows.page(database, range, recent)
        }
    }

    public func profiles(of range: ProfileExportRange) async throws(StoreFailure) -> ProfileExportPage {
        try await scanner.read(after: { [recent] in recent.profiles.all }) { database, recent in
            try ProfileExportRows.page(database, range, recent)
        }
    }

    public func change(_ change: ProfileChange, tell receiver: any ChangeReceiver) {
        writer.enqueue(.change(change, receiver))
    }

    public func profile(_ reference: ProfileReference) async throws(StoreFailure) -> Profile? {
        switch reference {
        case .address(let address):
            try await read(along: address, by: reader) { database, recent in
                try ProfileRows.find(database, address, recent) ?? ProfileRows.findLocked(database, address, recent)
            }
        case .id(let id, let account):
            try await reader.read(after: { [recent] in recent.profiles[id.value] }) { database, recent in
                try ProfileRows.find(database, id: id.value, account: account, recent)
            }
        }
    }

    public func profiles(_ search: ProfileSearch) async throws(StoreFailure) -> ProfileMatches {
        try await scanner.read { database in try ProfileRows.search(database, search) }
    }

    /// Profiles that are in memory only are asked for before the snapshot, so their ids have to be known: mostly there are none.
    public func profiles(_ search: ValueSearch) async throws(StoreFailure) -> ValueMatches {
        var asked: Set<Int64> = []
        while true {
            let attempt = try await reader.read(
                after: { [recent, asked] in
                    asked.reduce(into: [Int64: RecentProfiles.Row]()) { $0[$1] = recent.profiles[$1] }
                }
            ) { database, recent in try MappedValueRows.search(database, search, recent) }
            switch attempt {
            case .found(let matches): return matches
            case .areMissing(let missing): asked.formUnion(missing)
            }
        }
    }

    public func consents(_ search: ConsentSearch) async throws(StoreFailure) -> ConsentMatches {
        var asked: Set<Int64> = []
        var steps = Recent.stepsExpected
        while true {
            let attempt = try await reader.read(
                after: { [recent, asked, steps] in
                    ConsentRows.Memory(
                        keys: search.keys.map { recent.part(for: $0, steps: steps) },
                        members: asked.reduce(into: [:]) { $0[$1] = recent.profiles[$1] })
                }
            ) { database, memory in try ConsentRows.search(database, search, memory) }
            switch attempt {
            case .found(let matches): return matches
            case .pathIsLonger: steps *= 4
            case .areMissing(let missing): asked.formUnion(missing)
            }
        }
    }

    /// New profiles are in the file when their commit is answered, so memory is not asked.
    public func suppressions(_ filter: SuppressionFilter) async throws(StoreFailure) -> SuppressionPage {
        try await reader.read { try ConsentRows.suppressions($0, filter) }
    }

    public func counts(of profile: ProfileAddress) async throws(StoreFailure) -> ProfileCounts? {
        try await read(of: profile, by: scanner) { database, tree, recent in
            try ProfileRows.counts(database, tree, recent)
        }
    }

    public func days(_ filter: EventFilter) async throws(StoreFailure) -> [EventDay]? {
        try await read(of: filter.profile, by: scanner) { database, tree, recent in
            try ProfileRows.days(database, tree, filter, recent)
        }
    }

    public func consentCounts(account: Int64, section: Int64) async throws(StoreFailure) -> [ConsentCount] {
        try await reader.read { try ConsentCountRows.read($0, account: account, section: section) }
    }

    public func erasure(_ id: ErasureID, account: Int64) async throws(StoreFailure) -> Erasure? {
        try await reader.read { try ErasureRows.find($0, id, account: account) }
    }

    public func erasures(account: Int64, before position: Int64?, limit: Int) async throws(StoreFailure) -> [Erasure] {
        try await reader.read { try ErasureRows.list($0, account: account, before: position, limit: limit) }
    }
}
