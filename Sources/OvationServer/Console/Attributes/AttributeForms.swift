import HTTPTypes
import Hummingbird
import OvationConsole
import OvationCore
import OvationWire

/// `/console/sections/{section}/attributes/new`
enum AttributeCreation {
    @Sendable static func show(_ visit: Visit) async throws -> Response {
        let input = AttributeInput(newIn: visit.catalogue)
        return await visit.page(input.page(in: try visit.section(), visit.catalogue), area: .eventTypes)
    }

    @Sendable static func post(_ visit: Visit) async throws -> Response {
        let section = try visit.section()
        let input = AttributeInput(visit.form)
        if input.action == "preview" {
            let page = input.page(in: section, visit.catalogue, preview: await preview(input, section, visit))
            return await visit.page(page, area: .eventTypes)
        }
        do {
            let made = try await visit.call(
                CreateAttribute.self, ["section": section.discriminator.text], body: input.request(visit.catalogue))
            return visit.redirect(
                to: ConsolePath.attributes(section.discriminator) + "/" + made.discriminator,
                input.isDraft
                    ? "‘\(input.name)’ is saved as a draft. Publish it when integrations may see it."
                    : "‘\(input.name)’ is created. Integrations can set it now.")
        } catch let problem as Problem where problem.code.status.kind == .clientError {
            let page = input.page(
                in: section, visit.catalogue, errors: input.errors(problem),
                preview: await preview(input, section, visit))
            return await visit.page(page, area: .eventTypes, status: problem.code.status)
        }
    }

    @Sendable static func preview(_ visit: Visit) async throws -> Response {
        visit.fragment(await preview(AttributeInput(visit.form), try visit.section(), visit))
    }

    /// What would be made, as the endpoint that makes it says.
    private static func preview(
        _ input: AttributeInput, _ section: Section, _ visit: Visit
    ) async -> EventTypePreview {
        do {
            let made = try await visit.call(
                CreateAttribute.self, ["section": section.discriminator.text], body: input.request(visit.catalogue),
                headers: .validateOnly)
            return EventTypePreview(made, isDraft: input.isDraft)
        } catch {
            return EventTypePreview(
                discriminator: "", json: "", command: "",
                problems: input.errors(Problem(thrown: error)).map(\.message))
        }
    }
}

/// `/console/sections/{section}/attributes/{attribute}/edit`: as for event types, the second of two who save is shown what
/// the first one changed.
enum AttributeEdit {
    @Sendable static func show(_ visit: Visit) async throws -> Response {
        let attribute = try visit.liveAttribute()
        let seen = try await seen(attribute, visit)
        let input = AttributeInput(attribute, visit.catalogue, seen: seen)
        return await visit.page(
            input.page(in: try visit.section(), visit.catalogue, editing: attribute), area: .eventTypes)
    }

    @Sendable static func post(_ visit: Visit) async throws -> Response {
        let section = try visit.section()
        let attribute = try visit.liveAttribute()
        var input = AttributeInput(visit.form)
        func form(
            _ input: AttributeInput, errors: [FormError] = [], conflict: EventTypeFormPage.Conflict? = nil,
            status: HTTPResponse.Status = .ok
        ) async -> Response {
            let page = input.page(
                in: section, visit.catalogue, editing: attribute, errors: errors, conflict: conflict,
                preview: await preview(input, attribute, visit))
            return await visit.page(page, area: .eventTypes, status: status)
        }
        if input.action == "preview" { return await form(input) }
        if let conflict = try await conflict(input, attribute, visit) {
            input.seen = try await seen(attribute, visit)
            return await form(input, conflict: conflict, status: .conflict)
        }
        do {
            let plan = try await plan(input, attribute, visit)
            // Nothing may come between the look at what was seen and the change.
            try await visit.call(
                ChangeAttribute.self, attribute.path, body: input.change(visit.catalogue),
                headers: [.ifMatch: visit.identity.account.entityTag(for: visit.identity.key)])
            return visit.redirect(to: ConsolePath.attribute(attribute), notice(input, plan))
        } catch let problem as Problem where problem.code.status.kind == .clientError {
            var errors = input.errors(problem)
            if problem.code == .preconditionFailed {
                errors = [FormError(message: "A definition was changed at this moment. Nothing was saved; save again.")]
            }
            return await form(input, errors: errors, status: problem.code.status)
        }
    }

    private static func notice(_ input: AttributeInput, _ plan: EventTypePreview.Plan) -> String {
        if input.isDraft { return "The draft of ‘\(input.name)’ is saved. Publish it to make it current." }
        if plan.changes.isEmpty { return "Nothing was different, so nothing was changed." }
        return plan.makesVersion
            ? "‘\(input.name)’ has a new version. The one before still takes values." : "‘\(input.name)’ is changed."
    }

    /// Asked where the change would break something; nil where it would not, and where the form is not to be saved yet.
    @Sendable static func question(_ visit: Visit) async throws -> Response? {
        let attribute = try visit.liveAttribute()
        let input = AttributeInput(visit.form)
        guard input.action != "preview", try await conflict(input, attribute, visit) == nil else { return nil }
        // A draft takes over from nothing. What cannot be saved is not asked about: the form says why.
        let breaks = input.isDraft ? [] : await newType(input, attribute, visit)
        let losses = lostPermissions(input, attribute, visit)
        guard !losses.isEmpty || !breaks.isEmpty else { return nil }
        let page = ConfirmPage(
            heading: "Change ‘\(attribute.name)’?",
            explanation: ["The change that you are about to save can break integrations. Nothing is saved yet."],
            consequences: losses + breaks, action: visit.request.uri.path, hidden: visit.hiddenFields,
            button: "Save changes", cancel: ConsolePath.attribute(attribute),
            back: Choice(value: "preview", label: "Back to the form"))
        return await visit.page(page, area: .eventTypes)
    }

