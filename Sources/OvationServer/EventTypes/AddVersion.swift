import Hummingbird
import OvationCore
import OvationWire

/// `POST /audience/sections/{section}/events/{event}/versions` with `{fields, version_id?, valid_from?, draft?}`
struct AddVersion: EndpointHandler {
    let directory: Directory
    let limits: Limits

    func respond(to call: Call) async throws -> Response {
        let caller = try call.caller()
        let section = try caller.section(call.path.section())
        let discriminator = try call.path.eventType()
        let version = try VersionRequest(await call.json(within: limits)).definition
        let snapshot = try await directory.edit(EditContext(call)) { catalogue throws(Problem) in
            guard catalogue.eventType(discriminator)?.section == section.discriminator else {
                throw Problem.noEventType(discriminator)
            }
            return [.version(.added(catalogue.addingVersion(version, to: discriminator, at: call.receivedAt)))]
        }
        return .json(snapshot.catalogue.eventType(discriminator)?.json(.withDrafts) ?? .null, status: .created)
    }
}
