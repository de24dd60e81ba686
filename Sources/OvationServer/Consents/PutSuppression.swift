import HTTPTypes
import Hummingbird
import OvationCore
import OvationWire

/// `PUT /audience/channels/{channel}/addresses/{address}/suppression`: the address takes nothing by this channel from then on.
struct PutSuppression: InputEndpoint {
    typealias Input = Bodies.SuppressionRequest

    let store: any Store
    let directory: Directory
    let suppressions: Suppressions
    let limits: Limits

    func respond(to call: Call) async throws -> Response {
        // Refused before the body is read, if possible; and resolved again afterwards.
        let caller = try call.caller()
        var place = try AddressPlace(call, as: caller, writing: true)
        let asked = try await input(of: call)
        if !directory.isCurrent(caller) {
            place = try AddressPlace(call, as: directory.current(caller), writing: true)
        }
        var check = ConsentCheck(for: place.caller)
        let consent = check.consent(.optOut, source: asked.source, reason: asked.reason)
        let field = try check.result(Suppression.field(ofChannel: place.channel.number))
        guard
            let profile = suppressions.profile(
                place.profile.key, channel: place.channel, account: place.caller.key.account)
        else { throw Problem(.internalError, "The address has no hash.") }
        let isNew = try await suppressions.held(place) == nil
        if call.isCheckOnly { return .noContent(Call.checked) }
        let outcome = try await store.change(
            ProfileChange(
                profile: profile, at: call.receivedAt, actor: place.caller.key.clientID, precondition: .none,
                operations: [.update(section: 0, [ProfileEdit(field, consent.value)])]))
        switch outcome {
        case .changed, .unchanged: return Response(status: isNew ? .created : .noContent)
        default: throw outcome.problem(place.caller)
        }
    }
}
