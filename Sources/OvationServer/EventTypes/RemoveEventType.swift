import Hummingbird
import OvationCore
import OvationWire

/// `DELETE /audience/sections/{section}/events/{event}`: hides the type and refuses new events; stored events stay
/// readable.
struct RemoveEventType: EndpointHandler {
    let directory: Directory

    func respond(to call: Call) async throws -> Response {
        let caller = try call.caller()
        let section = try caller.section(call.path.section())
        let discriminator = try call.path.eventType()
        try await directory.edit(
            account: caller.key.account, by: caller.key.clientID, at: call.receivedAt,
            expecting: call.expectedEntityTag
        ) { catalogue throws(Problem) in
            guard let eventType = catalogue.eventType(discriminator), eventType.section == section.discriminator,
                eventType.removedAt == nil
            else { throw Problem.noEventType(discriminator) }
            return [.eventTypeRemoved(discriminator, at: call.receivedAt)]
        }
        return .noContent()
    }
}
