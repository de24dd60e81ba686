import Hummingbird
import OvationConsole
import OvationCore
import OvationWire

/// `/console/sections/{section}/event-types/new`: a custom event, as the article makes it
enum EventTypeCreation {
    @Sendable static func show(_ visit: Visit) async throws -> Response {
        let input = EventTypeInput(newIn: visit.catalogue)
        return await visit.page(input.page(in: try visit.section(), visit.catalogue), area: .eventTypes)
    }

    @Sendable static func post(_ visit: Visit) async throws -> Response {
        let section = try visit.section()
        let input = EventTypeInput(visit.form)
        if let changed = input.withRowsChanged() {
            return await visit.page(changed.page(in: section, visit.catalogue), area: .eventTypes)
        }
        if input.action == "preview" {
            let page = input.page(in: section, visit.catalogue, preview: preview(input, section, visit))
            return await visit.page(page, area: .eventTypes)
        }
        do {
            let made = try await visit.call(
                .createEventType, ["section": section.discriminator.text],
                body: input.body(discriminator: input.discriminator))
            let discriminator = made["discriminator"]?.string ?? ""
            let isDraft = input.action == "draft"
            return visit.redirect(
                to: ConsolePath.eventTypes(section.discriminator) + "/" + discriminator,
                isDraft
                    ? "‘\(input.name)’ is saved as a draft. Publish it when integrations may see it."
                    : "‘\(input.name)’ is created. Integrations can post it now.")
        } catch let problem as Problem where problem.code.status.kind == .clientError {
            let page = input.page(
                in: section, visit.catalogue, errors: input.errors(problem), preview: preview(input, section, visit))
            return await visit.page(page, area: .eventTypes, status: problem.code.status)
        }
    }

    @Sendable static func preview(_ visit: Visit) async throws -> Response {
        visit.fragment(preview(EventTypeInput(visit.form), try visit.section(), visit))
    }

    /// What would be made, by the same rules that make it.
    private static func preview(_ input: EventTypeInput, _ section: Section, _ visit: Visit) -> EventTypePreview {
        guard let discriminator = input.discriminator else {
            return EventTypePreview(
                discriminator: "", json: "", command: "",
                problems: ["Choose a category, which is part of the discriminator."])
        }
        do {
            let request = try EventTypeRequest(input.body(discriminator: discriminator))
            var random = SystemRandomNumberGenerator()
            let head = visit.catalogue.creatingEventType(
                EventTypeDefinition(
                    section: section.discriminator, discriminator: discriminator, name: input.name,
                    description: input.summary, category: request.category ?? .transaction,
                    permissions: request.permissions ?? [:]), using: &random)
            let version = visit.catalogue.addingVersion(
                request.version ?? VersionDefinition(id: nil, fields: []), to: discriminator, at: visit.now)
            let (catalogue, _) = try visit.catalogue.applying(
                [.eventType(.created(head)), .version(.added(version))], at: visit.now, by: visit.identity.key.clientID)
            return EventTypePreview(catalogue.eventType(discriminator), visit)
        } catch {
            return EventTypePreview(
                discriminator: discriminator.text, json: "", command: "",
                problems: input.errors(error).map(\.message))
        }
    }
}

extension EventTypePreview {
    /// An event type as the API would list it, and the command that would post one.
    init(_ eventType: EventType?, _ visit: Visit, plan: Plan? = nil, problems: [String] = []) {
        let version = eventType.flatMap { $0.currentVersion ?? $0.versions.last }
        self.init(
            discriminator: eventType?.discriminator.text ?? "",
            json: eventType.map { JSONWriter.writeIndented($0.json(.withPermissions)) } ?? "",
            command: eventType.flatMap { type in version.map { visit.postCommand(type, $0) } } ?? "", plan: plan,
            problems: problems)
    }
}

extension Visit {
    /// The curl command that posts an event of a version.
    func postCommand(_ eventType: EventType, _ version: EventVersion) -> String {
        SampleCommands.post(
            baseURL: baseURL, section: eventType.section.text,
            keyspace: catalogue.sampleKeyspace(eventType.permissions), version: version.id,
            fields: version.schema.fields, eventTime: now)
    }
}
