import HTTPTypes
import Hummingbird
import OvationCore
import OvationWire

/// `GET /audience/sections/{section}/rejections?state=&code=&item_code=&event_discriminator=&cause=&q=&limit=&before=`:
/// refused posts, newest first. Admins also see the beginning of each body; integrations only what came through
/// keyspaces they may read.
struct ListRejections: BodyEndpoint {
    let store: any RejectionStore
    let limits: Limits

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.Rejections> {
        try await answer(to: call, section: call.caller().section(call.path.section()))
    }

    /// - Parameter section: nil for those of all sections.
    func answer(to call: Call, section: Section?) async throws -> BodyAnswer<Bodies.Rejections> {
        let caller = try call.caller()
        let limit = try call.int("limit", in: 1...Limits.rejectionPageMax, default: 50)
        let before = try call.parameter("before").map { text throws(Problem) in
            guard let id = VersionID.parse(text) else {
                throw Problem(.invalidCursor, "'before' is the id of a refused post.")
            }
            return id
        }
        let (items, hasMore) = try await page(filter(call, caller, section), before: before, limit: limit, caller)
        var body = Bodies.Rejections()
        body.items = items
        body.nextBefore = hasMore ? items.last?.id : nil
        return BodyAnswer(body, headers: [.cacheControl: "no-store"])
    }

    /// Rejections that are read at once, so that memory holds only these besides the page.
    private static let readAtOnce = 20

    /// Up to a number, and up to a number of bytes with the one that exceeds it.
    private func page(
        _ filter: RejectionFilter, before first: Rejection.ID?, limit: Int, _ caller: Identity
    ) async throws -> (items: [Bodies.Rejection], hasMore: Bool) {
        var items: [Bodies.Rejection] = []
        var bytes = 0
        var before = first
        while true {
            // One more than requested, to know whether there are more.
            let wanted = min(limit - items.count + 1, ListRejections.readAtOnce)
            let rejections = try await store.rejections(
                filter, before: before, limit: wanted, bodyBytesMax: caller.isAdmin ? Limits.rejectionExcerptBytes : 0)
            for rejection in rejections {
                guard items.count < limit, bytes < Limits.rejectionPageBytesMax else { return (items, true) }
                let item = Bodies.Rejection(
                    rejection, in: caller.catalogue, showsExcerpt: caller.isAdmin)
                bytes += JSONWriter.write(item.json).count
                items.append(item)
            }
            guard rejections.count == wanted, let last = rejections.last else { return (items, false) }
            before = last.id
        }
    }

    private func filter(_ call: Call, _ caller: Identity, _ section: Section?) throws(Problem) -> RejectionFilter {
        var state: RejectionFilter.State?
        if let word = try call.parameter("state") {
            state = RejectionFilter.State(rawValue: word)
            guard state != nil else { throw Problem(.invalidParameter, "'state' is open or replayed.") }
        }
        let code = try call.parameter("code").map { Problem.Code(rawValue: $0) }
        let cause = try call.parameter("cause").map { text throws(Problem) in
            guard let id = RejectionCause.ID(rawValue: text) else {
                throw Problem(.invalidParameter, "'cause' is the id of a cause, of 32 hexadecimal digits.")
            }
            return id
        }
        let text = try call.parameter("q")
        // Integrations may search what they may see: not the bodies.
        guard text == nil || caller.isAdmin else {
            throw Problem(.adminRequired, "Only an admin key may search refused posts by text.")
        }
        let readable = caller.catalogue.keyspaces.filter { caller.key.mayRead($0.discriminator) }.map(\.number)
        return RejectionFilter(
            account: caller.key.account, section: section?.number,
            keyspaces: readable.count == caller.catalogue.keyspaces.count ? nil : readable, state: state,
            code: code, itemCode: try call.parameter("item_code").map { Problem.Code(rawValue: $0) },
            eventType: try call.parameter("event_discriminator"), cause: cause, text: text,
            receivedFrom: call.receivedAt.advanced(by: .zero - limits.rejectionAge))
    }
}
