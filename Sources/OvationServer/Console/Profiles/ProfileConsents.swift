import HTTPTypes
import Hummingbird
import OvationConsole
import OvationCore
import OvationWire

/// `/console/profiles/{profile_id}/sections/{section}/consents`
enum ConsentList {
    private static let pageSize = 25

    @Sendable static func show(_ visit: Visit) async throws -> Response {
        let stage = try await Stage(visit)
        return await visit.page(try await stage.page(visit), area: .profiles)
    }

    @Sendable static func post(_ visit: Visit) async throws -> Response {
        let stage = try await Stage(visit)
        guard let path = stage.path else {
            throw Problem(.keyspaceForbidden, "No key of this profile is of a keyspace that manages subscriptions.")
        }
        var body = Bodies.ConsentRequest()
        body.topicDiscriminator = visit.form["topic"]
        body.channelDiscriminator = visit.form["channel"]
        guard let type = Bodies.ConsentType(rawValue: visit.form["type"]) else {
            throw Problem(.invalidValue, "The form has no such type.")
        }
        (body.type, body.reason, body.source) = (type, visit.form["reason"], "Console")
        do {
            try await visit.act(PostConsent.self, path, body: body)
            return visit.redirect(to: stage.base, "The consent is set.")
        } catch let problem as Problem where problem.code.status.kind == .clientError {
            let errors =
                problem.errors.isEmpty
                ? [FormError(control: "topic", message: problem.detail)]
                : problem.errors.map { error in
                    FormError(control: error.pointer == "/reason" ? "reason" : "topic", message: error.detail)
                }
            return await visit.page(
                try await stage.page(visit, errors), area: .profiles, status: problem.code.status)
        }
    }

    /// The profile, its section, and the key by which its consents are set.
    private struct Stage {
        let profile: ShownProfile
        let section: Section
        let base: String
        /// By which consents are set. nil: no key of the profile is of a keyspace that manages subscriptions.
        let path: KeyValuePairs<String, String>?

        init(_ visit: Visit) async throws {
            profile = try await ShownProfile(visit)
            section = try visit.section()
            base = HeldFields.path(profile.id, section) + "/consents"
            path = profile.consentPath(section, visit)
        }

        func page(_ visit: Visit, _ errors: [FormError] = []) async throws -> ProfileConsentsPage {
            let topics = visit.catalogue.listedTopics(in: section.discriminator)
            let channels = visit.catalogue.listedChannels
            let held = try await ConsentList.held(profile, section, visit)
            let names = Names(visit)
            let keys = try await visit.keyNames()
            let shown = held.shown(keys, names, visit)
            let cursor = try visit.query("cursor")
            let list = try await visit.call(
                ListConsentChanges.self, profile.path(section),
                query: [("limit", String(pageSize)), ("cursor", cursor), ConsentList.past])
            return ProfileConsentsPage(
                who: try await HeldFields.who(profile, section, visit), sectionName: section.name,
                channels: channels.map(\.name),
                rows: held.optOutRows(channels, keys, visit)
                    + topics.map { topic in
                        .init(
                            topic: topic.name,
                            cells: channels.map { channel in
                                .init(
                                    shown.first {
                                        $0.0 == topic.discriminator.text && $0.1 == channel.discriminator.text
                                    }?.2, isImpossible: topic.channel.map { $0 != channel.discriminator } ?? false)
                            })
                    },
                topicChoices: topics.map { choice($0.discriminator.text, $0.name, visit.form["topic"]) },
                channelChoices: channels.map { choice($0.discriminator.text, $0.name, visit.form["channel"]) },
                typeChoices: Bodies.ConsentType.allCases.map { choice($0.rawValue, $0.rawValue, visit.form["type"]) },
                reason: visit.session.isMasked ? "" : visit.form["reason"], action: base,
                back: HeldFields.back(profile, section),
                suppressions: held.suppressions(names, visit), isUnmanaged: path == nil,
                changes: list.items.map { ConsentList.change($0, keys, names, visit) },
                olderHref: list.nextCursor.map { ConsolePath.with(base, [("cursor", $0)]) },
                isLaterPage: !cursor.isEmpty, errors: errors)
        }

        private func choice(_ value: String, _ label: String, _ chosen: String) -> Choice {
            Choice(value: value, label: label, selected: value == chosen)
        }
    }

    // MARK: What there is

    fileprivate static let past = ("ignore_keyspace_permissions", "true")

