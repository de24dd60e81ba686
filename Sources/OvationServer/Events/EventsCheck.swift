import OvationCore
import OvationWire

/// Checks a post of events exactly, item by item, and reports every error.
struct EventsCheck {
    private(set) var accepted = CheckedEvents()
    /// In the order of the items; an item can have several.
    private(set) var errors: [ItemError] = []
    let itemCount: Int

    init(_ request: PostEventsRequest, for target: EventTarget) {
        itemCount = request.items.count
        var writer = JSONWriter()
        for (index, item) in request.items.enumerated() {
            let posted = PostedEvent(item, index: index)
            var problems = posted.errors
            let pointer = "/items/\(index)"
            func refuse(_ place: String, _ code: Problem.Code, _ detail: String) {
                problems.append(ItemError(index: index, pointer: pointer + place, code: code, detail: detail))
            }
            if let time = posted.eventTime, !target.accepts(time) {
                refuse(
                    "/event_time", .timeOutOfRange,
                    "'event_time' lies before \(target.earliest) or after \(target.latest).")
            }
            var fields: [(name: String, value: FieldValue)] = []
            if let version = posted.versionID {
                switch target.acceptance(of: version) {
                case .refused(let code, let detail): refuse("/version_id", code, detail)
                case .accepted(let schema):
                    guard let data = posted.data else { break }
                    let check = schema.validate(data.lazy.map { ($0.name, $0.value.posted) })
                    fields = check.fields
                    for error in check.errors {
                        refuse("/data/" + JSONPointer.escaped(error.field), error.code, error.detail)
                    }
                }
            }
            guard problems.isEmpty, let time = posted.eventTime, let version = posted.versionID else {
                errors += problems
                continue
            }
            writer.append(eventData: fields)
            accepted.rows.append(
                EventBatch.Row(eventTime: time, version: version, dataEnd: writer.bytes.count))
        }
        accepted.data = writer.bytes
    }

    /// The whole post refused, with every reason.
    var problem: Problem {
        let isForbidden = errors.allSatisfy { $0.code == .eventTypeForbidden }
        let refused = Set(errors.map(\.index)).count
        let subject = itemCount == 1 ? "The event was" : "\(refused) of \(itemCount) events were"
        return Problem(
            isForbidden ? .eventTypeForbidden : .validationFailed,
            "\(subject) refused, and nothing was stored; 'errors' says why."
                + (errors.count == 1 ? " \(errors[0].pointer): \(errors[0].detail)" : ""),
            errors: errors)
    }

    /// What a lenient post is answered: each item with a status of its own. No top-level `status`, which clients would
    /// take for an error.
    var report: Bodies.PostEventsReport {
        var errorsByItem: [Int: [ItemError]] = [:]
        for error in errors { errorsByItem[error.index ?? 0, default: []].append(error) }
        var report = Bodies.PostEventsReport()
        report.accepted = Int64(accepted.rows.count)
        report.refused = Int64(errorsByItem.count)
        // Each item has its line; what is said of all of them together is bounded.
        var room = Limits.errorsBytesMax
        report.items = (0..<itemCount).map { index in
            var item = Bodies.PostedItem()
            item.index = Int64(index)
            item.status = 204
            guard let errors = errorsByItem[index] else { return item }
            item.status = errors.allSatisfy { $0.code == .eventTypeForbidden } ? 403 : 400
            let listed = errors.listed(bytesMax: room)
            room -= listed.reduce(0) { $0 + $1.bytes }
            item.errors = listed.map { Bodies.ItemError($0) }
            item.errorsOmitted = listed.count < errors.count ? Int64(errors.count - listed.count) : nil
            return item
        }
        return report
    }
}
