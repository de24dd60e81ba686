import HTTPTypes
import Hummingbird
import OvationConsole
import OvationCore
import OvationWire

/// `/console/sections/{section}/topics`
enum TopicList {
    @Sendable static func show(_ visit: Visit) async throws -> Response {
        await visit.page(try await page(visit), area: .eventTypes)
    }

    @Sendable static func create(_ visit: Visit) async throws -> Response {
        let section = try visit.section().discriminator
        let (name, channel) = (visit.form["name"], visit.form["channel"])
        do {
            var body = Bodies.TopicRequest()
            (body.name, body.folderDiscriminator) = (name, visit.form["folder"])
            if !channel.isEmpty { body.channelDiscriminator = try Discriminator(channel) }
            try await visit.call(CreateTopic.self, ["section": section.text], body: body)
            return visit.redirect(to: ConsolePath.topics(section), "The topic ‘\(name)’ is created.")
        } catch let problem as Problem where problem.code.status.kind == .clientError {
            let errors = [FormError(control: control(of: problem), message: problem.detail)]
            return await visit.page(
                try await page(visit, isNew: true, errors), area: .eventTypes, status: problem.code.status)
        }
    }

    /// The control of the form that creates one, by what is wrong.
    private static func control(of problem: Problem) -> String {
        switch (problem.errors.first?.pointer, problem.code) {
        case ("/folder_discriminator", _): "folder"
        case ("/channel_discriminator", _), (_, .invalidDiscriminator): "channel"
        default: "name"
        }
    }

    @Sendable static func rename(_ visit: Visit) async throws -> Response {
        let topic = try visit.topic()
        let name = visit.form["name"]
        do {
            var body = Bodies.TopicChange()
            body.name = name
            try await visit.call(ChangeTopic.self, topic.path, body: body)
            let list = ConsolePath.with(
                ConsolePath.topics(topic.section), [("q", try visit.query("q")), ("from", try visit.query("from"))])
            return visit.redirect(to: list, "The topic is called ‘\(name)’ now.")
        } catch let problem as Problem where problem.code.status.kind == .clientError {
            let errors = [FormError(control: "name:\(topic.discriminator)", message: problem.detail)]
            return await visit.page(
                try await page(visit, renaming: (topic.discriminator, name), errors), area: .eventTypes,
                status: problem.code.status)
        }
    }

    /// - Parameter isNew: show again what was typed into the form that creates one.
    private static func page(
        _ visit: Visit, isNew: Bool = false, renaming: (Discriminator<Topic>, typed: String)? = nil,
        _ errors: [FormError] = []
    ) async throws -> TopicsPage {
        let section = try visit.section()
        let counts = try await visit.call(ListConsentCounts.self, ["section": section.discriminator.text]).items
        let countsByTopic = Dictionary(grouping: counts, by: \.topicDiscriminator)
        let folders = visit.catalogue.listedFolders(in: section.discriminator)
        let folderNames = Dictionary(uniqueKeysWithValues: folders.map { ($0.discriminator, $0.name) })
        // A folder's list of topics is a search for its discriminator.
        let (found, window) = try visit.window(
            visit.catalogue.listedTopics(in: section.discriminator), at: ConsolePath.topics(section.discriminator)
        ) { [$0.name, $0.discriminator.text, $0.folder.text] }
        let channels = visit.catalogue.listedChannels.map {
            Choice(
                value: $0.discriminator.text, label: $0.name,
                selected: isNew && visit.form["channel"] == $0.discriminator.text)
        }
        return TopicsPage(
            section: Named(section),
            rows: found.map {
                .init(
                    name: $0.name, discriminator: $0.discriminator.text, folder: folderNames[$0.folder] ?? "",
                    channel: $0.channel.map { visit.catalogue.channel($0)?.name ?? $0.text },
                    consents: consents(countsByTopic[$0.discriminator.text] ?? [], visit.catalogue),
                    typed: renaming?.0 == $0.discriminator ? renaming?.typed : nil)
            }, window: window, newName: isNew ? visit.form["name"] : "",
            folders: folders.choices(selected: isNew ? visit.form["folder"] : ""),
            channels: [Choice(value: "", label: "Any")] + channels, errors: errors)
    }

    /// Without subscriptions: nobody is written to because of one.
    private static func consents(
        _ counts: [Bodies.ConsentCount], _ catalogue: Catalogue
    ) -> [TopicsPage.Consents] {
        counts.compactMap { count in
            guard let text = count.channelDiscriminator,
                let channel = catalogue.listedChannels.first(where: { $0.discriminator.text == text })
            else { return nil }
            return .init(
                channel: channel.name, optIns: Int(count.optIn + count.confirmedOptIn),
                pending: Int(count.pendingOptIn), optOuts: Int(count.optOut))
        }
    }
}

/// `/console/sections/{section}/topics/{topic}/move`
enum TopicMove {
    @Sendable static func show(_ visit: Visit) async throws -> Response {
        let topic = try visit.topic()
        let folders = visit.catalogue.listedFolders(in: topic.section)
        let page = TopicMovePage(
            section: Named(try visit.section()),
            topic: Named(name: topic.name, discriminator: topic.discriminator.text),
            folders: folders.choices(selected: topic.folder.text))
        return await visit.page(page, area: .eventTypes)
    }

    @Sendable static func post(_ visit: Visit) async throws -> Response {
        let topic = try visit.topic()
        var body = Bodies.TopicChange()
        let folder = try visit.catalogue.listedFolder(
            Discriminator(visit.form["folder"]), in: topic.section)
        body.folderDiscriminator = folder.discriminator
        try await visit.call(ChangeTopic.self, topic.path, body: body)
        return visit.redirect(
            to: ConsolePath.topics(topic.section), "‘\(topic.name)’ is in the folder ‘\(folder.name)’ now.")
    }
}

/// `/console/sections/{section}/topics/{topic}/remove`
enum TopicRemoval {
    @Sendable static func confirm(_ visit: Visit) async throws -> Response {
        let topic = try visit.topic()
        let list = ConsolePath.topics(topic.section)
        let page = ConfirmPage(
            heading: "Remove ‘\(topic.name)’?",
            explanation: [
                "The topic disappears from lists, and takes no consents any more. Those that it has can still be read. "
                    + "Its discriminator is never used again, so this cannot be undone."
            ], consequences: ["Integrations that give consents to it are refused."],
            action: "\(list)/\(topic.discriminator)/remove", button: "Remove topic", cancel: list)
        return await visit.page(page, area: .eventTypes)
    }

    @Sendable static func post(_ visit: Visit) async throws -> Response {
        let topic = try visit.topic()
        try await visit.act(RemoveTopic.self, topic.path)
        return visit.redirect(to: ConsolePath.topics(topic.section), "‘\(topic.name)’ is removed.")
    }
}

extension [Folder] {
    fileprivate func choices(selected: String) -> [Choice] {
        map { Choice(value: $0.discriminator.text, label: $0.name, selected: $0.discriminator.text == selected) }
    }
}

extension Topic {
    /// The parameters of the endpoints that are about it.
    fileprivate var path: KeyValuePairs<String, String> { ["section": section.text, "topic": discriminator.text] }
}

extension Visit {
    fileprivate func topic() throws(Problem) -> Topic {
        try catalogue.listedTopic(path.topic(), in: section().discriminator)
    }
}
