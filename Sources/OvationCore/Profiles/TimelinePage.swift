/// A place in the timeline of a profile, on which its changes stand among its events.
public struct TimelinePosition: Sendable, Equatable {
    /// Events go on behind this place.
    public let place: EventPosition
    /// Changes go on with those that have a lower position, and with those that stand behind ``place``.
    public let changesBefore: Int64

    public init(place: EventPosition, changesBefore: Int64) {
        self.place = place
        self.changesBefore = changesBefore
    }

    /// Behind a place in the order of events alone: changes stand there by their times.
    public init(behind place: EventPosition) { self.init(place: place, changesBefore: 1) }
}

/// A page of a profile's events and changes in one order, newest first.
///
/// An event stands at its event time, a change at the time at which it was made. Where two have one time, the one that was
/// stored later comes first. Changes stand in the order in which they were made, also where a clock was set back between
/// them.
public struct TimelinePage: Sendable, Equatable {
    public enum Item: Sendable, Equatable {
        case event(StoredEvent)
        case change(StoredProfileChange)

        /// Events and changes have their numbers from one sequence.
        package var place: EventPosition {
            switch self {
            case .event(let event): EventPosition(eventTime: event.eventTime, id: event.id)
            case .change(let change): EventPosition(eventTime: change.at, id: change.position)
            }
        }
    }

    public let items: [Item]
    /// Where the next page begins; nil on the last.
    public let next: TimelinePosition?

    /// - Parameters:
    ///   - events: up to `limit` that come after `position`.
    ///   - changes: as many, or as many as a page of changes has.
    ///   - position: where this page begins; nil: with the newest.
    public init(_ events: EventPage, _ changes: ProfileChangePage, after position: TimelinePosition?, limit: Int) {
        var (items, bytes) = ([Item](), 0)
        var (event, change) = (0, 0)
        var place = position?.place
        while items.count < limit, bytes < Limits.pageBytesMax {
            let (nextEvent, nextChange) = (events.events.at(event), changes.changes.at(change))
            // What was not read could come next.
            if nextEvent == nil, events.next != nil { break }
            if nextChange == nil, changes.next != nil { break }
            let item: Item
            switch (nextEvent.map(Item.event), nextChange.map(Item.change)) {
            case (nil, nil):
                (self.items, next) = (items, nil)
                return
            case (let one?, nil): item = one
            case (nil, let other?): item = other
            case (let one?, let other?): item = one.place < other.place ? other : one
            }
            if case .event(let stored) = item { bytes += stored.data.utf8.count }
            if case .change(let stored) = item { bytes += stored.bytes }
            if case .event = item { event += 1 } else { change += 1 }
            items.append(item)
            // All events before the last of what is shown are shown; those behind it are not.
            if let last = place { place = min(last, item.place) } else { place = item.place }
        }
        self.items = items
        // A change that another profile brings meanwhile, by a merge, has a position anywhere. It is found by its place.
        let before = changes.changes.at(change).map { $0.position + 1 } ?? changes.next ?? 1
        let isLast =
            event == events.events.count && events.next == nil && change == changes.changes.count
            && changes.next == nil
        next = isLast ? nil : place.map { TimelinePosition(place: $0, changesBefore: before) }
    }
}

extension EventStore where Self: ProfileStore {
    /// Events of a profile with its changes in the section among them, newest first. nil: there is no such profile.
    ///
    /// They are read one after the other. What is stored between the two reads belongs before this page, or is found by the
    /// next.
    /// - Parameter filter: its event types say nothing of changes.
    public func timeline(
        _ filter: EventFilter, after position: TimelinePosition?, limit: Int
    ) async throws(StoreFailure) -> TimelinePage? {
        let changeFilter = ProfileChangeFilter(
            profile: filter.profile, sections: [filter.section], before: position?.changesBefore,
            orBehind: position?.place, from: filter.from, to: filter.to, limit: min(limit, Limits.changesPageMax))
        guard let events = try await events(filter, after: position?.place, limit: limit),
            let changes = try await changes(changeFilter)
        else { return nil }
        return TimelinePage(events, changes, after: position, limit: limit)
    }
}

extension Array {
    fileprivate func at(_ index: Int) -> Element? { index < count ? self[index] : nil }
}
