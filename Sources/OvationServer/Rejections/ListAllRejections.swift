import Hummingbird
import OvationCore
import OvationWire

/// `GET /audience/rejections?section=&state=&code=&item_code=&event_discriminator=&cause=&q=&limit=&before=`: refused posts of
/// every section, newest first.
struct ListAllRejections: BodyEndpoint {
    let store: any RejectionStore
    let limits: Limits

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.Rejections> {
        let section = try call.sectionFilter()
        return try await ListRejections(store: store, limits: limits).answer(to: call, section: section)
    }
}
