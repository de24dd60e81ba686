import HTTPTypes
import Hummingbird
import OvationCore
import OvationWire

/// `GET /audience/keyspaces/{keyspace}/profiles/{key}/sections/{section}/days?event_discriminators=&from=&to=`: how
/// many events fall on each day in UTC, oldest first, days without any left out. At most the newest 400 days.
struct ListEventDays: BodyEndpoint {
    let store: any ProfileStore

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.EventDays> {
        let filter = try call.eventFilter("event_discriminators", readableOnly: true)
        guard let days = try await store.days(filter) else {
            throw try await store.absence(of: filter.profile, call)
        }
        var body = Bodies.EventDays()
        body.items = days.suffix(Limits.daysMax).map { day in
            var item = Bodies.EventDay()
            item.date = String(Timestamp(milliseconds: day.day * 86_400_000).rfc3339.prefix(10))
            item.eventCount = Int64(day.events)
            return item
        }
        return BodyAnswer(body, headers: [.cacheControl: "no-store"])
    }
}
