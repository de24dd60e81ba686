import HTTPTypes
import Hummingbird
import OvationConsole
import OvationCore
import OvationWire

/// `GET /console/rejections?view=list`: refused posts, one by one
enum RejectionList {
    static func show(_ visit: Visit, _ query: RejectionQuery) async throws -> Response {
        let limits = visit.console.limits
        let before = try visit.query("before")
        let answer = try await visit.call(
            ListAllRejections.self, query: query.api + (before.isEmpty ? [] : [("before", before)]) + [("limit", "50")])
        let page = RejectionsPage(
            isOn: limits.rejectionsMax > 0, retention: query.retention(limits),
            filter: query.form(visit, codes: answer.items.map(\.code)), rows: answer.items.map { row($0, visit) },
            olderHref: answer.nextBefore.map {
                ConsolePath.with(ConsolePath.rejections, query.page + [("before", $0)])
            })
        return await visit.page(page, area: .rejections)
    }

    private static func row(_ item: Bodies.Rejection, _ visit: Visit) -> RejectionsPage.Row {
        let error = item.errors.first
        return RejectionsPage.Row(
            id: item.id, at: Moment(item.receivedAt), isReplayed: item.state == .replayed,
            keyspace: visit.keyspaceName(item.keyspaceDiscriminator), key: visit.shown(key: item.profileKey),
            code: error?.code ?? item.code,
            place: error.flatMap { $0.pointer.isEmpty ? nil : visit.masked($0.pointer, item.profileKey) },
            errors: item.errors.count, events: item.knownEvents, client: visit.keyName(item.clientID),
            href: ConsolePath.rejection(section: item.sectionDiscriminator, id: item.id))
    }
}

/// `/console/sections/{section}/rejections/{id}`: see why, put it right, post it again
enum RejectionDetails {
    @Sendable static func show(_ visit: Visit) async throws -> Response {
        await visit.page(try await page(visit), area: .rejections)
    }

    /// What the editor asks while somebody types.
    @Sendable static func validate(_ visit: Visit) async throws -> Response {
        visit.fragment(try await check(visit))
    }

    @Sendable static func replay(_ visit: Visit) async throws -> Response {
        if visit.form["action"] != "replay" {
            return await visit.page(try await page(visit, check: check(visit)), area: .rejections)
        }
        do {
            try await post(visit, headers: [:])
            return visit.redirect(to: try path(visit), "The events are stored.")
        } catch let problem as Problem where problem.code.status.kind == .clientError {
            let page = try await page(visit, check: masked(problem, visit))
            return await visit.page(page, area: .rejections, status: problem.code.status)
        }
    }

    @Sendable static func confirmDismissal(_ visit: Visit) async throws -> Response {
        let id = try visit.path.rejectionID()
        let isReplayed = try await rejection(visit).rejection.replayedAt != nil
        let page = ConfirmPage(
            heading: "Dismiss rejection \(id)?",
            explanation: [
                "The refused post and its body are deleted. "
                    + (isReplayed
                        ? "It was replayed: its events are stored, and stay."
                        : "Its events were not stored, and will not be.")
            ],
            action: try path(visit) + "/dismiss", button: "Dismiss rejection", cancel: try path(visit))
        return await visit.page(page, area: .rejections)
    }

    @Sendable static func dismiss(_ visit: Visit) async throws -> Response {
        try await visit.act(DismissRejection.self, try parameters(visit))
        return visit.redirect(to: ConsolePath.rejections, "The rejection is dismissed.")
    }

    // MARK: Parts

    private static func parameters(_ visit: Visit) throws(Problem) -> KeyValuePairs<String, String> {
        ["section": try visit.path.section().text, "id": String(try visit.path.rejectionID())]
    }

    private static func rejection(_ visit: Visit) async throws -> Bodies.RejectionWithBody {
        try await visit.call(GetRejection.self, try parameters(visit))
    }

    private static func path(_ visit: Visit) throws(Problem) -> String {
        ConsolePath.rejection(section: try visit.path.section().text, id: String(try visit.path.rejectionID()))
    }

    private static func check(_ visit: Visit) async throws -> RejectionCheck {
        do {
            let events = try await post(visit, headers: .validateOnly)
            return RejectionCheck(
                isOK: true, message: Text.count(events, "event", "events") + " would be accepted now.")
        } catch let problem as Problem where problem.code.status.kind == .clientError {
            return try await masked(problem, visit)
        }
    }

    private static func masked(_ problem: Problem, _ visit: Visit) async throws -> RejectionCheck {
        let key = try await rejection(visit).rejection.profileKey
        return RejectionCheck(problem) { visit.masked($0, key) }
    }

    /// What stands in the editor, with the profile key beside it.
    /// - Returns: how many events that is.
    @discardableResult
    private static func post(_ visit: Visit, headers: HTTPFields) async throws -> Int {
        let edited = try Edited(visit.form, try await rejection(visit))
        // A form may be larger than what the API takes, since it has the body escaped.
        let bytesMax = Endpoint.replayRejection.bodyBytesMax(visit.console.limits)
        guard edited.body.utf8.count <= bytesMax else {
            throw Problem(.bodyTooLarge, "The request body is larger than \(bytesMax) bytes.")
        }
        var body = Bodies.ReplayRequest()
        let items = try PostEventsRequest(
            parsing: Array(edited.body.utf8), itemsMax: visit.console.limits.itemsMax
        ).items
        body.items = items
        body.profileKey = edited.key
        try await visit.act(ReplayRejection.self, try parameters(visit), body: body, headers: headers)
        return items.count
    }

