import HTTPTypes
import Hummingbird
import OvationCore
import OvationWire

/// `POST /v2/audience/keyspaces/{keyspace}/profiles/{key}/sections/{section}/consents`: sets a consent of a profile that is
/// there.
struct PostConsent: PlainChangeEndpoint {
    typealias Input = Bodies.ConsentRequest

    let store: any Store
    let directory: Directory
    let limits: Limits

    var precondition: ProfileChange.Precondition { .exists }

    func operations(
        _ asked: Input, of profile: ProfileAddress, at place: ChangePlace
    ) throws -> [ProfileChange.Operation] {
        try place.keyspace.requireSubscriptions()
        var check = ConsentCheck(for: place.caller)
        let topic = check.topic(asked.topicDiscriminator, in: place.section)
        let channel = check.channel(asked.channelDiscriminator)
        let consent = check.consent(asked.type, source: asked.source, reason: asked.reason)
        let found = check.place(topic, channel)
        return [.consent(section: place.section.number, [ConsentEdit(try check.result(found), consent)])]
    }
}
