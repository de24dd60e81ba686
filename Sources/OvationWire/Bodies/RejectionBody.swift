public import OvationCore

extension Bodies.Rejection {
    /// - Parameter showsExcerpt: whether it shows the beginning of the body, which is for admins.
    public init(_ rejection: OvationCore.Rejection, in catalogue: Catalogue, showsExcerpt: Bool) {
        let post = rejection.post
        id = String(rejection.id)
        state = rejection.replayedAt == nil ? .open : .replayed
        receivedAt = post.receivedAt
        let section = catalogue.section(number: post.section)
        sectionDiscriminator = section?.discriminator.text ?? ""
        let keyspace = catalogue.keyspace(number: post.keyspace)
        keyspaceDiscriminator = keyspace?.discriminator.text ?? ""
        profileKey = post.key
        clientID = post.clientID
        requestID = post.requestID
        cause = post.cause.id.rawValue
        code = post.code.rawValue
        detail = post.detail
        errors = post.errors.listed().map { Bodies.ItemError($0) }
        eventCount = Int64(post.eventCount)
        bodyBytes = Int64(rejection.bodyBytes)
        replayedAt = rejection.replayedAt
        replayedProfileID = rejection.replayedTo?.hex
        bodyExcerpt = showsExcerpt ? String(decoding: post.body, as: UTF8.self) : nil
    }
}

extension Bodies.RejectionWithBody {
    /// - Parameter stored: what a replay stored, as far as it is still there.
    public init(
        _ rejection: OvationCore.Rejection, in catalogue: Catalogue, stored: [OvationCore.StoredEvent]
    ) {
        self.rejection = Bodies.Rejection(rejection, in: catalogue, showsExcerpt: false)
        body = String(decoding: rejection.post.body, as: UTF8.self)
        guard !rejection.replayedEvents.isEmpty else { return }
        replayedEventIDs = rejection.replayedEvents.flatMap { $0.map { String($0) } }
        storedEvents = stored.compactMap { Bodies.StoredEvent($0, in: catalogue) }
    }
}

extension Bodies.StoredEvent {
    /// nil where its data cannot be read.
    public init?(_ event: OvationCore.StoredEvent, in catalogue: Catalogue) {
        guard let data = try? JSONValue(parsing: event.data) else { return nil }
        id = String(event.id)
        eventTime = event.eventTime
        receivedAt = event.receivedAt
        versionID = String(event.version)
        discriminator = catalogue.version(event.version)?.eventType.discriminator.text ?? ""
        self.data = data
    }
}
