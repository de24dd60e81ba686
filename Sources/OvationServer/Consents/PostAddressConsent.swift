import HTTPTypes
import Hummingbird
import OvationCore
import OvationWire

/// `POST /audience/channels/{channel}/addresses/{address}/consents`: sets a consent of an address, or opts it out of a section
/// or of the account. It makes the profile of the address.
struct PostAddressConsent: InputEndpoint {
    typealias Input = Bodies.AddressConsentRequest

    let store: any Store
    let directory: Directory
    let limits: Limits

    func respond(to call: Call) async throws -> Response {
        // Refused before the body is read, if possible; and resolved again afterwards.
        let caller = try call.caller()
        var place = try AddressPlace(call, as: caller, writing: true)
        let asked = try await input(of: call)
        if !directory.isCurrent(caller) {
            place = try AddressPlace(call, as: directory.current(caller), writing: true)
        }
        let section = try PostAddressConsent.section(asked, at: place)
        let number = section?.number ?? 0
        let idempotency = try call.idempotency(
            of: JSONWriter.write(asked.json), profile: place.profile, section: number, caller: place.caller)
        let edit: ConsentEdit
        do {
            edit = try PostAddressConsent.edit(asked, in: section, at: place)
        } catch {
            guard try await store.firstAnswer(to: idempotency, of: place.profile, call) != nil else { throw error }
            return .noContent([.idempotencyReplayed: "true"])
        }
        if call.isCheckOnly {
            if let problem = try await store.profile(.address(place.profile))?.state.problem { throw problem }
            return .noContent([.preferenceApplied: "validate-only"])
        }
        let outcome = try await store.change(
            ProfileChange(
                profile: place.profile, at: call.receivedAt, actor: place.caller.key.clientID, precondition: .none,
                idempotency: idempotency, operations: [.consent(section: number, [edit])]))
        switch outcome {
        case .consented: return Response(status: .created)
        case .changed, .unchanged: return .noContent()
        case .duplicate: return .noContent([.idempotencyReplayed: "true"])
        default: throw outcome.problem(place.caller)
        }
    }

    /// nil: it is about all sections.
    private static func section(_ asked: Input, at place: AddressPlace) throws(Problem) -> Section? {
        guard let text = asked.sectionDiscriminator else {
            try place.requireAllSections()
            return nil
        }
        return try place.section(text)
    }

    /// What to set in the section, or above all sections.
    private static func edit(
        _ asked: Input, in section: Section?, at place: AddressPlace
    ) throws(Problem) -> ConsentEdit {
        var check = ConsentCheck(for: place.caller)
        let consent = check.consent(asked.type, source: nil, reason: "")
        var wanted: ConsentPlace? = ConsentPlace(topic: nil, channel: place.channel.number)
        if let text = asked.topicDiscriminator {
            guard let section, let list = asked.consentListDiscriminator else {
                check.refuseMember(
                    "topic_discriminator",
                    "A topic is named with 'section_discriminator' and 'consent_list_discriminator'.")
                return try check.result(nil)
            }
            wanted = check.place(check.topic(text, list: list, in: section), place.channel)
        } else {
            if let list = asked.consentListDiscriminator {
                check.refuseMember(
                    "consent_list_discriminator",
                    "There are no consents to a whole consent list; name a topic of \(list.quoted) too.")
            }
            if asked.type != .optOut {
                check.refuseMember("type", "Above a topic there are opt-outs alone; name a topic to opt in to.")
            }
        }
        return ConsentEdit(try check.result(wanted), consent, refused: .changesNothing)
    }
}
