import Hummingbird
import OvationCore
import OvationWire

/// `PATCH /audience/sections/{section}` with `{name}`
struct ChangeSection: EndpointHandler {
    let directory: Directory
    let limits: Limits

    func respond(to call: Call) async throws -> Response {
        let caller = try call.caller()
        let discriminator = try caller.section(call.path.section()).discriminator
        let body = try SectionRequest(await call.json(within: limits))
        guard body.discriminator == nil || body.discriminator == discriminator else {
            throw Problem(.conflict, "A discriminator is fixed for good.")
        }
        let snapshot = try await directory.edit(EditContext(call)) { catalogue in
            guard let name = body.name, name != catalogue.section(discriminator)?.name else { return [] }
            return [.section(.renamed(discriminator, name: name))]
        }
        return .json(snapshot.catalogue.section(discriminator)?.json ?? .null)
    }
}
