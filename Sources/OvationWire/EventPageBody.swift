public import OvationCore

/// A page of a profile's events: `{items: [{id, event_time, received_at, version_id, discriminator, data}],
/// next_cursor}`.
public enum EventPageBody {
    public static func write(_ page: EventPage, discriminator: (EventVersion.ID) -> String) -> [UInt8] {
        var writer = JSONWriter()
        writer.append(raw: "{\"items\":[")
        for (index, event) in page.events.enumerated() {
            writer.append(raw: index == 0 ? "{\"id\":\"" : ",{\"id\":\"")
            writer.append(event.id)
            writer.append(raw: "\",\"event_time\":\"")
            event.eventTime.append(to: &writer.bytes)
            writer.append(raw: "\",\"received_at\":\"")
            event.receivedAt.append(to: &writer.bytes)
            writer.append(raw: "\",\"version_id\":\"")
            writer.append(event.version)
            writer.append(raw: "\",\"discriminator\":")
            writer.append(string: discriminator(event.version))
            writer.append(raw: ",\"data\":")
            writer.bytes.append(contentsOf: event.data.utf8)
            writer.append(raw: "}")
        }
        writer.append(raw: "],\"next_cursor\":")
        if let next = page.next {
            writer.append(string: EventCursor.write(next))
        } else {
            writer.append(raw: "null")
        }
        writer.append(raw: "}")
        return writer.bytes
    }
}

/// Opaque to clients: the place after which the next page begins. It names a place and not a number of events, so it
/// stays right while events arrive.
public enum EventCursor {
    public static func write(_ position: EventPosition) -> String {
        // "e" for events: a cursor of another list can then be told apart and refused.
        "e" + String(position.eventTime.milliseconds, radix: 36) + "." + String(position.id, radix: 36)
    }

    public static func parse(_ text: String) throws(Problem) -> EventPosition {
        let parts = text.dropFirst().split(separator: ".", omittingEmptySubsequences: false)
        guard text.first == "e", parts.count == 2, let time = Int64(parts[0], radix: 36),
            let id = Int64(parts[1], radix: 36)
        else {
            throw Problem(.invalidCursor, "The cursor is not one that this server gave; start again without it.")
        }
        return EventPosition(eventTime: Timestamp(milliseconds: time), id: id)
    }
}
