import Crypto
import HTTPTypes
import Hummingbird
import OvationCore
import OvationWire

/// An endpoint that changes what a profile holds: from its body, or from its path alone, to the commit and the answer.
protocol ProfileChangeEndpoint: EndpointHandler {
    associatedtype Asked
    var store: any Store { get }
    var directory: Directory { get }

    /// What has to hold of the profile before.
    var precondition: ProfileChange.Precondition { get }

    /// Of an answer that says that it is done.
    var status: HTTPResponse.Status { get }

    /// What the request asks for. It is read before rights are looked up for good, since a body can take its time.
    func asked(by call: Call) async throws -> Asked

    /// The bytes that tell two requests with one idempotency key apart.
    func identifyingBytes(_ asked: Asked) -> [UInt8]

    /// The profile that is meant.
    func profile(_ asked: Asked, _ call: Call, at place: ChangePlace) throws(Problem) -> ProfileAddress

    /// What is set and cleared.
    /// - Throws: when any of it may not be; the answer then names each.
    func edits(_ asked: Asked, of profile: ProfileAddress, at place: ChangePlace) async throws -> [ProfileEdit]
}

extension ProfileChangeEndpoint {
    var status: HTTPResponse.Status { .noContent }

    func profile(_ asked: Asked, _ call: Call, at place: ChangePlace) throws(Problem) -> ProfileAddress {
        try call.profile(in: place.keyspace, of: place.caller)
    }

    func respond(to call: Call) async throws -> Response {
        // Refused before the body is read, if possible; and resolved again afterwards.
        let caller = try call.caller()
        var place = try ChangePlace(call, as: caller)
        let asked = try await asked(by: call)
        if !directory.isCurrent(caller) { place = try ChangePlace(call, as: directory.current(caller)) }
        let profile = try profile(asked, call, at: place)
        let idempotency = try call.idempotency(of: identifyingBytes(asked), profile: profile, at: place)
        let edits: [ProfileEdit]
        do {
            edits = try await self.edits(asked, of: profile, at: place)
        } catch {
            // A repeat of what was done gets its first answer, even if definitions have changed since.
            guard let idempotency, !call.isCheckOnly,
                let outcome = try await store.outcome(
                    account: profile.account, of: idempotency, at: call.receivedAt)
            else { throw error }
            switch outcome {
            case .duplicate: return replayed
            default: throw Problem.reusedIdempotencyKey
            }
        }
        if call.isCheckOnly {
            try await verify(profile, call)
            return .noContent([.preferenceApplied: "validate-only"])
        }
        // A store refuses values of a closed profile; of an empty request there are none.
        if edits.isEmpty, let problem = try await store.profile(.address(profile))?.state.problem { throw problem }
        let change = ProfileChange(
            profile: profile, at: call.receivedAt, actor: place.caller.key.clientID, precondition: precondition,
            idempotency: idempotency,
            operations: edits.isEmpty ? [] : [.update(section: place.section.number, edits)])
        return try await respond(try await store.change(change), profile, call)
    }

    /// What the store would say, as far as it can be known before.
    private func verify(_ profile: ProfileAddress, _ call: Call) async throws {
        let found = try await store.profile(.address(profile))
        if let problem = found?.state.problem { throw problem }
        switch precondition {
        case .exists where found == nil: throw call.unknownProfile
        case .isNew where found != nil: throw Problem.profileExists
        case .exists, .isNew, .none: break
        }
    }

    private var replayed: Response { Response(status: status, headers: [.idempotencyReplayed: "true"]) }

    private func respond(
        _ outcome: ProfileChangeOutcome, _ profile: ProfileAddress, _ call: Call
    ) async throws -> Response {
        switch outcome {
        case .changed, .unchanged: return Response(status: status)
        case .duplicate: return replayed
        case .noProfile: throw call.unknownProfile
        case .exists:
            // That it is closed says more.
            throw try await store.profile(.address(profile))?.state.problem ?? Problem.profileExists
        case .refused(let state):
            throw state.problem
                ?? Problem(.internalError, "The change was refused for no reason that the server knows.")
        case .full:
            throw Problem(
                .limitExceeded,
                "The profile would hold more than \(Limits.profileFieldsMax) attributes and tags in the section; nothing "
                    + "was changed.")
        case .conflict: throw Problem.reusedIdempotencyKey
        case .different, .tooManyMembers, .canonical, .taken, .lastKey:
            throw Problem(.internalError, "The change was refused for no reason that the server knows.")
        }
    }
}

extension Problem {
    static let profileExists = Problem(
        .profileExists, "There is a profile with this key already; nothing was changed.")
    fileprivate static let reusedIdempotencyKey = Problem(
        .idempotencyKeyReused,
        "This Idempotency-Key came with another request before; nothing was changed. Use a new key for each request, and "
            + "the same key only to send the same request again.")
}

extension Call {
    /// nil without the header.
    fileprivate func idempotency(
        of asked: @autoclosure () -> [UInt8], profile: ProfileAddress, at place: ChangePlace
    ) throws(Problem) -> Idempotency? {
        guard let key = try idempotencyKey() else { return nil }
        var hash = SHA256()
        let keyBytes = Array(profile.key.text.utf8)
        // The endpoint, so that the same body is another request at another one.
        hash.update(data: Array("\(endpoint.name) \(profile.keyspace) \(place.section.number) \(keyBytes.count) ".utf8))
        hash.update(data: keyBytes)
        hash.update(data: asked())
        return Idempotency(
            key, of: place.caller.key.clientID, section: place.section.number, fingerprint: Array(hash.finalize()),
            answer: [])
    }
}
