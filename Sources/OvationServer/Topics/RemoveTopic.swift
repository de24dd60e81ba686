import Hummingbird
import OvationCore
import OvationWire

/// `DELETE /v2/audience/sections/{section}/topics/{topic}`: hides the topic for good and refuses new consents.
struct RemoveTopic: EndpointHandler {
    let directory: Directory

    func respond(to call: Call) async throws -> Response {
        let section = try call.caller().section(call.path.section()).discriminator
        let discriminator = try call.path.topic()
        try await directory.edit(EditContext(call)) { catalogue throws(Problem) in
            _ = try catalogue.listedTopic(discriminator, in: section)
            return [.topic(.removed(discriminator, in: section, at: call.receivedAt))]
        }
        return call.removed
    }
}
