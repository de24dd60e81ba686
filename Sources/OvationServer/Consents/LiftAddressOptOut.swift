import Hummingbird
import OvationCore
import OvationWire

/// `DELETE /audience/channels/{channel}/addresses/{address}/consents?section=`: lifts the opt-out of a section, or of the
/// account. What was below it counts again.
struct LiftAddressOptOut: EndpointHandler {
    let store: any Store

    func respond(to call: Call) async throws -> Response {
        try call.refuseParameters(except: ["section"])
        let place = try AddressPlace(call, as: call.caller(), writing: true)
        var section: Int64 = 0
        if let text = try call.parameter("section") {
            guard let discriminator = try? Discriminator<Section>(text) else {
                throw Problem(.sectionNotFound, "There is no section \(text.quoted).")
            }
            section = try place.caller.section(discriminator).number
        }
        let field = ConsentPlace(topic: nil, channel: place.channel.number).field
        guard let data = try await store.data(of: place.profile, in: [section]),
            data.sections.first?[field] != nil
        else {
            throw Problem(.consentNotFound, "The address has no such opt-out; nothing was changed.")
        }
        if call.isCheckOnly { return .noContent(Call.checked) }
        let outcome = try await store.change(
            ProfileChange(
                profile: place.profile, at: call.receivedAt, actor: place.caller.key.clientID,
                operations: [.update(section: section, [ProfileEdit(field, nil)])]))
        switch outcome {
        case .changed, .unchanged: return .noContent()
        default: throw outcome.problem(place.caller)
        }
    }
}
