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

    /// What is to be done.
    /// - Throws: when any of it may not be; the answer then names each.
    func operations(
        _ asked: Asked, of profile: ProfileAddress, at place: ChangePlace
    ) async throws -> [ProfileChange.Operation]

    /// The answer that says that it is done.
    func success(_ asked: Asked, of profile: ProfileAddress, _ outcome: ProfileChangeOutcome) -> Response
}

extension ProfileChangeEndpoint {
    var status: HTTPResponse.Status { .noContent }

    func success(_ asked: Asked, of profile: ProfileAddress, _ outcome: ProfileChangeOutcome) -> Response {
        if case .consented = outcome { return Response(status: .created) }
        return Response(status: status)
    }

    func profile(_ asked: Asked, _ call: Call, at place: ChangePlace) throws(Problem) -> ProfileAddress {
        try call.profile(in: place.keyspace, of: place.caller)
    }

    func respond(to call: Call) async throws -> Response {
        // Refused before the body is read, if possible; and resolved again afterwards.
        var place = try ChangePlace(call, as: call.caller())
        let asked = try await asked(by: call)
        place = try current(place, of: call)
        let profile = try profile(asked, call, at: place)
        let idempotency = try call.idempotency(
            of: identifyingBytes(asked), profile: profile, section: place.section.number, caller: place.caller)
        let operations: [ProfileChange.Operation]
        do {
            operations = try await self.operations(asked, of: profile, at: place)
        } catch {
            guard let answer = try await store.firstAnswer(to: idempotency, of: profile, call) else { throw error }
            return replayed(asked, of: profile, .duplicate(answer: answer))
        }
        if call.isCheckOnly {
            try await verify(profile, call)
            try await store.verifyKeys(operations, of: profile, for: place.caller)
            if let refusal = try await store.refusedConsent(operations, of: profile) {
                return try await respond(refusal, to: asked, of: profile, place.caller)
            }
            return .noContent([.preferenceApplied: "validate-only"])
        }
        // A store refuses values of a closed profile; of an empty request there are none.
        if operations.isEmpty, let problem = try await store.profile(.address(profile))?.state.problem { throw problem }
        let change = change(profile, call, idempotency, operations, at: place)
        return try await respond(try await store.change(change), to: asked, of: profile, place.caller)
    }

    func change(
        _ profile: ProfileAddress, _ call: Call, _ idempotency: Idempotency?,
        _ operations: [ProfileChange.Operation], at place: ChangePlace
    ) -> ProfileChange {
        ProfileChange(
            profile: profile, at: call.receivedAt, actor: place.caller.key.clientID, precondition: precondition,
            idempotency: idempotency, operations: operations)
    }

    /// Where it is changed, as the definitions are now: they can have changed while the body came.
    func current(_ place: ChangePlace, of call: Call) throws(Problem) -> ChangePlace {
        directory.isCurrent(place.caller) ? place : try ChangePlace(call, as: directory.current(place.caller))
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

    private func replayed(
        _ asked: Asked, of profile: ProfileAddress, _ outcome: ProfileChangeOutcome
    ) -> Response {
        var response = success(asked, of: profile, outcome)
        response.headers[.idempotencyReplayed] = "true"
        return response
    }

    private func respond(
        _ outcome: ProfileChangeOutcome, to asked: Asked, of profile: ProfileAddress, _ caller: Identity
    ) async throws -> Response {
        if let response = done(asked, of: profile, outcome) { return response }
        // That it is closed says more.
        if case .exists = outcome {
            throw try await store.profile(.address(profile))?.state.problem ?? Problem.profileExists
        }
        throw outcome.problem(caller)
    }

    /// nil: it is not done.
    func done(_ asked: Asked, of profile: ProfileAddress, _ outcome: ProfileChangeOutcome) -> Response? {
        switch outcome {
        case .changed, .consented, .unchanged: success(asked, of: profile, outcome)
        case .duplicate: replayed(asked, of: profile, outcome)
        default: nil
        }
    }
}

extension Problem {
    static let profileExists = Problem(
        .profileExists, "There is a profile with this key already; nothing was changed.")
    static let reusedIdempotencyKey = Problem(
        .idempotencyKeyReused,
        "This Idempotency-Key came with another request before; nothing was changed. Use a new key for each request, and "
            + "the same key only to send the same request again.")
}

extension EventStore {
    /// What a request was answered that is refused by now: a repeat of what was done gets its first answer, even if
    /// definitions have changed since. nil: it was not done before.
    /// - Throws: where the key came with another request.
    func firstAnswer(
        to idempotency: Idempotency?, of profile: ProfileAddress, _ call: Call
    ) async throws -> [UInt8]? {
        guard let idempotency, !call.isCheckOnly,
            let outcome = try await outcome(account: profile.account, of: idempotency, at: call.receivedAt)
        else { return nil }
        guard case .duplicate(let answer) = outcome else { throw Problem.reusedIdempotencyKey }
        return answer
    }
}

extension Call {
    /// nil without the header.
    /// - Parameter section: its number; 0 for a request that is about none.
    func idempotency(
        of asked: @autoclosure () -> [UInt8], profile: ProfileAddress, section: Int64, caller: Identity
    ) throws(Problem) -> Idempotency? {
        guard let key = try idempotencyKey() else { return nil }
        var hash = SHA256()
        let keyBytes = Array(profile.key.text.utf8)
        // The endpoint, so that the same body is another request at another one.
        hash.update(data: Array("\(endpoint.name) \(profile.keyspace) \(section) \(keyBytes.count) ".utf8))
        hash.update(data: keyBytes)
        hash.update(data: asked())
        return Idempotency(
            key, of: caller.key.clientID, section: section, fingerprint: Array(hash.finalize()), answer: [])
    }
}
