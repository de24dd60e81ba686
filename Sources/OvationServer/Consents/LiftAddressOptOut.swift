import Hummingbird
import OvationCore
import OvationWire

/// `DELETE /audience/channels/{channel}/addresses/{address}/consents?section=&source=&reason=`: lifts the opt-out of a section, or of the
/// account, of every profile that has the address. What was below it counts again.
struct LiftAddressOptOut: EndpointHandler {
    let store: any Store

    func respond(to call: Call) async throws -> Response {
        try call.refuseParameters(except: ["section", "source", "reason"])
        let place = try AddressPlace(call, as: call.caller(), writing: true)
        let section = try call.parameter("section").map { text throws(Problem) in try place.section(text) }
        let lift = try call.lift()
        let consentPlace = ConsentPlace(topic: nil, channel: place.channel.number)
        let number = section?.number ?? 0
        let all = try await AddressProfiles(of: place, in: section, from: store)
        try all.requireAll()
        let profiles = all.data.filter { data in
            data.sections.first { $0.section == number }?[consentPlace.field]?.isOptOut ?? false
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
                    operations: [.consent(section: number, [ConsentEdit(consentPlace, lift)])]))
            switch outcome {
            case .changed, .unchanged: continue
            default: throw outcome.problem(place.caller)
            }
        }
        return .noContent()
    }
}

extension Call {
    /// What lifts something and why, from the query.
    func lift() throws(Problem) -> Lift {
        func text(_ name: String) throws(Problem) -> String? {
            let text = try parameter(name)
            guard text?.unicodeScalars.count ?? 0 <= Limits.consentTextLengthMax else {
                throw Problem(
                    .invalidParameter,
                    "'\(name)' has at most \(Limits.consentTextLengthMax) characters. Nothing was changed.")
            }
            return text
        }
        return Lift(source: try text("source") ?? ConsentCheck.defaultSource, reason: try text("reason") ?? "")
    }
}
