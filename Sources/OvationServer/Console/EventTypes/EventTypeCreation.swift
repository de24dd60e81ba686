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
            let page = input.page(in: section, visit.catalogue, preview: await preview(input, section, visit))
            return await visit.page(page, area: .eventTypes)
        }
        do {
            let made = try await visit.call(
                CreateEventType.self, ["section": section.discriminator.text], body: input.request())
            return visit.redirect(
                to: ConsolePath.eventTypes(section.discriminator) + "/" + made.discriminator,
                input.isDraft
                    ? "‘\(input.name)’ is saved as a draft. Publish it when integrations may see it."
                    : "‘\(input.name)’ is created. Integrations can post it now.")
        } catch let problem as Problem where problem.code.status.kind == .clientError {
            let page = input.page(
                in: section, visit.catalogue, errors: input.errors(problem),
                preview: await preview(input, section, visit))
            return await visit.page(page, area: .eventTypes, status: problem.code.status)
        }
    }

    @Sendable static func preview(_ visit: Visit) async throws -> Response {
        visit.fragment(await preview(EventTypeInput(visit.form), try visit.section(), visit))
    }

    /// What would be made, as the endpoint that makes it says.
    private static func preview(
        _ input: EventTypeInput, _ section: Section, _ visit: Visit
    ) async -> EventTypePreview {
        guard let discriminator = input.discriminator else {
            return EventTypePreview(
                discriminator: "", json: "", command: "",
                problems: ["Choose a category, which is part of the discriminator."])
        }
        do {
            let made = try await visit.call(
                CreateEventType.self, ["section": section.discriminator.text], body: input.request(),
                headers: .validateOnly)
            return EventTypePreview(made, isDraft: input.isDraft, visit)
        } catch {
            return EventTypePreview(
                discriminator: discriminator.text, json: "", command: "",
                problems: input.errors(Problem(thrown: error)).map(\.message))
        }
    }
}

extension EventTypePreview {
    /// An event type as the API will show it, and the command that posts an event of its newest version.
    init(_ eventType: Bodies.FullEventType, isDraft: Bool, plan: Plan? = nil, _ visit: Visit) {
        let version = isDraft ? eventType.drafts.last : eventType.versions.first ?? eventType.drafts.last
        let json = isDraft ? eventType.json : Bodies.EventType(eventType).json
        self.init(
            discriminator: eventType.discriminator, json: JSONWriter.writeIndented(json),
            command: version.map { visit.postCommand(eventType, $0) } ?? "", isDraft: isDraft, plan: plan)
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

    /// The same of an event type that is not there yet.
    func postCommand(_ eventType: Bodies.FullEventType, _ version: Bodies.Version) -> String {
        let writable = eventType.keyspacePermissions.filter(\.write).map(\.keyspaceDiscriminator)
        return SampleCommands.post(
            baseURL: baseURL, section: eventType.sectionDiscriminator,
            keyspace: catalogue.sampleKeyspace { writable.contains($0.discriminator.text) },
            version: VersionID.parse(version.id) ?? 0,
            fields: version.fields, eventTime: now)
    }
}
