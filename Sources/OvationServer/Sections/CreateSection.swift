import Hummingbird
import OvationCore
import OvationWire

/// `POST /audience/sections` with `{name, discriminator?}`
struct CreateSection: EndpointHandler {
    let directory: Directory
    let limits: Limits

    func respond(to call: Call) async throws -> Response {
        let caller = try call.caller()
        let json = try await call.json(within: limits)
        let body = try SectionRequest(json)
        let name = try ObjectReader(json).required("name", body.name)
        var made: Section?
        try await directory.edit(
            account: caller.key.account, by: caller.key.clientID, at: call.receivedAt,
            expecting: call.expectedEntityTag
        ) { catalogue in
            var random = SystemRandomNumberGenerator()
            let section = catalogue.creatingSection(
                named: name, discriminator: body.discriminator, using: &random)
            made = section
            return [.sectionCreated(section)]
        }
        return .json(made?.json ?? .null, status: .created)
    }
}
