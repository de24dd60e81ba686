import Hummingbird
import OvationCore
import OvationWire

/// `DELETE /audience/channels/{channel}/addresses/{address}/suppression?source=&reason=`: consents count again.
struct LiftSuppression: EndpointHandler {
    let store: any Store
    let suppressions: Suppressions

    func respond(to call: Call) async throws -> Response {
        try await call.refuseFilters(except: "source", "reason")
        let place = try AddressPlace(call, as: call.caller(), writing: true)
        let lift = try call.lift()
        guard try await suppressions.held(place) != nil,
            let profile = suppressions.profile(
                place.profile.key, channel: place.channel, account: place.caller.key.account)
        else { throw Problem.noSuppression }
        if call.isCheckOnly { return .noContent(Call.checked) }
        let outcome = try await store.change(
            ProfileChange(
                profile: profile, at: call.receivedAt, actor: place.caller.key.clientID,
                operations: [
                    .consent(
                        section: 0, [ConsentEdit(ConsentPlace(topic: nil, channel: place.channel.number), lift)])
                ]))
        switch outcome {
        case .changed, .unchanged: return .noContent()
        default: throw outcome.problem(place.caller)
        }
    }
}
