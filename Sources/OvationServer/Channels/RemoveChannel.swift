import Hummingbird
import OvationCore
import OvationWire

/// `DELETE /audience/channels/{channel}`: hides the channel for good and refuses new consents.
struct RemoveChannel: EndpointHandler {
    let directory: Directory

    func respond(to call: Call) async throws -> Response {
        let discriminator = try call.path.channel()
        try await directory.edit(EditContext(call)) { catalogue throws(Problem) in
            _ = try catalogue.listedChannel(discriminator)
            return [.channel(.removed(discriminator, at: call.receivedAt))]
        }
        return call.removed
    }
}
