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
            // An answer of the API that the type cannot follow is empty, so the page asks first.
            if let current = try await stage.refusal(of: body, visit) {
                let error = FormError(
                    control: "topic", message: "The profile has ‘\(current)’ there, which this cannot follow.")
                return await visit.page(
                    try await stage.page(visit, [error]), area: .profiles, status: .conflict)
            }
            try await visit.act(PostConsent.self, path, body: body)
            return visit.redirect(to: stage.base, "The consent is set.")
        } catch let problem as Problem where problem.code == .validationFailed {
            let errors = problem.errors.map { error in
                FormError(control: error.pointer == "/reason" ? "reason" : "topic", message: error.detail)
            }
            return await visit.page(
                try await stage.page(visit, errors), area: .profiles, status: problem.code.status)
        }
    }

    /// The profile, its section, and the key by which its consents are read.
    private struct Stage {
        let profile: ShownProfile
        let section: Section
        let base: String
        /// nil: no key of the profile is of a keyspace that manages subscriptions.
        let path: KeyValuePairs<String, String>?

        init(_ visit: Visit) async throws {
            profile = try await ShownProfile(visit)
            section = try visit.section()
            base = HeldFields.path(profile.id, section) + "/consents"
            path = profile.consentPath(section, visit)
        }

        /// The type that is there, where the one that is asked for cannot follow it.
        func refusal(of asked: Bodies.ConsentRequest, _ visit: Visit) async throws -> String? {
            guard let path else { return nil }
            let changes = try await visit.call(
                ListConsentChanges.self, path, query: [("limit", String(Limits.changesPageMax))])
            let last = changes.items.first {
                $0.topicDiscriminator == asked.topicDiscriminator
                    && $0.channelDiscriminator == asked.channelDiscriminator
            }
            let current = last?.to?.type
            let transition = ConsentTransition(from: current?.value, to: asked.type.value)
            return transition == .refused ? current?.rawValue : nil
        }

        func page(_ visit: Visit, _ errors: [FormError] = []) async throws -> ProfileConsentsPage {
            let topics = visit.catalogue.listedTopics(in: section.discriminator)
            let channels = visit.catalogue.listedChannels
            let held = try await ConsentList.held(path, visit)
            let names = Names(visit)
            let keys = try await visit.keyNames()
            let shown = held.shown(keys, names)
            let cursor = try visit.query("cursor")
            let list: Bodies.ConsentChanges? =
                if let path {
                    try await visit.call(
                        ListConsentChanges.self, path, query: [("limit", String(pageSize)), ("cursor", cursor)])
                } else { nil }
            return ProfileConsentsPage(
                who: try await HeldFields.who(profile, section, visit), sectionName: section.name,
                channels: channels.map(\.name),
                rows: topics.map { topic in
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
                reason: visit.form["reason"], action: base, back: HeldFields.back(profile, section),
                suppression: held.suppression, isUnmanaged: path == nil,
                changes: (list?.items ?? []).map { ConsentList.change($0, keys, names) },
                olderHref: list?.nextCursor.map { ConsolePath.with(base, [("cursor", $0)]) },
                isLaterPage: !cursor.isEmpty, errors: errors)
        }

        private func choice(_ value: String, _ label: String, _ chosen: String) -> Choice {
            Choice(value: value, label: label, selected: value == chosen)
        }
    }

    // MARK: What there is

    /// Consents as the API tells them.
    struct Held {
        let items: [Bodies.Consent]
        let suppression: String?

        /// By the discriminators of topic and channel.
        func shown(_ keys: [String: String], _ names: Names) -> [(String, String, ProfileConsent)] {
            items.map { item in
                let consent = ProfileConsent(
                    topic: names.topic(item.topicDiscriminator), channel: names.channel(item.channelDiscriminator),
                    type: item.type.rawValue, isAllowed: item.type.value.allows, set: Moment(item.modifiedAt),
                    setBy: keys[item.modifiedBy] ?? item.modifiedBy, source: item.source, reason: item.reason)
                return (item.topicDiscriminator, item.channelDiscriminator, consent)
            }
        }
    }

    /// - Parameter path: nil: they cannot be read.
    static func held(_ path: KeyValuePairs<String, String>?, _ visit: Visit) async throws -> Held {
        guard let path else { return Held(items: [], suppression: nil) }
        let consents = try await visit.call(ListConsents.self, path)
        return Held(
            items: consents.items, suppression: consents.suppression.map { $0.reason.isEmpty ? "none" : $0.reason })
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
        _ change: Bodies.ConsentChange, _ keys: [String: String], _ names: Names
    ) -> ProfileConsentsPage.Change {
        ProfileConsentsPage.Change(
            at: Moment(change.changedAt), by: keys[change.changedBy] ?? change.changedBy,
            topic: change.topicDiscriminator.map(names.topic)
                ?? (change.isOfAccount ? "The whole account" : "The whole section"),
            channel: change.channelDiscriminator.map(names.channel) ?? "Subscription",
            from: change.from?.type.rawValue ?? "none", to: change.to?.type.rawValue ?? "lifted",
            source: change.to?.source ?? "", reason: change.to?.reason ?? "")
    }
}

extension ShownProfile {
    /// By the first key whose keyspace manages subscriptions; nil: there is none.
    func consentPath(_ section: Section, _ visit: Visit) -> KeyValuePairs<String, String>? {
        let managing = visit.catalogue.keyspaces.filter(\.managesSubscriptions).map(\.discriminator.text)
        guard let key = keys.first(where: { managing.contains($0.keyspace) }) else { return nil }
        return ["keyspace": key.keyspace, "key": key.key, "section": section.discriminator.text]
    }
}
