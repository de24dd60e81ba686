import HTTPTypes
import Hummingbird
import OvationCore
import OvationWire

/// `GET /audience/keyspaces/{keyspace}/profiles/{key}/sections/{section}/days?event_discriminators=&from=&to=`: how
/// many events fall on each day in UTC, oldest first, days without any left out. At most the newest 400 days.
struct ListEventDays: EndpointHandler {
    let store: any ProfileStore

    func respond(to call: Call) async throws -> Response {
        let filter = try call.eventFilter("event_discriminators", readableOnly: true)
        guard let days = try await store.days(filter) else { throw call.unknownProfile }
        let items = days.suffix(Limits.daysMax).map { day -> JSONValue in
            let date = Timestamp(milliseconds: day.day * 86_400_000).rfc3339.prefix(10)
            return .object([.init("date", .string(String(date))), .init("event_count", JSONValue(day.events))])
        }
        return .items(items, headers: [.cacheControl: "no-store"])
    }
}
