import Hummingbird
import Logging
import OvationCore
import OvationWire

/// `DELETE /audience/keyspaces/{keyspace}/profiles/{key}/sections/{section}/events/{id}`
struct DeleteEvent: EndpointHandler {
    let store: any Store
    let logger: Logger

    func respond(to call: Call) async throws -> Response {
        let id = try call.path.eventID()
        try await call.refuseFilters()
        let filter = try call.eventFilter(readableOnly: false)
        let count = try await DeleteEvents(store: store, logger: logger).delete(call, filter, id: id)
        guard count > 0 else { throw Problem(.eventNotFound, "There is no event '\(id)' on this profile.") }
        return .noContent()
    }
}
