import HTTPTypes
import Hummingbird
import NIOCore
import OvationCore
import OvationWire

/// `GET /audience/keyspaces/{keyspace}/profiles/{key}/sections/{section}/events`, newest first; with `include=changes` also
/// what was changed of the profile, in one order with the events
struct ListEvents: BodyEndpoint {
    let store: any EventStore & ProfileStore
    let limits: Limits

    /// Writes a page of events as bytes: it has up to a thousand, and this is asked often.
    func respond(to call: Call) async throws -> Response {
        if try call.includesChanges() { return try await timeline(call).response }
        let buffer = write(try await page(of: call), in: try call.caller().catalogue)
        return respond(buffer.body, nextPage: buffer.cursor, to: call)
    }

    private func write(_ page: EventPage, in catalogue: Catalogue) -> (body: ByteBuffer, cursor: String?) {
        // A type that was made since the request came is for the next one.
        let body = EventPageBody.write(page) { catalogue.version($0)?.eventType.discriminator.text }
        return (ByteBuffer(bytes: body), page.next.map(EventCursor.write))
    }

    private func respond(_ body: ByteBuffer, nextPage cursor: String?, to call: Call) -> Response {
        .buffer(body, type: "application/json", status: .ok, headers: headers(nextPage: cursor, call))
    }

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.EventPage> {
        if try call.includesChanges() { return try await timeline(call) }
        return answer(Bodies.EventPage(try await page(of: call), in: try call.caller().catalogue), call)
    }

    private func page(of call: Call) async throws -> EventPage {
        let question = try question(of: call)
        guard let page = try await store.events(question.filter, after: question.position, limit: question.limit) else {
            throw try await store.absence(of: question.filter.profile, call)
        }
        return page
    }

    /// What is asked for.
    private struct Question {
        let filter: EventFilter
        let position: EventPosition?
        let limit: Int
    }

    private func question(of call: Call) throws(Problem) -> Question {
        Question(
            filter: try call.eventFilter("event_discriminators", readableOnly: true),
            position: try call.parameter("cursor").map { text throws(Problem) in try EventCursor.parse(text) },
            limit: try limit(call))
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

// MARK: - The fast way

extension ListEvents: FastEndpoint {
    /// A large page is written by a task: the other connections of the event loop would wait for it.
    func begin(_ call: Call) throws(Problem) -> (any PlainRequest)? {
        guard try !call.includesChanges() else { return nil }
        let question = try question(of: call)
        guard question.limit <= Limits.pageSizeDefault else { return nil }
        return PlainPage(self, call, question, in: try call.caller().catalogue)
    }

    /// A page of events of a profile that is there.
    private final class PlainPage: PlainRequest {
        private let endpoint: ListEvents
        private let call: Call
        private let question: Question
        private let catalogue: Catalogue

        init(_ endpoint: ListEvents, _ call: Call, _ question: Question, in catalogue: Catalogue) {
            self.endpoint = endpoint
            self.call = call
            self.question = question
            self.catalogue = catalogue
        }

        func queue(_ body: ByteBuffer, tell receiver: any StoreReceiver) -> Bool {
            endpoint.store.events(
                question.filter, after: question.position, limit: question.limit, tell: receiver)
            return true
        }

        func answer(_ outcome: StoreOutcome) throws(Problem) -> (response: Response, body: ByteBuffer)? {
            guard case .read(let page?) = outcome else { return nil }
            let (body, cursor) = endpoint.write(page, in: catalogue)
            return (endpoint.respond(body, nextPage: cursor, to: call), body)
        }
    }
}