    private static func lostPermissions(_ input: AttributeInput, _ attribute: Attribute, _ visit: Visit) -> [String] {
        visit.catalogue.access(attribute).flatMap { keyspace -> [String] in
            [
                keyspace.write && !input.write.contains(keyspace.discriminator)
                    ? "Requests that set it through the keyspace ‘\(keyspace.name)’ are refused from then on." : nil,
                keyspace.read && !input.read.contains(keyspace.discriminator)
                    ? "Integrations no longer see its values through the keyspace ‘\(keyspace.name)’." : nil,
            ].compactMap { $0 }
        }
    }

    private static func newType(
        _ input: AttributeInput, _ attribute: Attribute, _ visit: Visit
    ) async -> [String] {
        guard let current = attribute.currentVersion, let plan = try? await plan(input, attribute, visit),
            plan.makesVersion
        else { return [] }
        return [
            "A request that sets the new version to a value of version \(current.id) gets 400, unless it fits both.",
            "Requests that name version \(current.id) are stored as before; you can publish it again.",
        ]
    }

    @Sendable static func preview(_ visit: Visit) async throws -> Response {
        visit.fragment(await preview(AttributeInput(visit.form), try visit.liveAttribute(), visit))
    }

    /// What the attribute would be, as the endpoint that changes it says.
    private static func preview(
        _ input: AttributeInput, _ attribute: Attribute, _ visit: Visit
    ) async -> EventTypePreview {
        do {
            let made = try await visit.call(
                ChangeAttribute.self, attribute.path, body: input.change(visit.catalogue), headers: .validateOnly)
            return EventTypePreview(made, isDraft: input.isDraft, plan: plan(from: attribute, to: made, input))
        } catch {
            return EventTypePreview(
                discriminator: attribute.discriminator.text, json: "", command: "",
                problems: input.errors(Problem(thrown: error)).map(\.message))
        }
    }

    private static func plan(
        _ input: AttributeInput, _ attribute: Attribute, _ visit: Visit
    ) async throws -> EventTypePreview.Plan {
        let made = try await visit.call(
            ChangeAttribute.self, attribute.path, body: input.change(visit.catalogue), headers: .validateOnly)
        return plan(from: attribute, to: made, input)
    }

    /// What is different in the answer.
    private static func plan(
        from attribute: Attribute, to made: Bodies.FullAttribute, _ input: AttributeInput
    ) -> EventTypePreview.Plan {
        let known = Set(attribute.versions.map { String($0.id) })
        let added = (input.isDraft ? made.drafts : made.versions).first { !known.contains($0.id) }
        let current = attribute.currentVersion?.content.label ?? "none"
        var changes: [String] = []
        if made.name != attribute.name { changes.append("name: \(attribute.name) → \(made.name)") }
        if made.description != attribute.summary { changes.append("description: \(made.description)") }
        let permissions = made.keyspacePermissions.filter { entry in
            let keyspace = try? Discriminator<Keyspace>(entry.keyspaceDiscriminator)
            return keyspace.map(attribute.permission) != entry.permission
        }
        changes += permissions.map { entry in
            let words = entry.permissions.map { $0.rawValue.lowercased() }.joined(separator: " and ")
            return "\(entry.keyspaceDiscriminator): \(words.isEmpty ? "none" : words)"
        }
        if added != nil { changes.append("type: \(current) → \(input.kind)") }
        let breaks = added != nil && !input.isDraft && attribute.currentVersion != nil && current != input.kind
        return EventTypePreview.Plan(
            changes: changes, warnings: breaks ? ["The type of its values is another one."] : [],
            makesVersion: added != nil, isDraft: input.isDraft)
    }

    // MARK: Two at once

    private static func seen(_ attribute: Attribute, _ visit: Visit) async throws -> String {
        let newest = Int64(try await visit.attributeLog(attribute, limit: 1).first?.number ?? 0)
        return attribute.seen(at: newest, visit.catalogue)
    }

    /// nil: nobody changed the attribute since the form was made.
    private static func conflict(
        _ input: AttributeInput, _ attribute: Attribute, _ visit: Visit
    ) async throws -> EventTypeFormPage.Conflict? {
        let sequence = Int64(input.seen.prefix { $0 != "-" }) ?? 0
        guard input.seen != attribute.seen(at: sequence, visit.catalogue) else { return nil }
        let entries = try await visit.attributeLog(attribute, limit: 20).filter { $0.number > sequence }
        return EventTypeFormPage.Conflict(
            who: entries.first?.actor ?? "Somebody", at: entries.first?.at ?? Moment(visit.now),
            what: entries.isEmpty ? ["The attribute was changed."] : entries.map(\.words))
    }
}

extension EventTypePreview {
    /// An attribute as the API will show it.
    fileprivate init(_ attribute: Bodies.FullAttribute, isDraft: Bool, plan: Plan? = nil) {
        var listed = Bodies.Attribute()
        (listed.name, listed.discriminator) = (attribute.name, attribute.discriminator)
        (listed.description, listed.versions) = (attribute.description, attribute.versions)
        listed.keyspacePermissions = attribute.keyspacePermissions
        self.init(
            discriminator: attribute.discriminator,
            json: JSONWriter.writeIndented(isDraft ? attribute.json : listed.json), command: "", isDraft: isDraft,
            plan: plan)
    }
}
