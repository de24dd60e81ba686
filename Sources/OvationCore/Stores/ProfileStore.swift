/// Profiles: found, read and changed.
public protocol ProfileStore: Sendable {
    /// Changes a profile in the group commit of the posts that wait, with their bounds. What was posted to the profile
    /// before is stored before it; what is posted later finds the profile changed, on every server. Returns at once, and
    /// tells the receiver after the commit is on disk.
    func change(_ change: ProfileChange, tell receiver: any ChangeReceiver)

    /// What a profile holds, in these sections or in all. nil: there is no such profile.
    func data(of profile: ProfileAddress, in sections: [Int64]?) async throws(StoreFailure) -> ProfileData?

    /// What was changed of a profile, newest first. nil: there is no such profile.
    func changes(_ filter: ProfileChangeFilter) async throws(StoreFailure) -> ProfileChangePage?

    /// What was changed of all profiles in a section, and in section 0, in the order in which it was made; not what became
    /// of each as a whole, and not of suppressions, which are nobody's. Versions of the range say nothing.
    func changes(of range: ExportRange) async throws(StoreFailure) -> ChangeExportPage

    /// The profiles of an account with what they hold, by rising id, a page at a time. A page is of one moment, so each profile
    /// in it is whole. Erased profiles, those that are locked for good, and suppressions are left out.
    func profiles(of range: ProfileExportRange) async throws(StoreFailure) -> ProfileExportPage

    /// nil: there is no such profile.
    func profile(_ reference: ProfileReference) async throws(StoreFailure) -> Profile?

    /// Profiles by the beginning of a key.
    func profiles(_ search: ProfileSearch) async throws(StoreFailure) -> ProfileMatches

    /// Profiles by the value of a mapped attribute, of any of their members. Erased profiles are not among them.
    func profiles(_ search: ValueSearch) async throws(StoreFailure) -> ValueMatches

    /// The consents of all profiles that a key leads to or that hold a value, a page at a time. Erased profiles are not among
    /// them.
    func consents(_ search: ConsentSearch) async throws(StoreFailure) -> ConsentMatches

    /// The suppressed addresses of a channel, a page at a time.
    func suppressions(_ filter: SuppressionFilter) async throws(StoreFailure) -> SuppressionPage

    /// Events by section and version. nil: there is no such profile.
    func counts(of profile: ProfileAddress) async throws(StoreFailure) -> ProfileCounts?

    /// Events by day of their time, oldest first, days without events left out. nil: there is no such profile.
    func days(_ filter: EventFilter) async throws(StoreFailure) -> [EventDay]?

    /// How many profiles have each type of consent at each place of a section, by rising place and type. Places and types
    /// that nobody has are left out. It reads a few rows for each place, and no profile.
    /// - Parameter section: its number; 0: opt-outs of the account; ``ConsentCount/suppressions``: those.
    func consentCounts(account: Int64, section: Int64) async throws(StoreFailure) -> [ConsentCount]

    /// What became of an erasure. nil: there is none.
    func erasure(_ id: ErasureID, account: Int64) async throws(StoreFailure) -> Erasure?

    /// Newest first.
    /// - Parameter position: only those before it; nil: from the newest on.
    func erasures(account: Int64, before position: Int64?, limit: Int) async throws(StoreFailure) -> [Erasure]
}

/// Who learns what became of a change, without a task that waits for it.
public protocol ChangeReceiver: WriteReceiver {
    /// Called once, on any thread. The store does nothing else meanwhile, so it must not wait.
    func receive(_ result: Result<ProfileChangeOutcome, StoreFailure>)
}

extension ProfileStore {
    /// Changes a profile. Returns after the commit is on disk.
    public func change(_ change: ProfileChange) async throws(StoreFailure) -> ProfileChangeOutcome {
        let result = await withUnsafeContinuation { self.change(change, tell: WaitingTask($0)) }
        return try result.get()
    }
}

extension WaitingTask: ChangeReceiver where Outcome == ProfileChangeOutcome {}
