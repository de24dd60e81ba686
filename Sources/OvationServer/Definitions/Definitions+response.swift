import HTTPTypes
import Hummingbird
import OvationCore
import OvationWire

extension Call {
    /// Definitions as the caller sees them. 304 when the client already has what they are now.
    func definitions<Content: Body>(_ identity: Identity, _ body: @autoclosure () -> Content) -> BodyAnswer<Content> {
        let tag = identity.account.entityTag(for: identity.key)
        let headers: HTTPFields = [.eTag: tag, .cacheControl: "private, no-cache"]
        let known = request.headers[values: .ifNoneMatch].flatMap { $0.split(separator: ",") }
        let trimmed = known.map { $0.filter { !$0.isWhitespace } }
        if trimmed.contains(where: { $0 == tag || $0 == "W/" + tag || $0 == "*" }) { return .unchanged(headers) }
        return BodyAnswer(body(), headers: headers)
    }

    /// The entity tag that must still hold for a change to go through; nil when the client asks for none.
    var expectedEntityTag: String? {
        request.headers[.ifMatch].flatMap { $0 == "*" ? nil : $0 }
    }

    /// What a definition is after a change. A change that was only checked has made nothing, so its status is 200.
    func changed<Content: Body>(_ body: Content, status: HTTPResponse.Status = .ok) -> BodyAnswer<Content> {
        guard isCheckOnly else { return BodyAnswer(body, status: status) }
        return BodyAnswer(body, headers: Call.checked)
    }

    /// The answer to a change that leaves nothing to show.
    var removed: Response { .noContent(isCheckOnly ? Call.checked : [:]) }

    /// Says that everything was checked and nothing changed.
    static let checked: HTTPFields = [.preferenceApplied: "validate-only"]
}

extension AccountSnapshot {
    func section(_ discriminator: Discriminator<Section>) throws(Problem) -> Section {
        guard let section = catalogue.section(discriminator) else { throw Problem.noSection(discriminator) }
        return section
    }

    func keyspace(_ discriminator: Discriminator<Keyspace>) throws(Problem) -> Keyspace {
        guard let keyspace = catalogue.keyspace(discriminator) else { throw Problem.noKeyspace(discriminator) }
        return keyspace
    }

    /// As admins see it, who alone change one.
    func fullEventType(_ discriminator: Discriminator<EventType>) throws(Problem) -> Bodies.FullEventType {
        guard let eventType = catalogue.eventType(discriminator) else { throw Problem.noEventType(discriminator) }
        return Bodies.FullEventType(eventType, showsDrafts: true)
    }
}
