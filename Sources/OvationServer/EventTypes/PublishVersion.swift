import Hummingbird
import OvationCore
import OvationWire

/// `POST /audience/sections/{section}/events/{event}/versions/{version}/publish`: a draft becomes the current version,
/// or a deprecated version becomes current again, which undoes its deprecation.
///
/// A deprecated version needs `If-Match`: otherwise a client that missed an answer and repeats its request would undo
/// what others have published since.
struct PublishVersion: BodyEndpoint {
    let directory: Directory

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.FullEventType> {
        let (discriminator, snapshot) = try await directory.editVersion(of: call) {
            version, eventType, catalogue throws(Problem) in
            if catalogue.version(version)?.version.state == .published, call.expectedEntityTag == nil {
                throw Problem(
                    .conflict,
                    "Version \(version) was published before. To make it the current one again, read the event type, and "
                        + "send its ETag with the header If-Match.")
            }
            return catalogue.publishing(version, of: eventType, at: call.receivedAt)
        }
        return call.changed(try snapshot.fullEventType(discriminator))
    }
}

extension Directory {
    /// One change of the version that the path of the call names.
    func editVersion(
        of call: Call,
        _ change: (EventVersion.ID, Discriminator<EventType>, Catalogue) throws(Problem) -> CatalogueChange
    ) async throws -> (Discriminator<EventType>, AccountSnapshot) {
        let section = try call.caller().section(call.path.section())
        let discriminator = try call.path.eventType()
        let version = try call.path.version()
        let snapshot = try await edit(EditContext(call)) { catalogue throws(Problem) in
            guard let found = catalogue.version(version), found.eventType.discriminator == discriminator,
                found.eventType.section == section.discriminator
            else { throw Problem.noVersion(version) }
            return [try change(version, discriminator, catalogue)]
        }
        return (discriminator, snapshot)
    }
}
