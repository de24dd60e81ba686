import HTTPTypes
import Hummingbird
import OvationCore
import OvationWire

/// `GET /audience/rejections/causes?section=&code=&item_code=&event_discriminator=&limit=`: open rejections by their cause,
/// those with the most first.
struct ListRejectionCauses: BodyEndpoint {
    let store: any RejectionStore
    let limits: Limits

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.RejectionCauses> {
        let caller = try call.caller()
        let limit = try call.int("limit", in: 1...Limits.rejectionCausesMax, default: 50)
        var filter = caller.causes(at: call.receivedAt, limits)
        if let section = try call.sectionFilter() { filter.sections = [section.number] }
        filter.code = try call.parameter("code").map { Problem.Code(rawValue: $0) }
        filter.itemCode = try call.parameter("item_code").map { Problem.Code(rawValue: $0) }
        filter.eventType = try call.parameter("event_discriminator")
        let causes = try await store.rejectionCauses(filter, limit: limit)
        var body = Bodies.RejectionCauses()
        body.items = causes.items.map { Bodies.RejectionCause($0, in: caller.catalogue) }
        body.causesOmitted = Int64(causes.causes - causes.items.count)
        body.rejectionCount = Int64(causes.rejections)
        return BodyAnswer(body, headers: [.cacheControl: "no-store"])
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

extension RejectionStore {
    /// The cause that the path names, with what is open of it; nil where nothing is.
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