    /// The form of the editor. What was shown masked and comes back as it was is what it was before; what was changed
    /// around a mask cannot be known, and is refused.
    private struct Edited {
        let body: String
        let key: String

        init(_ form: Form, _ original: Bodies.RejectionWithBody) throws(Problem) {
            let originalKey = original.rejection.profileKey
            let originalBody = RejectionDetails.indented(original)
            let mask = Visit.mask(originalKey) ?? originalKey
            // A browser sends line ends of two characters.
            let body = form["body"].split(separator: "\r\n", omittingEmptySubsequences: false).joined(separator: "\n")
            let key = form["profile_key"]
            self.body = body == Visit.masked(originalBody, originalKey) ? originalBody : body
            self.key = key == mask ? originalKey : key
            // Without the mark behind it, too, which looks like noise to somebody who edits.
            let beginning = String(mask.prefix { $0 != "#" })
            guard !originalKey.isEmpty, !self.body.contains(beginning), !self.key.contains(beginning) else {
                if originalKey.isEmpty { return }
                throw Problem(
                    .validationFailed, "Profile keys are masked. Switch the mask off, and edit the real keys.")
            }
        }
    }

    private static func indented(_ rejection: Bodies.RejectionWithBody) -> String {
        let text = rejection.body
        let indented = (try? JSONValue(parsing: text)).map(JSONWriter.writeIndented) ?? text
        // Deep nesting would come to megabytes of spaces.
        return indented.utf8.count <= 4 * text.utf8.count + 1024 ? indented : text
    }

    private static func page(_ visit: Visit, check: RejectionCheck? = nil) async throws -> RejectionPage {
        let section = try visit.section()
        let whole = try await rejection(visit)
        let item = whole.rejection
        let key = item.profileKey
        let keyspace = visit.catalogue.keyspaces.first { $0.discriminator.text == item.keyspaceDiscriminator }
        return RejectionPage(
            id: item.id, at: Moment(item.receivedAt), section: Named(section),
            keyspace: keyspace.map(Named.init) ?? Named(name: "", discriminator: ""),
            profileKey: visit.form.has("profile_key") ? visit.form["profile_key"] : visit.shown(key: key),
            client: visit.keyName(item.clientID), clientID: item.clientID, requestID: item.requestID,
            events: item.knownEvents, code: item.code, detail: visit.masked(item.detail, key),
            errors: item.errors.map { error in
                BodyError(
                    pointer: visit.masked(error.pointer, key), code: error.code,
                    detail: visit.masked(error.detail, key))
            }, body: visit.form.has("body") ? visit.form["body"] : visit.masked(indented(whole), key), check: check,
            replayed: item.replayedAt.map { replayed(whole, at: Moment($0), section, visit) })
    }

    /// What a replay stored, as it is stored.
    private static func replayed(
        _ item: Bodies.RejectionWithBody, at: Moment, _ section: Section, _ visit: Visit
    ) -> RejectionPage.Replayed {
        let profile = item.rejection.replayedProfileID.map { ConsolePath.profile(id: $0) }
        let events = item.storedEvents?.map { event in
            let type = event.versionID.flatMap(VersionID.parse).flatMap(visit.catalogue.version)?.eventType
            return RejectionPage.Replayed.Event(
                id: event.id, eventType: type?.name ?? event.discriminator, at: Moment(event.eventTime),
                href: profile.map { timeline($0, section, event) })
        }
        var posted = Bodies.PostEvents()
        posted.items = (item.storedEvents ?? []).map { event in
            var item = Bodies.PostedEvent()
            item.eventTime = event.eventTime
            item.versionID = .string(event.versionID ?? "")
            item.data = event.data
            return item
        }
        return RejectionPage.Replayed(
            at: at, profileHref: profile, events: events, count: item.replayedEventIDs?.count ?? 0,
            json: visit.masked(JSONWriter.writeIndented(posted.json), item.rejection.profileKey))
    }

    /// The timeline from this event on.
    private static func timeline(_ profile: String, _ section: Section, _ event: Bodies.StoredEvent) -> String {
        var query = [("section", section.discriminator.text)]
        if let id = Int64(event.id) {
            query.append(("cursor", EventCursor.write(EventPosition(eventTime: event.eventTime, id: id + 1))))
        }
        return ConsolePath.with(profile, query) + "#event-" + event.id
    }
}

extension RejectionCheck {
    fileprivate init(_ problem: Problem, _ masked: (String) -> String) {
        self.init(
            isOK: false,
            message: problem.errors.isEmpty
                ? masked(problem.detail)
                : Text.count(problem.errors.count, "thing is wrong", "things are wrong") + ".",
            errors: problem.errors.prefix(Limits.errorsListedMax).map {
                BodyError(pointer: masked($0.pointer), code: $0.code.rawValue, detail: masked($0.detail))
            })
    }
}

extension Visit {
    /// Name of an API key; of one that is gone, its client id.
    func keyName(_ clientID: String) -> String {
        let keys = console.directory.apiKeys(ofAccount: identity.key.account)
        return keys.first { $0.clientID == clientID }?.name ?? clientID
    }
}
