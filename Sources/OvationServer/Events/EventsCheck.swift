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

    /// The answer to a lenient post: each item with its own status. There is no top-level `status`, because clients
    /// would take it for an error.
    var report: JSONValue {
        var errorsByItem: [Int: [ItemError]] = [:]
        for error in errors { errorsByItem[error.index ?? 0, default: []].append(error) }
        // Each item is listed; the errors of all of them together are limited.
        var room = Limits.errorsBytesMax
        let items = (0..<itemCount).map { index -> JSONValue in
            guard let errors = errorsByItem[index] else {
                return .object([.init("index", JSONValue(index)), .init("status", JSONValue(204))])
            }
            let isForbidden = errors.allSatisfy { $0.code == .eventTypeForbidden }
            let listed = errors.listed(bytesMax: room)
            room -= listed.reduce(0) { $0 + $1.bytes }
            var members: [JSONValue.Member] = [
                .init("index", JSONValue(index)), .init("status", JSONValue(isForbidden ? 403 : 400)),
                .init("errors", .array(listed.map(ProblemBody.json))),
            ]
            if listed.count < errors.count {
                members.append(.init("errors_omitted", JSONValue(errors.count - listed.count)))
            }
            return .object(members)
        }
        return .object([
            .init("accepted", JSONValue(accepted.rows.count)), .init("refused", JSONValue(errorsByItem.count)),
            .init("items", .array(items)),
        ])
    }
}
