import Hummingbird
import OvationCore

/// `GET /audience/rejections?section=&state=&code=&item_code=&event_discriminator=&cause=&q=&limit=&before=`: refused posts of
/// every section, newest first.
struct ListAllRejections: EndpointHandler {
    let store: any RejectionStore
    let limits: Limits

    func respond(to call: Call) async throws -> Response {
        let section = try call.sectionFilter()
        return try await ListRejections(store: store, limits: limits).respond(to: call, section: section)
    }
}
