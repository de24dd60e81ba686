import OvationCore
import OvationWire

// What the changes of keys share: merges, switched identifiers, keys that are added and removed.

extension Identity {
    /// Which profiles of the account can be one.
    var mergeRules: MergeRules { MergeRules(account.catalogue) }

    /// A key in a body, of a keyspace that the caller may write through.
    /// - Parameter pointer: where it stands.
    func keyForWriting(
        _ reference: Bodies.KeyReference, at pointer: String
    ) throws(Problem) -> (keyspace: Keyspace, address: ProfileAddress) {
        // A discriminator that cannot be one names nothing.
        guard let discriminator = try? Discriminator<Keyspace>(reference.keyspaceDiscriminator) else {
            throw Problem(.keyspaceNotFound, "There is no keyspace \(reference.keyspaceDiscriminator.quoted).")
        }
        let keyspace = try keyspaceForWriting(discriminator)
        let address = try ProfileAddress(
            reference.profileKey, in: keyspace, of: self, at: pointer + "/profile_key")
        return (keyspace, address)
    }
}

extension ProfileAddress {
    /// As a profile has it.
    var profileKey: Profile.Key { Profile.Key(keyspace: keyspace, text: key.text) }
}

extension ProfileStore {
    /// Whether the profile would take the key that operations add, as far as it can be known before.
    /// - Throws: what the change would be refused with.
    func verifyKeys(
        _ operations: [ProfileChange.Operation], of profile: ProfileAddress, for caller: Identity
    ) async throws {
        for case .addKey(let key, let rules) in operations {
            guard let data = try await data(of: profile, in: nil) else { continue }
            if let owner = try await self.profile(.address(key)) {
                guard owner.id == data.profile.id else {
                    throw owner.state.problem ?? ProfileChangeOutcome.taken.problem(caller)
                }
                continue
            }
            let edits = operations.compactMap { operation -> (section: Int64, edits: [ProfileEdit])? in
                if case .update(let section, let edits) = operation { (section, edits) } else { nil }
            }
            let difference = rules.difference(
                adding: key.profileKey, to: data, without: operations.contains(.removeKey) ? profile.profileKey : nil,
                after: edits)
            if let difference { throw ProfileChangeOutcome.different(keyspace: difference).problem(caller) }
            guard data.profile.members.count < Limits.profileMembersMax else {
                throw ProfileChangeOutcome.tooManyMembers.problem(caller)
            }
        }
    }

    /// When each member of a profile was joined, by the position of the change.
    /// - Parameter address: of any of its keys.
    func joinings(of profile: Profile, at address: ProfileAddress) async throws(StoreFailure) -> [Int64: Timestamp] {
        var wanted = Set(profile.members.compactMap { $0.joining?.position })
        var found: [Int64: Timestamp] = [:]
        var before: Int64?
        while let oldest = wanted.min(), before.map({ $0 > oldest }) ?? true {
            let filter = ProfileChangeFilter(
                profile: address, sections: [], before: before, limit: Limits.changesPageMax)
            guard let page = try await changes(filter) else { break }
            for change in page.changes where wanted.remove(change.position) != nil {
                found[change.position] = change.at
            }
            guard let next = page.next else { break }
            before = next
        }
        return found
    }
}

extension MergePreview.Refusal {
    /// Why profiles would not be merged.
    func problem(_ caller: Identity) -> Problem {
        switch self {
        case .different(let keyspace): ProfileChangeOutcome.different(keyspace: keyspace).problem(caller)
        case .tooManyMembers: ProfileChangeOutcome.tooManyMembers.problem(caller)
        case .full: ProfileChangeOutcome.full.problem(caller)
        case .locked: ProfileChangeOutcome.refused(.locked).problem(caller)
        }
    }
}

extension ProfileChangeOutcome {
    /// Why a change was refused.
    func problem(_ caller: Identity) -> Problem {
        switch self {
        case .noProfile: Problem(.profileNotFound, "There is no profile with this key in the keyspace.")
        case .exists: .profileExists
        case .refused(let state): state.problem ?? ProfileChangeOutcome.unexplained
        case .full:
            Problem(
                .limitExceeded,
                "The profile would hold more than \(Limits.profileFieldsMax) attributes, tags and consents in the section; nothing "
                    + "was changed.")
        case .conflict: .reusedIdempotencyKey
        case .different(let keyspace):
            Problem(
                .profilesDiffer,
                "A person has one \(ProfileChangeOutcome.identity(keyspace, caller)), and these have two, as a key or as a "
                    + "value in some section; nothing was changed. Correct the wrong one and send the request again.")
        case .tooManyMembers:
            Problem(
                .tooManyMembers,
                "The profile would have more than \(Limits.profileMembersMax) members; nothing was changed.")
        case .canonical:
            Problem(
                .canonicalProfile,
                "The key is that of the canonical profile, which is taken out of nothing; nothing was changed. Name the "
                    + "key of the other one.")
        case .taken:
            Problem(
                .profileKeyTaken,
                "Another profile has the key; nothing was changed. To make one profile of the two, merge them.")
        case .lastKey: Problem(.lastKey, "No key would lead to the profile; nothing was changed.")
        case .consentRefused(let current):
            Problem(
                .consentNotAllowed,
                "The profile has '\(current.word)' there, which this type cannot follow; nothing was changed.")
        case .changed, .consented, .unchanged, .duplicate: ProfileChangeOutcome.unexplained
        }
    }

    private static let unexplained = Problem(
        .internalError, "The change was refused for no reason that the server knows.")

    /// What a person has one of.
    private static func identity(_ number: Int64, _ caller: Identity) -> String {
        let keyspace = caller.account.catalogue.keyspace(number: number)?.discriminator.text
        switch keyspace {
        case "com.apsis1.keyspaces.email": return "e-mail address"
        case "com.apsis1.keyspaces.mobile": return "mobile number"
        case "com.apsis1.keyspaces.crm-id": return "CRM ID"
        default: return "key of the keyspace \((keyspace ?? String(number)).quoted)"
        }
    }
}
