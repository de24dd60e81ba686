import Hummingbird
import OvationCore
import OvationWire

/// `DELETE /audience/sections/{section}/attributes/{attribute}`: hides the attribute and refuses new values.
struct RemoveAttribute: EndpointHandler {
    let directory: Directory

    func respond(to call: Call) async throws -> Response {
        let section = try call.caller().section(call.path.section()).discriminator
        let discriminator = try call.path.attribute()
        try await directory.edit(EditContext(call)) { catalogue throws(Problem) in
            _ = try catalogue.listedAttribute(discriminator, in: section)
            return [.attribute(.removed(discriminator, in: section, at: call.receivedAt))]
        }
        return call.removed
    }
}
