public import OvationCore

/// A page of a profile's events: `{items: [{id, event_time, received_at, version_id, discriminator, data}],
/// next_cursor}`.
public enum EventPageBody {
    /// - Parameter discriminator: of the event type of a version. It is asked once for each version; events of one that it
    ///   does not know are left out.
    public static func write(_ page: EventPage, discriminator: (EventVersion.ID) -> String?) -> [UInt8] {
        var writer = JSONWriter()
        writer.bytes.reserveCapacity(page.events.reduce(100) { $0 + $1.data.utf8.count + 250 })
        writer.append(raw: "{\"items\":[")
        // A page has a few versions and many events: what they have in common is made once.
        var descriptions: [EventVersion.ID: [UInt8]?] = [:]
        var isFirst = true
        for event in page.events {
            let description: [UInt8]?
            if let known = descriptions[event.version] {
                description = known
            } else {
                description = discriminator(event.version).map { describe(event.version, $0) }
                descriptions[event.version] = .some(description)
            }
            guard let description else { continue }
            writer.append(raw: isFirst ? "{\"id\":\"" : ",{\"id\":\"")
            isFirst = false
            writer.append(event.id)
            writer.append(raw: "\",\"event_time\":\"")
            event.eventTime.append(to: &writer.bytes)
            writer.append(raw: "\",\"received_at\":\"")
            event.receivedAt.append(to: &writer.bytes)
            writer.bytes.append(contentsOf: description)
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

    private static func describe(_ version: EventVersion.ID, _ discriminator: String) -> [UInt8] {
        var writer = JSONWriter()
        writer.append(raw: "\",\"version_id\":\"")
        writer.append(version)
        writer.append(raw: "\",\"discriminator\":")
        writer.append(string: discriminator)
        writer.append(raw: ",\"data\":")
        return writer.bytes
    }
}

extension Bodies.EventPage {
    /// What ``EventPageBody`` writes, as a value. Events of versions that the catalogue does not know are left out.
    public init(_ page: OvationCore.EventPage, in catalogue: Catalogue) {
        items = page.events.compactMap { event in
            catalogue.version(event.version) == nil ? nil : Bodies.StoredEvent(event, in: catalogue)
        }
        nextCursor = page.next.map(EventCursor.write)
    }
}

extension Bodies.EventPage {
    /// Events of versions that the catalogue does not know are left out, and changes in which the caller may read nothing.
    public init(_ page: OvationCore.TimelinePage, in catalogue: Catalogue, _ readable: ReadableFields) {
        items = page.items.compactMap { item in
            switch item {
            case .event(let event):
                catalogue.version(event.version) == nil ? nil : Bodies.StoredEvent(event, in: catalogue)
            case .change(let change): Bodies.StoredEvent(change, readable)
            }
        }
        nextCursor = page.next.map(TimelineCursor.write)
    }
}

/// Opaque to clients: the place after which the next page begins. It names a place and not a number of events, so it
/// stays right while events arrive.
public enum EventCursor {
    fileprivate static let unknown = Problem(
        .invalidCursor, "The cursor is not one that this server gave; start again without it.")

    public static func write(_ position: EventPosition) -> String {
        // "e" for events: a cursor of another list can then be told apart and refused.
        "e" + String(position.eventTime.milliseconds, radix: 36) + "." + String(position.id, radix: 36)
    }

    public static func parse(_ text: String) throws(Problem) -> EventPosition {
        let parts = text.dropFirst().split(separator: ".", omittingEmptySubsequences: false)
        guard text.first == "e", parts.count == 2, let time = Int64(parts[0], radix: 36),
            let id = Int64(parts[1], radix: 36)
        else { throw unknown }
        return EventPosition(eventTime: Timestamp(milliseconds: time), id: id)
    }
}

/// The same for events with the changes of the profile among them.
public enum TimelineCursor {
    public static func write(_ position: TimelinePosition) -> String {
        "t" + EventCursor.write(position.place).dropFirst() + "." + String(position.changesBefore, radix: 36)
    }

    /// A cursor of events alone is one too: changes go on there by their times.
    public static func parse(_ text: String) throws(Problem) -> TimelinePosition {
        guard text.first == "t" else { return TimelinePosition(behind: try EventCursor.parse(text)) }
        let parts = text.dropFirst().split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let before = Int64(parts[2], radix: 36), before > 0 else { throw EventCursor.unknown }
        return TimelinePosition(place: try EventCursor.parse("e\(parts[0]).\(parts[1])"), changesBefore: before)
    }
}
