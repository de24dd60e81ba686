import Hummingbird
import OvationCore
import OvationWire

/// `DELETE /v2/audience/sections/{section}/folders/{folder}`: hides a folder that has no topics for good.
struct RemoveFolder: EndpointHandler {
    let directory: Directory

    func respond(to call: Call) async throws -> Response {
        let section = try call.caller().section(call.path.section()).discriminator
        let discriminator = try call.path.folder()
        try await directory.edit(EditContext(call)) { catalogue throws(Problem) in
            _ = try catalogue.listedFolder(discriminator, in: section)
            return [.folder(.removed(discriminator, in: section, at: call.receivedAt))]
        }
        return call.removed
    }
}
