import HTTPTypes
import Hummingbird
import OvationConsole
import OvationCore
import OvationWire

/// `/console/sections/{section}/event-types/{event}/edit`
///
/// Two people can have the form open at once. The second to save is shown what the first one changed, keeps what he
/// typed, and decides.
enum EventTypeEdit {
    @Sendable static func show(_ visit: Visit) async throws -> Response {
        let eventType = try visit.liveEventType()
        let input = EventTypeInput(eventType, seen: eventType.seen(at: try await newest(of: eventType, visit)))
        return await visit.page(
            input.page(in: try visit.section(), visit.catalogue, editing: eventType), area: .eventTypes)
    }

    @Sendable static func post(_ visit: Visit) async throws -> Response {
        let section = try visit.section()
        let eventType = try visit.liveEventType()
        var input = EventTypeInput(visit.form)
        input.category = eventType.category.rawValue
        func form(
            _ input: EventTypeInput, errors: [FormError] = [], conflict: EventTypeFormPage.Conflict? = nil,
            status: HTTPResponse.Status = .ok
        ) async -> Response {
            let page = input.page(
                in: section, visit.catalogue, editing: eventType, errors: errors, conflict: conflict,
                preview: await preview(input, section, eventType, visit))
            return await visit.page(page, area: .eventTypes, status: status)
        }
        if let changed = input.withRowsChanged() { return await form(changed) }
        if input.action == "preview" { return await form(input) }
        if let conflict = try await conflict(input, eventType, visit) {
            input.seen = eventType.seen(at: try await newest(of: eventType, visit))
            return await form(input, conflict: conflict, status: .conflict)
        }
        do {
            // Nothing may come between the look at what was seen and the change.
            try await visit.call(
                ChangeEventType.self, path(eventType), body: input.change(),
                headers: [.ifMatch: visit.identity.account.entityTag(for: visit.identity.key)])
            let notice = try await notice(input, section, eventType, visit)
            return visit.redirect(to: ConsolePath.eventType(eventType), notice)
        } catch let problem as Problem where problem.code.status.kind == .clientError {
            var errors = input.errors(problem)
            if problem.code == .preconditionFailed {
                errors = [FormError(message: "A definition was changed at this moment. Nothing was saved; save again.")]
            }
            return await form(input, errors: errors, status: problem.code.status)
        }
    }

    /// Asked where the change would break something; nil where it would not, and where the form is not to be saved yet.
    @Sendable static func question(_ visit: Visit) async throws -> Response? {
        let section = try visit.section()
        let eventType = try visit.liveEventType()
        var input = EventTypeInput(visit.form)
        input.category = eventType.category.rawValue
        guard input.withRowsChanged() == nil, input.action != "preview",
            try await conflict(input, eventType, visit) == nil
        else { return nil }
        let losses = lostPermissions(input, eventType, visit)
        // A draft takes over from nothing.
        let breaks = input.isDraft ? [] : await newFields(input, eventType, visit)
        guard !losses.isEmpty || !breaks.isEmpty else { return nil }
        let used = try await visit.usage(of: section)
        let page = ConfirmPage(
            heading: "Change ‘\(eventType.name)’?",
            explanation: ["The change that you are about to save can break integrations. Nothing is saved yet."],
            consequences: losses + breaks
                + (eventType.currentVersion.map { [Text.posted(used[$0.id], "version \($0.id)")] } ?? []),
            action: visit.request.uri.path, hidden: visit.hiddenFields, button: "Save changes",
            cancel: ConsolePath.eventType(eventType), back: Choice(value: "preview", label: "Back to the form"))
        return await visit.page(page, area: .eventTypes)
    }

    private static func lostPermissions(_ input: EventTypeInput, _ eventType: EventType, _ visit: Visit) -> [String] {
        visit.catalogue.keyspaces.flatMap { keyspace -> [String] in
            let old = eventType.permission(in: keyspace.discriminator)
            let text = keyspace.discriminator.text
            return [
                old.write && !input.write.contains(text)
                    ? "Posts of it through the keyspace ‘\(keyspace.name)’ are refused from then on." : nil,
                old.read && !input.read.contains(text)
                    ? "Integrations no longer see its events through the keyspace ‘\(keyspace.name)’." : nil,
            ].compactMap { $0 }
        }
    }

    private static func newFields(_ input: EventTypeInput, _ eventType: EventType, _ visit: Visit) async -> [String] {
        // What cannot be saved is not asked about: the form says why.
        guard let current = eventType.currentVersion,
            let made = try? await visit.call(
                ChangeEventType.self, path(eventType), body: input.change(), headers: .validateOnly),
            let version = made.versions.first
        else { return [] }
        let breaks = FieldComparison(old: current.schema.fields, new: version.fields).breaks
        guard !breaks.isEmpty else { return [] }
        return breaks.map { "A post of the new version with the fields of version \(current.id) gets 400: \($0)." }
            + ["Posts that name version \(current.id) are stored as before; you can publish it again."]
    }

