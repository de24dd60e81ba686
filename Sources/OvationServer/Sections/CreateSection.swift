import Hummingbird
import OvationCore
import OvationWire

/// `POST /audience/sections` with `{name, discriminator?}`
struct CreateSection: EndpointHandler {
    let directory: Directory
    let limits: Limits

    func respond(to call: Call) async throws -> Response {
        let json = try await call.json(within: limits)
        let body = try SectionRequest(json)
        let name = try ObjectReader(json).required("name", body.name)
        var made: Section?
        try await directory.edit(EditContext(call)) { catalogue in
            var random = SystemRandomNumberGenerator()
            let section = catalogue.creatingSection(
                named: name, discriminator: body.discriminator, using: &random)
            made = section
            return [.section(.created(section))]
        }
        return .json(made?.json ?? .null, status: .created)
    }
}
