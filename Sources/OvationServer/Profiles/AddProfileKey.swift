import HTTPTypes
import Hummingbird
import OvationCore
import OvationWire

/// `POST /audience/keyspaces/{keyspace}/profiles/{key}/keys` with a key that is to lead to the profile too.
struct AddProfileKey: EndpointHandler, InputEndpoint {
    typealias Input = Bodies.KeyReference

    let store: any ProfileStore
    let directory: Directory
    let limits: Limits

    func respond(to call: Call) async throws -> Response {
        let asking = try call.caller()
        let input = try await input(of: call)
        let caller = directory.isCurrent(asking) ? asking : try directory.current(asking)
        let keyspace = try caller.keyspaceForWriting(call.path.keyspace())
        let profile = try call.profile(in: keyspace, of: caller)
        let operation = ProfileChange.Operation.addKey(
            try caller.keyForWriting(input, at: "").address, caller.mergeRules)
        if call.isCheckOnly {
            guard let found = try await store.profile(.address(profile)) else { throw call.unknownProfile }
            if let problem = found.state.problem { throw problem }
            try await store.verifyKeys([operation], of: profile, for: caller)
            return .noContent(Call.checked)
        }
        let outcome = try await store.change(
            ProfileChange(
                profile: profile, at: call.receivedAt, actor: caller.key.clientID, operations: [operation]))
        switch outcome {
        case .changed: return Response(status: .created)
        case .unchanged: return .noContent()
        default: throw outcome.problem(caller)
        }
    }
}
