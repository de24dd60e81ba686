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
            .listAllRejections, query: query.api + (before.isEmpty ? [] : [("before", before)]) + [("limit", "50")])
        let items = answer["items"]?.array ?? []
        let page = RejectionsPage(
            isOn: limits.rejectionsMax > 0, retention: query.retention(limits),
            filter: query.form(visit, codes: items.compactMap { $0["code"]?.string }),
            rows: items.map { row($0, visit) },
            olderHref: answer["next_before"]?.string.map {
                ConsolePath.with(ConsolePath.rejections, query.page + [("before", $0)])
            })
        return await visit.page(page, area: .rejections)
    }

    private static func row(_ item: JSONValue, _ visit: Visit) -> RejectionsPage.Row {
        let id = item["id"]?.string ?? ""
        let key = item["profile_key"]?.string ?? ""
        let errors = item["errors"]?.array ?? []
        return RejectionsPage.Row(
            id: id, at: Moment(item["received_at"]) ?? Moment(iso: ""), isReplayed: item["state"]?.string == "replayed",
            keyspace: visit.keyspaceName(item["keyspace_discriminator"]?.string),
            key: visit.shown(key: key), code: errors.first?["code"]?.string ?? item["code"]?.string ?? "",
            place: errors.first?["pointer"]?.string.flatMap { $0.isEmpty ? nil : visit.masked($0, key) },
            errors: errors.count, events: item["event_count"]?.int.flatMap { $0 > 0 ? $0 : nil },
            client: visit.keyName(item["client_id"]?.string ?? ""),
            href: ConsolePath.rejection(section: item["section_discriminator"]?.string ?? "", id: id))
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
        let item = try await visit.call(.getRejection, try parameters(visit))
        let isReplayed = item["replayed_at"]?.string != nil
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
        try await visit.call(.dismissRejection, try parameters(visit))
        return visit.redirect(to: ConsolePath.rejections, "The rejection is dismissed.")
    }

    // MARK: Parts

    private static func parameters(_ visit: Visit) throws(Problem) -> KeyValuePairs<String, String> {
        ["section": try visit.path.section().text, "id": String(try visit.path.rejectionID())]
    }

    private static func path(_ visit: Visit) throws(Problem) -> String {
        ConsolePath.rejection(section: try visit.path.section().text, id: String(try visit.path.rejectionID()))
    }

    private static func check(_ visit: Visit) async throws -> RejectionCheck {
        do {
            let events = try await post(visit, headers: [.prefer: "validate-only"])
            return RejectionCheck(
                isOK: true, message: Text.count(events, "event", "events") + " would be accepted now.")
        } catch let problem as Problem where problem.code.status.kind == .clientError {
            return try await masked(problem, visit)
        }
    }

    private static func masked(_ problem: Problem, _ visit: Visit) async throws -> RejectionCheck {
        let key = try await visit.call(.getRejection, try parameters(visit))["profile_key"]?.string ?? ""
        return RejectionCheck(problem) { visit.masked($0, key) }
    }

    /// What stands in the editor, with the profile key beside it.
    /// - Returns: how many events that is.
    @discardableResult
    private static func post(_ visit: Visit, headers: HTTPFields) async throws -> Int {
        let original = try await visit.call(.getRejection, try parameters(visit))
        let edited = try Edited(visit.form, original)
        guard let items = try JSONValue(parsing: edited.body)["items"] else {
            throw Problem(
                .validationFailed, "The body needs a list of events in 'items'.",
                errors: [
                    ItemError(index: nil, pointer: "/items", code: .missingMember, detail: "'items' is missing.")
                ])
        }
        try await visit.call(
            .replayRejection, try parameters(visit),
            body: .object([.init("items", items), .init("profile_key", .string(edited.key))]), headers: headers)
        return items.array?.count ?? 0
    }

    /// The form of the editor. What was shown masked and comes back as it was is what it was before; what was changed
    /// around a mask cannot be known, and is refused.
    private struct Edited {
        let body: String
        let key: String

        init(_ form: Form, _ original: JSONValue) throws(Problem) {
            let originalKey = original["profile_key"]?.string ?? ""
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
                    .validationFailed, "Profile keys are masked. Switch the mask off, and edit what is really there.")
            }
        }
    }

    private static func indented(_ rejection: JSONValue) -> String {
        let text = rejection["body"]?.string ?? ""
        let indented = (try? JSONValue(parsing: text)).map(JSONWriter.writeIndented) ?? text
        // Deep nesting would come to megabytes of spaces.
        return indented.utf8.count <= 4 * text.utf8.count + 1024 ? indented : text
    }

    private static func page(_ visit: Visit, check: RejectionCheck? = nil) async throws -> RejectionPage {
        let section = try visit.section()
        let item = try await visit.call(.getRejection, try parameters(visit))
        let key = item["profile_key"]?.string ?? ""
        let keyspace = visit.catalogue.keyspaces.first {
            $0.discriminator.text == item["keyspace_discriminator"]?.string
        }
        return RejectionPage(
            id: item["id"]?.string ?? "", at: Moment(item["received_at"]) ?? Moment(iso: ""), section: Named(section),
            keyspace: keyspace.map(Named.init) ?? Named(name: "", discriminator: ""),
            profileKey: visit.form.has("profile_key") ? visit.form["profile_key"] : visit.shown(key: key),
            client: visit.keyName(item["client_id"]?.string ?? ""), clientID: item["client_id"]?.string ?? "",
            requestID: item["request_id"]?.string, events: item["event_count"]?.int.flatMap { $0 > 0 ? $0 : nil },
            code: item["code"]?.string ?? "", detail: visit.masked(item["detail"]?.string ?? "", key),
            errors: (item["errors"]?.array ?? []).map { error in
                BodyError(
                    pointer: visit.masked(error["pointer"]?.string ?? "", key), code: error["code"]?.string ?? "",
                    detail: visit.masked(error["detail"]?.string ?? "", key))
            }, body: visit.form.has("body") ? visit.form["body"] : visit.masked(indented(item), key), check: check,
            replayed: Moment(item["replayed_at"]).map { replayed(item, at: $0, section, visit) })
    }

    /// What a replay stored, as it is stored.
    private static func replayed(
        _ item: JSONValue, at: Moment, _ section: Section, _ visit: Visit
    ) -> RejectionPage.Replayed {
        let key = item["profile_key"]?.string ?? ""
        let profile = item["replayed_profile_id"]?.string.map { ConsolePath.profile(id: $0) }
        let stored = item["stored_events"]?.array
        let events = stored?.map { event in
            let id = event["id"]?.string ?? ""
            let time = event["event_time"]?.string ?? ""
            let type = event["version_id"].flatMap(VersionID.parse).flatMap(visit.catalogue.version)?.eventType
            return RejectionPage.Replayed.Event(
                id: id, eventType: type?.name ?? event["discriminator"]?.string ?? "", at: Moment(iso: time),
                href: profile.map { timeline($0, section, time, id) })
        }
        let items = (stored ?? []).map { event in
            JSONValue.object(
                ["event_time", "version_id", "data"].map { .init($0, event[$0] ?? .null) })
        }
        return RejectionPage.Replayed(
            at: at, profileHref: profile, events: events, count: item["replayed_event_ids"]?.array?.count ?? 0,
            json: visit.masked(
                JSONWriter.writeIndented(.object([.init("items", .array(items))])), key))
    }

    /// The timeline from this event on.
    private static func timeline(_ profile: String, _ section: Section, _ time: String, _ id: String) -> String {
        var query = [("section", section.discriminator.text)]
        if let time = Timestamp(rfc3339: time), let id = Int64(id) {
            query.append(("cursor", EventCursor.write(EventPosition(eventTime: time, id: id + 1))))
        }
        return ConsolePath.with(profile, query) + "#event-" + id
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
