import HTTPTypes
import Hummingbird
import OvationCore
import OvationWire

/// `GET /audience/keyspaces/{keyspace}/profiles/{key}/sections/{section}/events`, newest first
struct ListEvents: BodyEndpoint {
    let store: any EventStore & ProfileStore

    /// Writes the page as bytes: a page has up to a thousand events, and this is asked often.
    func respond(to call: Call) async throws -> Response {
        let page = try await page(of: call)
        let catalogue = try call.caller().catalogue
        // A type that was made since the request came is for the next one.
        let body = EventPageBody.write(page) { catalogue.version($0)?.eventType.discriminator.text }
        return .bytes(body, headers: headers(of: page, call))
    }

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.EventPage> {
        let page = try await page(of: call)
        return BodyAnswer(
            Bodies.EventPage(page, in: try call.caller().catalogue), headers: headers(of: page, call))
    }

    private func page(of call: Call) async throws -> EventPage {
        let filter = try call.eventFilter("event_discriminators", readableOnly: true)
        let limit = try call.int("limit", in: 1...Limits.pageSizeMax, default: Limits.pageSizeDefault)
        let position = try call.parameter("cursor").map { text throws(Problem) in try EventCursor.parse(text) }
        guard let page = try await store.events(filter, after: position, limit: limit) else {
            throw try await store.absence(of: filter.profile, call)
        }
        return page
    }

    private func headers(of page: EventPage, _ call: Call) -> HTTPFields {
        var headers: HTTPFields = [.cacheControl: "no-store"]
        if let next = page.next { headers[.link] = "<\(nextPage(of: call, next))>; rel=\"next\"" }
        return headers
    }

    /// The same request with another cursor, without a path: a proxy may have another one before it.
    private func nextPage(of call: Call, _ next: EventPosition) -> String {
        let query = (call.request.uri.query ?? "").split(separator: "&").filter { !$0.hasPrefix("cursor=") }
        let parameters = query + ["cursor=\(EventCursor.write(next))"]
        // The original text could contain characters that end the link.
        return "?"
            + parameters.joined(separator: "&").replacing(">", with: "%3E").replacing("<", with: "%3C").replacing(
                "\"", with: "%22")
    }
}
