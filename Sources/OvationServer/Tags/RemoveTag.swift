import Hummingbird
import OvationCore
import OvationWire

/// `DELETE /audience/sections/{section}/tags/{tag}`: hides the tag for good and refuses it.
struct RemoveTag: EndpointHandler {
    let directory: Directory

    func respond(to call: Call) async throws -> Response {
        let section = try call.caller().section(call.path.section()).discriminator
        let discriminator = try call.path.tag()
        try await directory.edit(EditContext(call)) { catalogue throws(Problem) in
            _ = try catalogue.listedTag(discriminator, in: section)
            return [.tag(.removed(discriminator, in: section, at: call.receivedAt))]
        }
        return call.removed
    }
}
