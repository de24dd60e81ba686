import HTTPTypes
import OvationCore
import OvationWire

/// `GET /audience/channels/{channel}/addresses/{address}/suppression`
struct GetSuppression: BodyEndpoint {
    let suppressions: Suppressions

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.Suppression> {
        let place = try AddressPlace(call, as: call.caller(), writing: false)
        guard let held = try await suppressions.held(place),
            let body = Bodies.Suppression(held, of: try call.path.text("address"), channel: place.channel)
        else { throw Problem.noSuppression }
        return BodyAnswer(body, headers: [.cacheControl: "no-store"])
    }
}

extension Problem {
    static let noSuppression = Problem(
        .suppressionNotFound, "The address is not suppressed in this channel.")
}
