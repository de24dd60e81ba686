import HTTPTypes
import Hummingbird
import OvationCore
import OvationWire

/// `GET /audience/rejections/causes?section=&code=&item_code=&event_discriminator=&limit=`: open rejections by their cause,
/// those with the most first.
struct ListRejectionCauses: EndpointHandler {
    let store: any Store
    let limits: Limits

    func respond(to call: Call) async throws -> Response {
        let caller = try call.caller()
        let limit = try call.int("limit", in: 1...Limits.rejectionCausesMax, default: 50)
        var filter = caller.causes(at: call.receivedAt, limits)
        if let section = try call.sectionFilter() { filter.sections = [section.number] }
        filter.code = try call.parameter("code").map { Problem.Code(rawValue: $0) }
        filter.itemCode = try call.parameter("item_code").map { Problem.Code(rawValue: $0) }
        filter.eventType = try call.parameter("event_discriminator")
        let causes = try await store.rejectionCauses(filter, limit: limit)
        return .json(
            .object([
                .init("items", .array(causes.items.map { RejectionCauseBody.json($0, in: caller.catalogue) })),
                .init("causes_omitted", JSONValue(causes.causes - causes.items.count)),
                .init("rejection_count", JSONValue(causes.rejections)),
            ]), headers: [.cacheControl: "no-store"])
    }
}

extension Identity {
    /// Causes in all sections that the key may see.
    func causes(at now: Timestamp, _ limits: Limits) -> RejectionCauseFilter {
        let sections = catalogue.sections.filter { key.maySee($0.discriminator) }
        return RejectionCauseFilter(
            account: key.account,
            sections: sections.count == catalogue.sections.count ? nil : sections.map(\.number),
            receivedFrom: now.advanced(by: .zero - limits.rejectionAge))
    }
}

extension Call {
    /// The section that `section` in the query names; nil if there is none.
    func sectionFilter() throws(Problem) -> Section? {
        guard let text = try parameter("section") else { return nil }
        guard let discriminator = try? Discriminator<Section>(text) else {
            throw Problem(.sectionNotFound, "There is no section \(text.quoted).")
        }
        return try caller().section(discriminator)
    }
}

extension Store {
    /// The cause in the path, with its open rejections; nil if it has none.
    func openCause(
        _ id: RejectionCause.ID, of caller: Identity, at now: Timestamp, _ limits: Limits
    ) async throws(StoreFailure) -> RejectionCauses.Item? {
        var filter = caller.causes(at: now, limits)
        filter.cause = id
        return try await rejectionCauses(filter, limit: 1).items.first
    }

    /// The open rejections of the cause in the path: up to `through` of the query, or up to the newest. nil: there are
    /// none.
    func openRange(of call: Call, _ caller: Identity, _ limits: Limits) async throws -> RejectionRange? {
        func id(_ name: String) throws(Problem) -> Rejection.ID? {
            guard let text = try call.parameter(name) else { return nil }
            guard let id = VersionID.parse(text) else {
                throw Problem(.invalidParameter, "'\(name)' is the id of a refused post.")
            }
            return id
        }
        let (after, through) = (try id("after"), try id("through"))
        let cause = try call.path.rejectionCause()
        guard let open = try await openCause(cause, of: caller, at: call.receivedAt, limits) else { return nil }
        return RejectionRange(
            account: caller.key.account, cause: cause, after: after ?? 0, through: through ?? open.newest,
            receivedFrom: call.receivedAt.advanced(by: .zero - limits.rejectionAge))
    }
}
