import Hummingbird
import OvationCore

/// `GET /audience/rejections?section=&state=&code=&q=&limit=&before=`: refused posts of every section, newest first.
struct ListAllRejections: EndpointHandler {
    let store: any Store
    let limits: Limits

    func respond(to call: Call) async throws -> Response {
        var section: Section?
        if let text = try call.parameter("section") {
            guard let discriminator = try? Discriminator<Section>(text) else {
                throw Problem(.sectionNotFound, "There is no section \(text.quoted).")
            }
            section = try call.caller().section(discriminator)
        }
        return try await ListRejections(store: store, limits: limits).respond(to: call, section: section)
    }
}
