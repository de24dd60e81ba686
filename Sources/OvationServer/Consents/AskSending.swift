import HTTPTypes
import OvationCore
import OvationWire

/// `GET /audience/channels/{channel}/addresses/{address}/may-send?section=&topic=`: whether an address may be written to about
/// a topic, and why
struct AskSending: BodyEndpoint {
    let store: any ProfileStore
    let suppressions: Suppressions

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.Sending> {
        let caller = try call.caller()
        let place = try AddressPlace(call, as: caller, writing: false)
        let (sectionName, topicName) = (try call.parameter("section"), try call.parameter("topic"))
        guard let sectionName, let topicName else {
            throw Problem(.invalidParameter, "Say which topic it is about, and in which section: ?section=…&topic=….")
        }
        let section = try place.section(sectionName)
        let topic = try AskSending.topic(topicName, caller, in: section)
        if let only = topic.channel, only != place.channel.discriminator {
            throw Problem(
                .invalidParameter,
                "Consents to '\(topic.discriminator)' are for the channel '\(only)' alone, not for "
                    + "'\(place.channel.discriminator)'.")
        }
        let profiles = try await AddressProfiles(
            of: place, in: section, suppressed: suppressions.profile(place), from: store)
        let sending =
            try profiles.suppression.map { Sending(reason: .suppressed, held: $0) } ?? profiles.sending(about: topic)
        return BodyAnswer(Bodies.Sending(sending), headers: [.cacheControl: "no-store"])
    }

    private static func topic(_ text: String, _ caller: Identity, in section: Section) throws(Problem) -> Topic {
        guard let discriminator = try? Discriminator<Topic>(text) else {
            throw Problem(.topicNotFound, "The section has no topic \(text.quoted).")
        }
        return try caller.catalogue.listedTopic(discriminator, in: section.discriminator)
    }
}
