import Hummingbird
import OvationCore
import OvationWire

/// `DELETE /audience/sections/{section}/events/{event}`: hides the type and refuses new events; stored events stay
/// readable.
struct RemoveEventType: EndpointHandler {
    let directory: Directory

    func respond(to call: Call) async throws -> Response {
        let section = try call.caller().section(call.path.section())
        let discriminator = try call.path.eventType()
        try await directory.edit(EditContext(call)) { catalogue throws(Problem) in
            guard let eventType = catalogue.eventType(discriminator), eventType.section == section.discriminator,
                eventType.removedAt == nil
            else { throw Problem.noEventType(discriminator) }
            return [.eventType(.removed(discriminator, at: call.receivedAt))]
        }
        return call.removed
    }
}
