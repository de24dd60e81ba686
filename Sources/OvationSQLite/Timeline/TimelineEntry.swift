/// The entry of an event in the timeline: its profile, its place in the order, and its version.
struct TimelineEntry: Sendable, Equatable {
    var profile: Int64
    var section: Int64
    /// Milliseconds since 1970.
    var eventTime: Int64
    var eventID: Int64
    var version: Int64
}

/// The order of a timeline: by profile, section and time; among equal times by id.
extension TimelineEntry: Comparable {
    static func < (left: TimelineEntry, right: TimelineEntry) -> Bool {
        if left.profile != right.profile { return left.profile < right.profile }
        if left.section != right.section { return left.section < right.section }
        if left.eventTime != right.eventTime { return left.eventTime < right.eventTime }
        return left.eventID < right.eventID
    }
}

/// A stretch of one profile's timeline.
struct TimelineRange: Sendable {
    var profile: Int64
    /// nil: all of them, and then all times.
    var section: Int64?
    var oldest = Int64.min
    /// At most this time, and at exactly this time only ids below ``beforeID``.
    var newest = Int64.max
    var beforeID = Int64.max
    /// Only these; nil means all.
    var versions: [Int64]?

    /// No entry of the range comes before it in the order.
    var lower: TimelineEntry {
        TimelineEntry(
            profile: profile, section: section ?? .min, eventTime: section == nil ? .min : oldest, eventID: .min,
            version: 0)
    }

    /// No entry of the range comes after it in the order.
    var upper: TimelineEntry {
        TimelineEntry(
            profile: profile, section: section ?? .max, eventTime: section == nil ? .max : newest, eventID: beforeID,
            version: 0)
    }

    func contains(_ entry: TimelineEntry) -> Bool {
        entry.profile == profile && (section == nil || entry.section == section) && entry.eventTime >= oldest
            && (entry.eventTime < newest || (entry.eventTime == newest && entry.eventID < beforeID))
            && (versions.map { $0.contains(entry.version) } ?? true)
    }
}
