import HTTPTypes
import OvationCore
import OvationWire

/// `GET /audience/channels/{channel}/addresses/{address}/consents/sections/{section}/consent-lists/{consent_list}/evaluations`:
/// the topics of a consent list that an address may be written to about
struct ListEvaluations: BodyEndpoint {
    let store: any ProfileStore
    let suppressions: Suppressions

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.Evaluations> {
        let caller = try call.caller()
        let section = try caller.section(call.path.section())
        let place = try AddressPlace(call, as: caller, writing: false)
        let folder = try caller.catalogue.listedFolder(
            call.path.folder("consent_list"), in: section.discriminator)
        var body = Bodies.Evaluations()
        let profiles = try await AddressProfiles(
            of: place, in: section, suppressed: suppressions.profile(place), from: store)
        if profiles.suppression == nil {
            let said = profiles.topics
            let topics = try caller.catalogue.listedTopics(in: section.discriminator).filter {
                guard $0.folder == folder.discriminator else { return false }
                guard said.contains($0.number) else {
                    // One that was not asked may have said yes.
                    try profiles.requireAll()
                    return false
                }
                return try profiles.sending(about: $0).isAllowed
            }
            body.items = topics.map { topic in
                var item = Bodies.Evaluation()
                item.topicDiscriminator = topic.discriminator.text
                return item
            }
        }
        return BodyAnswer(body, headers: [.cacheControl: "no-store"])
    }
}
