import Hummingbird
import OvationCore
import OvationWire

/// `DELETE /audience/channels/{channel}/addresses/{address}/consents?section=`: lifts the opt-out of a section, or of the
/// account, of every profile that has the address. What was below it counts again.
struct LiftAddressOptOut: EndpointHandler {
    let store: any Store

    func respond(to call: Call) async throws -> Response {
        try call.refuseParameters(except: ["section"])
        let place = try AddressPlace(call, as: call.caller(), writing: true)
        var section: Section?
        if let text = try call.parameter("section") {
            guard let discriminator = try? Discriminator<Section>(text) else {
                throw Problem(.sectionNotFound, "There is no section \(text.quoted).")
            }
            section = try place.caller.section(discriminator)
        }
        let field = ConsentPlace(topic: nil, channel: place.channel.number).field
        let number = section?.number ?? 0
        let profiles = try await AddressProfiles(of: place, in: section, from: store).data.filter { data in
            data.sections.first { $0.section == number }?[field] != nil
        }
        guard !profiles.isEmpty else {
            throw Problem(.consentNotFound, "The address has no such opt-out; nothing was changed.")
        }
        if let problem = profiles.lazy.compactMap(\.profile.state.problem).first { throw problem }
        if call.isCheckOnly { return .noContent(Call.checked) }
        for data in profiles {
            // By the address itself where it is a key: so an undone merge leaves the lift where it was asked for.
            let keys = data.profile.keys
            guard let key = keys.first(where: { $0 == place.profile.profileKey }) ?? keys.first,
                let keyspace = place.caller.account.catalogue.keyspace(number: key.keyspace)
            else { continue }
            let profile = try ProfileAddress(key.text, in: keyspace, account: place.caller.key.account)
            let outcome = try await store.change(
                ProfileChange(
                    profile: profile, at: call.receivedAt, actor: place.caller.key.clientID,
                    operations: [.update(section: number, [ProfileEdit(field, nil)])]))
            switch outcome {
            case .changed, .unchanged: continue
            default: throw outcome.problem(place.caller)
            }
        }
        return .noContent()
    }
}
