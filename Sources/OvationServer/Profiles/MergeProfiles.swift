import HTTPTypes
import Hummingbird
import OvationCore
import OvationWire

/// `PUT /audience/profiles/merges` with two keys: makes one profile of two. Either is made if it is not there. With
/// `Prefer: validate-only` it says what a merge would do.
struct MergeProfiles: BodyEndpoint, InputEndpoint {
    typealias Input = Bodies.ProfileMerge

    let store: any Store
    let directory: Directory
    let limits: Limits

    /// The two, and who asks.
    private struct Pair {
        let caller: Identity
        let keyspaces: [Keyspace]
        let profiles: [ProfileAddress]

        init(_ input: Input, as caller: Identity) throws(Problem) {
            guard input.profiles.count == 2 else {
                let detail = "'profiles' has two entries, found \(input.profiles.count)."
                throw Problem(
                    .validationFailed, "The request body does not fit: \(detail)",
                    errors: [ItemError(index: nil, pointer: "/profiles", code: .invalidValue, detail: detail)])
            }
            self.caller = caller
            var keyspaces: [Keyspace] = []
            var profiles: [ProfileAddress] = []
            for (index, reference) in input.profiles.enumerated() {
                let (keyspace, profile) = try caller.keyForWriting(reference, at: "/profiles/\(index)")
                keyspaces.append(keyspace)
                profiles.append(profile)
            }
            (self.keyspaces, self.profiles) = (keyspaces, profiles)
        }
    }

    func respond(to call: Call) async throws -> Response {
        guard !call.isCheckOnly else { return try await answer(to: call).response }
        let pair = try await pair(call)
        let change = ProfileChange(
            profile: pair.profiles[0], at: call.receivedAt, actor: pair.caller.key.clientID, precondition: .none,
            idempotency: try call.idempotency(
                of: Array("\(pair.profiles[1].keyspace) \(pair.profiles[1].key.text)".utf8), profile: pair.profiles[0],
                section: 0, caller: pair.caller),
            operations: [.merge(pair.profiles[1], pair.caller.mergeRules)])
        let outcome = try await store.change(change)
        switch outcome {
        case .changed: return .noContent()
        case .duplicate: return .noContent([.idempotencyReplayed: "true"])
        case .unchanged:
            // They are one already, or both are locked.
            let one = try await store.profile(.address(pair.profiles[0]))
            let other = try await store.profile(.address(pair.profiles[1]))
            if one?.id != other?.id, let problem = one?.state.problem { throw problem }
            return .noContent()
        default: throw outcome.problem(pair.caller)
        }
    }

    /// What a merge would do.
    func answer(to call: Call) async throws -> BodyAnswer<Bodies.MergePreview> {
        let pair = try await pair(call)
        let caller = pair.caller
        var asked: [(key: Profile.Key, profile: Profile?)] = []
        var sides: [ProfileData] = []
        for profile in pair.profiles {
            let key = profile.profileKey
            let data = try await store.data(of: profile, in: nil)
            asked.append((key, data?.profile))
            if let data {
                sides.append(data)
                continue
            }
            // It is new, or locked for good: then it holds nothing.
            let state = try await store.profile(.address(profile))?.state ?? .open
            let none = Profile(id: profile.foundingID, key: key, createdAt: call.receivedAt, state: state)
            sides.append(ProfileData(profile: none, sections: []))
        }
        let preview = MergePreview(sides[0], sides[1], caller.mergeRules)
        let readable = pair.keyspaces.map {
            ReadableFields(caller.catalogue, through: $0.discriminator, ignoringPermissions: false)
        }
        let body = Bodies.MergePreview(
            preview, of: asked, refusal: preview.outcome.refusal(caller), readable, in: caller.catalogue
        ) {
            caller.key.maySee($0.discriminator)
        } mayRead: {
            caller.mayRead(keyspace: $0.keyspace)
        }
        return BodyAnswer(body, headers: [.preferenceApplied: "validate-only", .cacheControl: "no-store"])
    }

    private func pair(_ call: Call) async throws -> Pair {
        let caller = try call.caller()
        guard caller.mayWriteAnywhere else {
            throw Problem(.keyspaceForbidden, "This API key may write through no keyspace, so it can merge nothing.")
        }
        let input = try await call.body(Input.self, within: limits) { bytes throws(Problem) in
            try Input(parsing: bytes)
        }
        return try Pair(input, as: directory.isCurrent(caller) ? caller : directory.current(caller))
    }
}

extension MergePreview.Outcome {
    /// Why a merge would be refused; nil: it would not be.
    fileprivate func refusal(_ caller: Identity) -> Problem? {
        switch self {
        case .merged, .unchanged, .locked: nil
        case .refused(let refusal): refusal.problem(caller)
        }
    }
}
