/// Where the events of one request go, and under which rules: everything a single event is checked against.
public struct EventTarget: Sendable {
    public let catalogue: Catalogue
    public let section: Section
    public let keyspace: Keyspace
    /// Drafts take events from admin keys only.
    public let callerIsAdmin: Bool
    public let earliest: Timestamp
    public let latest: Timestamp

    public init(
        catalogue: Catalogue, section: Section, keyspace: Keyspace, callerIsAdmin: Bool, receivedAt: Timestamp,
        limits: Limits
    ) {
        self.catalogue = catalogue
        self.section = section
        self.keyspace = keyspace
        self.callerIsAdmin = callerIsAdmin
        earliest = Limits.eventTimeMin
        latest = receivedAt.advanced(by: limits.eventTimeAheadMax)
    }

    public enum Acceptance: Sendable {
        case accepted(EventSchema)
        case refused(Problem.Code, String)
    }

    /// Whether events of a version may be posted here. A deprecated version still may: clients hold on to the id they
    /// read, and old events must be able to come late.
    public func acceptance(of id: EventVersion.ID) -> Acceptance {
        guard let place = catalogue.eventTypeTable.placeByVersion[id] else {
            return .refused(.unknownVersion, EventTarget.unknown(id))
        }
        // Asked part by part: a copy of a whole event type counts a reference for each of its texts and lists.
        return catalogue.eventTypeTable.all.withUnsafeBufferPointer {
            acceptance(of: id, $0.baseAddress! + place.definition, place.version)
        }
    }

    private func acceptance(
        of id: EventVersion.ID, _ eventType: UnsafePointer<EventType>, _ place: Int
    ) -> Acceptance {
        guard eventType.pointee.section == section.discriminator else {
            return .refused(.unknownVersion, EventTarget.unknown(id))
        }
        guard eventType.pointee.removedAt == nil else {
            return .refused(.eventTypeRemoved, "The event type of version \(id) has been removed.")
        }
        let version = eventType.pointee.versions.all[place]
        switch version.state {
        case .published: break
        case .draft where callerIsAdmin: break
        case .draft: return .refused(.draftVersion, "Version \(id) is a draft; only admin keys may post to it.")
        case .discarded: return .refused(.unknownVersion, "Version \(id) was a draft and has been discarded.")
        }
        guard eventType.pointee.permissions[keyspace.discriminator]?.write == true else {
            return .refused(
                .eventTypeForbidden,
                "'\(eventType.pointee.discriminator)' may not be written through the keyspace '\(keyspace.discriminator)'."
            )
        }
        return .accepted(version.schema)
    }

    /// The same for an id of another section, which the caller need not be allowed to see.
    private static func unknown(_ id: EventVersion.ID) -> String {
        "The section has no version \(id); GET the section's events for those there are."
    }

    public func accepts(_ time: Timestamp) -> Bool {
        time >= earliest && time <= latest
    }
}
