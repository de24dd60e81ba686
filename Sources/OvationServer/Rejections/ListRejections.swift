import HTTPTypes
import Hummingbird
import OvationCore
import OvationWire

/// `GET /audience/sections/{section}/rejections?state=&code=&q=&limit=&before=`: refused posts, newest first. Admins
/// also see the beginning of each body; integrations only what came through keyspaces they may read.
struct ListRejections: EndpointHandler {
    let store: any Store
    let limits: Limits

    func respond(to call: Call) async throws -> Response {
        try await respond(to: call, section: call.caller().section(call.path.section()))
    }

    /// - Parameter section: nil for those of all sections.
    func respond(to call: Call, section: Section?) async throws -> Response {
        let caller = try call.caller()
        let limit = try call.int("limit", in: 1...Limits.rejectionPageMax, default: 50)
        let before = try call.parameter("before").map { text throws(Problem) in
            guard let id = VersionID.parse(text) else {
                throw Problem(.invalidCursor, "'before' is the id of a refused post.")
            }
            return id
        }
        let rejections = try await store.rejections(
            filter(call, caller, section), before: before, limit: limit + 1,
            bodyBytesMax: caller.isAdmin ? Limits.rejectionExcerptBytes : 0)
        let items = rejections.prefix(limit).map { rejection in
            RejectionBody.json(rejection, in: caller.catalogue, body: caller.isAdmin ? .excerpt : .none)
        }
        let next = rejections.count > limit ? items.last?["id"] : nil
        return .json(
            .object([.init("items", .array(items)), .init("next_before", next ?? .null)]),
            headers: [.cacheControl: "no-store"])
    }

    private func filter(_ call: Call, _ caller: Identity, _ section: Section?) throws(Problem) -> RejectionFilter {
        var state: RejectionFilter.State?
        if let word = try call.parameter("state") {
            state = RejectionFilter.State(rawValue: word)
            guard state != nil else { throw Problem(.invalidParameter, "'state' is open or replayed.") }
        }
        let code = try call.parameter("code").map { Problem.Code(rawValue: $0) }
        let text = try call.parameter("q")
        // What integrations may search is what they may see: not the bodies.
        guard text == nil || caller.isAdmin else {
            throw Problem(.adminRequired, "Only an admin key may search refused posts by text.")
        }
        let readable = caller.catalogue.keyspaces.filter { caller.key.mayRead($0.discriminator) }.map(\.number)
        return RejectionFilter(
            account: caller.key.account, section: section?.number,
            keyspaces: readable.count == caller.catalogue.keyspaces.count ? nil : readable, state: state, code: code,
            text: text, receivedFrom: call.receivedAt.advanced(by: .zero - limits.rejectionAge))
    }
}