    /// Consents as the API tells them.
    struct Held {
        let body: Bodies.Consents

        /// By the discriminators of topic and channel.
        func shown(
            _ keys: [String: String], _ names: Names, _ visit: Visit
        ) -> [(String, String, ProfileConsent)] {
            body.items.map { item in
                let consent = ProfileConsent(
                    topic: names.topic(item.topicDiscriminator), channel: names.channel(item.channelDiscriminator),
                    type: item.type.rawValue, isAllowed: item.type.value.allows, set: Moment(item.modifiedAt),
                    setBy: keys[item.modifiedBy] ?? item.modifiedBy, source: visit.shown(words: item.source),
                    reason: visit.shown(words: item.reason))
                return (item.topicDiscriminator, item.channelDiscriminator, consent)
            }
        }

        /// What stands above all topics.
        func optOuts(_ keys: [String: String], _ names: Names, _ visit: Visit) -> [(String, ProfileConsent)] {
            body.optOuts.map { item in
                let consent = ProfileConsent(
                    topic: item.isOfAccount ? "The whole account" : "The whole section",
                    channel: names.channel(item.channelDiscriminator), type: "opt-out", isAllowed: false,
                    set: Moment(item.modifiedAt), setBy: keys[item.modifiedBy] ?? item.modifiedBy,
                    source: visit.shown(words: item.source), reason: visit.shown(words: item.reason))
                return (item.channelDiscriminator, consent)
            }
        }

        func optOutRows(
            _ channels: [OvationCore.Channel], _ keys: [String: String], _ visit: Visit
        ) -> [ProfileConsentsPage.Row] {
            let all = optOuts(keys, Names(visit), visit)
            return Set(all.map(\.1.topic)).sorted().map { topic in
                ProfileConsentsPage.Row(
                    topic: topic,
                    cells: channels.map { channel in
                        .init(all.first { $0.1.topic == topic && $0.0 == channel.discriminator.text }?.1)
                    })
            }
        }

        func suppressions(_ names: Names, _ visit: Visit) -> [ProfileConsentsPage.Suppression] {
            body.suppressions.map {
                .init(
                    address: visit.shown(key: $0.address), channel: names.channel($0.channelDiscriminator),
                    reason: visit.shown(words: $0.reason))
            }
        }
    }

    static func held(_ profile: ShownProfile, _ section: Section, _ visit: Visit) async throws -> Held {
        Held(body: try await visit.call(ListConsents.self, profile.path(section), query: [past]))
    }

    /// What people call topics and channels.
    struct Names {
        private let catalogue: Catalogue

        init(_ visit: Visit) { catalogue = visit.catalogue }

        func topic(_ text: String) -> String {
            catalogue.topics.first { $0.discriminator.text == text }?.name ?? text
        }

        func channel(_ text: String) -> String {
            catalogue.channels.first { $0.discriminator.text == text }?.name ?? text
        }
    }

    private static func change(
        _ change: Bodies.ConsentChange, _ keys: [String: String], _ names: Names, _ visit: Visit
    ) -> ProfileConsentsPage.Change {
        ProfileConsentsPage.Change(
            at: Moment(change.changedAt), by: keys[change.changedBy] ?? change.changedBy,
            topic: change.topicDiscriminator.map(names.topic)
                ?? (change.isOfAccount ? "The whole account" : "The whole section"),
            channel: change.channelDiscriminator.map(names.channel) ?? "Subscription",
            from: change.from?.type.rawValue ?? "none", to: change.to?.type.rawValue ?? "lifted",
            source: visit.shown(words: change.to?.source ?? change.lift?.source ?? ""),
            reason: visit.shown(words: change.to?.reason ?? change.lift?.reason ?? ""))
    }
}

extension Visit {
    /// A text that somebody wrote about a person, as this session may see it.
    func shown(words text: String) -> String { text.isEmpty ? "" : shown(key: text) }
}

extension ShownProfile {
    /// By the first key whose keyspace manages subscriptions; nil: there is none.
    func consentPath(_ section: Section, _ visit: Visit) -> KeyValuePairs<String, String>? {
        let managing = visit.catalogue.keyspaces.filter(\.managesSubscriptions).map(\.discriminator.text)
        guard let key = keys.first(where: { managing.contains($0.keyspace) }) else { return nil }
        return ["keyspace": key.keyspace, "key": key.key, "section": section.discriminator.text]
    }
}