    private static func path(_ eventType: EventType) -> KeyValuePairs<String, String> {
        ["section": eventType.section.text, "event": eventType.discriminator.text]
    }

    @Sendable static func preview(_ visit: Visit) async throws -> Response {
        let eventType = try visit.liveEventType()
        var input = EventTypeInput(visit.form)
        input.category = eventType.category.rawValue
        return visit.fragment(await preview(input, try visit.section(), eventType, visit))
    }

    private static func notice(
        _ input: EventTypeInput, _ section: Section, _ eventType: EventType, _ visit: Visit
    ) async throws -> String {
        if input.isDraft { return "The draft of ‘\(input.name)’ is saved. Publish it to make it current." }
        let plan = try await plan(input, section, eventType, draft: nil, visit)
        if plan.changes.isEmpty { return "Nothing was different, so nothing was changed." }
        return plan.makesVersion
            ? "‘\(input.name)’ has a new version. The one before still takes events." : "‘\(input.name)’ is changed."
    }

    /// What the event type would be, as the endpoint that changes it says.
    private static func preview(
        _ input: EventTypeInput, _ section: Section, _ eventType: EventType, _ visit: Visit
    ) async -> EventTypePreview {
        do {
            let made = try await visit.call(
                ChangeEventType.self, path(eventType), body: input.change(), headers: .validateOnly)
            let draft = input.isDraft ? made.drafts.last : nil
            return EventTypePreview(
                made, isDraft: input.isDraft, plan: try await plan(input, section, eventType, draft: draft, visit),
                visit)
        } catch {
            return EventTypePreview(
                discriminator: eventType.discriminator.text, json: "", command: "",
                problems: input.errors(Problem(thrown: error)).map(\.message))
        }
    }

    /// Number of the newest entry of the log that is about an event type: what comes later was not seen by the form.
    private static func newest(of eventType: EventType, _ visit: Visit) async throws -> Int64 {
        Int64(try await history(of: eventType, limit: 1, visit).first?.number ?? 0)
    }

    private static func history(of eventType: EventType, limit: Int, _ visit: Visit) async throws -> [HistoryEntry] {
        let log = try await visit.call(
            ListLog.self, query: [("event_discriminator", eventType.discriminator.text), ("limit", String(limit))])
        return try await visit.history(log.items)
    }

    /// What is different, in the words of the plan of a model file. A draft takes over from nothing, so its fields break
    /// nothing.
    private static func plan(
        _ input: EventTypeInput, _ section: Section, _ eventType: EventType, draft: Bodies.Version?, _ visit: Visit
    ) async throws -> EventTypePreview.Plan {
        var wanted = Bodies.ModelEventType()
        wanted.discriminator = eventType.discriminator
        wanted.name = input.name
        wanted.description = input.summary
        wanted.category = eventType.category
        wanted.keyspacePermissions = Bodies.PermissionMap(input.permissions)
        if draft == nil { wanted.fields = try input.change().version.fields } else { wanted.versions = [] }
        var place = Bodies.ModelSection()
        place.discriminator = section.discriminator
        place.name = section.name
        place.eventTypes = [wanted]
        var model = Bodies.Model()
        model.sections = [place]
        let steps = try await visit.call(PlanModel.self, body: model).steps
        let changes = steps.flatMap { $0.action == .addVersion ? Array($0.details.dropFirst()) : $0.details }
        let current = eventType.currentVersion?.schema.fields ?? []
        let drafted = draft.map { FieldComparison(old: current, new: $0.fields).details } ?? []
        return EventTypePreview.Plan(
            changes: changes + drafted, warnings: steps.flatMap(\.breaks),
            makesVersion: draft != nil || steps.contains { $0.action == .addVersion }, isDraft: draft != nil)
    }

    /// nil: nobody changed the event type since the form was made.
    private static func conflict(
        _ input: EventTypeInput, _ eventType: EventType, _ visit: Visit
    ) async throws -> EventTypeFormPage.Conflict? {
        let sequence = Int64(input.seen.prefix { $0 != "-" }) ?? 0
        guard input.seen != eventType.seen(at: sequence) else { return nil }
        let entries = try await history(of: eventType, limit: 20, visit).filter { $0.number > sequence }
        return EventTypeFormPage.Conflict(
            who: entries.first?.actor ?? "Somebody", at: entries.first?.at ?? Moment(visit.now),
            what: entries.isEmpty ? ["The event type was changed."] : entries.map(\.words))
    }
}

extension Visit {
    /// - Throws: `event_type_not_found` for a removed one, with which nothing can be done any more.
    func liveEventType() throws(Problem) -> EventType {
        let eventType = try eventType()
        guard eventType.removedAt == nil else {
            throw Problem(.conflict, "‘\(eventType.name)’ was removed and cannot be changed any more.")
        }
        return eventType
    }
}
