import HTTPTypes
import Hummingbird
import OvationConsole
import OvationCore
import OvationWire

/// `/console/channels`
enum ChannelList {
    @Sendable static func show(_ visit: Visit) async throws -> Response {
        await visit.page(page(visit), area: .channels)
    }

    @Sendable static func create(_ visit: Visit) async throws -> Response {
        do {
            var body = Bodies.ChannelRequest()
            (body.name, body.keyspaceDiscriminator) = (visit.form["name"], visit.form["keyspace"])
            let made = try await visit.call(CreateChannel.self, body: body)
            return visit.redirect(to: ConsolePath.channels, "The channel ‘\(made.name)’ is created.")
        } catch let problem as Problem where problem.code.status.kind == .clientError {
            let control = problem.errors.first?.pointer == "/keyspace_discriminator" ? "keyspace" : "name"
            let page = page(visit, isNew: true, [FormError(control: control, message: problem.detail)])
            return await visit.page(page, area: .channels, status: problem.code.status)
        }
    }

    @Sendable static func rename(_ visit: Visit) async throws -> Response {
        let channel = try visit.channel()
        let name = visit.form["name"]
        do {
            var body = Bodies.ChannelChange()
            body.name = name
            try await visit.call(ChangeChannel.self, ["channel": channel.discriminator.text], body: body)
            return visit.redirect(to: ConsolePath.channels, "The channel is called ‘\(name)’ now.")
        } catch let problem as Problem where problem.code.status.kind == .clientError {
            let errors = [FormError(control: "name:\(channel.discriminator)", message: problem.detail)]
            let page = page(visit, renaming: (channel.discriminator, name), errors)
            return await visit.page(page, area: .channels, status: problem.code.status)
        }
    }

    /// - Parameter isNew: show again what was typed into the form that creates one.
    private static func page(
        _ visit: Visit, isNew: Bool = false,
        renaming: (Discriminator<OvationCore.Channel>, typed: String)? = nil, _ errors: [FormError] = []
    ) -> ChannelsPage {
        let catalogue = visit.catalogue
        let used = Set(catalogue.topics.filter { $0.removedAt == nil }.compactMap(\.channel))
        return ChannelsPage(
            rows: catalogue.listedChannels.map { channel in
                .init(
                    name: channel.name, discriminator: channel.discriminator.text,
                    keyspace: Named(
                        name: catalogue.keyspace(channel.keyspace)?.name ?? "",
                        discriminator: channel.keyspace.text),
                    staysBecause: channel.isBuiltIn
                        ? "Built in." : used.contains(channel.discriminator) ? "It has topics." : nil,
                    typed: renaming?.0 == channel.discriminator ? renaming?.typed : nil)
            }, newName: isNew ? visit.form["name"] : "",
            keyspaces: catalogue.keyspaces.map {
                Choice(
                    value: $0.discriminator.text, label: $0.name,
                    selected: isNew && visit.form["keyspace"] == $0.discriminator.text)
            }, errors: errors)
    }
}

/// `/console/channels/{channel}/remove`
enum ChannelRemoval {
    @Sendable static func confirm(_ visit: Visit) async throws -> Response {
        let channel = try visit.channel()
        let page = ConfirmPage(
            heading: "Remove ‘\(channel.name)’?",
            explanation: [
                "The channel disappears from lists, and takes no consents any more. "
                    + "Its discriminator is never used again, so this cannot be undone."
            ], consequences: ["Integrations that give consents for it are refused."],
            action: "\(ConsolePath.channels)/\(channel.discriminator)/remove", button: "Remove channel",
            cancel: ConsolePath.channels)
        return await visit.page(page, area: .channels)
    }

    @Sendable static func post(_ visit: Visit) async throws -> Response {
        let channel = try visit.channel()
        try await visit.act(RemoveChannel.self, ["channel": channel.discriminator.text])
        return visit.redirect(to: ConsolePath.channels, "‘\(channel.name)’ is removed.")
    }
}

extension Visit {
    func channel() throws(Problem) -> OvationCore.Channel { try catalogue.listedChannel(path.channel()) }
}
