import Hummingbird
import OvationCore
import OvationWire

/// `POST /audience/sections/{section}/events/{event}/versions` with `{fields, version_id?, valid_from?, draft?}`
struct AddVersion: BodyEndpoint, InputEndpoint {
    typealias Input = Bodies.VersionRequest

    let directory: Directory
    let limits: Limits

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.FullEventType> {
        let section = try call.caller().section(call.path.section())
        let discriminator = try call.path.eventType()
        let version = try await input(of: call).definition
        let snapshot = try await directory.edit(EditContext(call)) { catalogue throws(Problem) in
            guard catalogue.eventType(discriminator)?.section == section.discriminator else {
                throw Problem.noEventType(discriminator)
            }
            return [.version(.added(catalogue.addingVersion(version, to: discriminator, at: call.receivedAt)))]
        }
        return call.changed(try snapshot.fullEventType(discriminator), status: .created)
    }
}
