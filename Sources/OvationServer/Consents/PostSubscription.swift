import Crypto
import HTTPTypes
import Hummingbird
import OvationCore
import OvationWire

/// `POST /audience/keyspaces/{keyspace}/profiles/{key}/sections/{section}/subscriptions`: subscribes a profile to a topic. It
/// makes the profile.
struct PostSubscription: ProfileChangeEndpoint, InputEndpoint {
    typealias Input = Bodies.SubscriptionRequest

    let store: any Store
    let directory: Directory
    let limits: Limits

    var precondition: ProfileChange.Precondition { .none }

    func asked(by call: Call) async throws -> Input { try await input(of: call) }

    func identifyingBytes(_ asked: Input) -> [UInt8] { JSONWriter.write(asked.json) }

    func operations(
        _ asked: Input, of profile: ProfileAddress, at place: ChangePlace
    ) throws -> [ProfileChange.Operation] {
        try place.keyspace.requireSubscriptions()
        var check = ConsentCheck(for: place.caller)
        let topic = check.topic(asked.topicDiscriminator, list: asked.consentListDiscriminator, in: place.section)
        let number = try check.result(topic).number
        let consent = Consent(.optIn, source: ConsentCheck.defaultSource, reason: "")
        return [
            .consent(
                section: place.section.number,
                [ConsentEdit(ConsentPlace(topic: number, channel: nil), consent, refused: .changesNothing)])
        ]
    }

    func success(_ asked: Input, of profile: ProfileAddress, _ outcome: ProfileChangeOutcome) -> Response {
        var body = Bodies.Subscription()
        body.id = PostSubscription.id(of: profile, topic: asked.topicDiscriminator)
        return .json(body.json, status: .created)
    }

    /// A UUID of version 8, from a hash of what it stands for: the same subscription has the same id.
    private static func id(of profile: ProfileAddress, topic: String) -> String {
        let text = "\(profile.account) \(profile.keyspace) \(profile.foundingID.hex) \(topic)"
        var bytes = Array(SHA256.hash(data: Array(text.utf8)).prefix(16))
        bytes[6] = bytes[6] & 0x0F | 0x80
        bytes[8] = bytes[8] & 0x3F | 0x80
        var id = ""
        for (index, digit) in Hexadecimal.text(of: bytes).enumerated() {
            if [8, 12, 16, 20].contains(index) { id += "-" }
            id.append(digit)
        }
        return id
    }
}
