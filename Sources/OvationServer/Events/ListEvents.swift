import HTTPTypes
import Hummingbird
import OvationCore
import OvationWire

/// `GET /audience/keyspaces/{keyspace}/profiles/{key}/sections/{section}/events`, newest first; with `include=changes` also
/// what was changed of the profile, in one order with the events
struct ListEvents: BodyEndpoint {
    let store: any EventStore & ProfileStore

    /// Writes a page of events as bytes: it has up to a thousand, and this is asked often.
    func respond(to call: Call) async throws -> Response {
        if try call.includesChanges() { return try await timeline(call).response }
        let page = try await page(of: call)
        let catalogue = try call.caller().catalogue
        // A type that was made since the request came is for the next one.
        let body = EventPageBody.write(page) { catalogue.version($0)?.eventType.discriminator.text }
        return .bytes(body, headers: headers(nextPage: page.next.map(EventCursor.write), call))
    }

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.EventPage> {
        if try call.includesChanges() { return try await timeline(call) }
        return answer(Bodies.EventPage(try await page(of: call), in: try call.caller().catalogue), call)
    }

    private func page(of call: Call) async throws -> EventPage {
        let filter = try call.eventFilter("event_discriminators", readableOnly: true)
        let position = try call.parameter("cursor").map { text throws(Problem) in try EventCursor.parse(text) }
        guard let page = try await store.events(filter, after: position, limit: limit(call)) else {
            throw try await store.absence(of: filter.profile, call)
        }
        return page
    }

    private func timeline(_ call: Call) async throws -> BodyAnswer<Bodies.EventPage> {
        let filter = try call.eventFilter("event_discriminators", readableOnly: true)
        let readable = try ReadPlace(call).readable
        let position = try call.parameter("cursor").map { text throws(Problem) in try TimelineCursor.parse(text) }
        guard let page = try await store.timeline(filter, after: position, limit: limit(call)) else {
            throw try await store.absence(of: filter.profile, call)
        }
        return answer(Bodies.EventPage(page, in: try call.caller().catalogue, readable), call)
    }

    private func limit(_ call: Call) throws(Problem) -> Int {
        try call.int("limit", in: 1...Limits.pageSizeMax, default: Limits.pageSizeDefault)
    }

    private func answer(_ body: Bodies.EventPage, _ call: Call) -> BodyAnswer<Bodies.EventPage> {
        BodyAnswer(body, headers: headers(nextPage: body.nextCursor, call))
    }

    private func headers(nextPage cursor: String?, _ call: Call) -> HTTPFields {
        var headers: HTTPFields = [.cacheControl: "no-store"]
        if let cursor { headers[.link] = "<\(nextPage(of: call, cursor))>; rel=\"next\"" }
        return headers
    }

    /// The same request with another cursor, without a path: a proxy may have another one before it.
    private func nextPage(of call: Call, _ cursor: String) -> String {
        let query = (call.request.uri.query ?? "").split(separator: "&").filter { !$0.hasPrefix("cursor=") }
        let parameters = query + ["cursor=\(cursor)"]
        // The original text could contain characters that end the link.
        return "?"
            + parameters.joined(separator: "&").replacing(">", with: "%3E").replacing("<", with: "%3C").replacing(
                "\"", with: "%22")
    }
}
