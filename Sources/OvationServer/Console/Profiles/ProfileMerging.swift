import HTTPTypes
import Hummingbird
import OvationConsole
import OvationCore
import OvationWire

/// `/console/profiles/{profile_id}/merge`: names the other profile, shows what a merge would do, and does it
enum ProfileMerging {
    static func path(_ id: String) -> String { ConsolePath.profile(id: id) + "/merge" }

    @Sendable static func show(_ visit: Visit) async throws -> Response {
        let stage = try await Stage(visit)
        return await visit.page(stage.page(visit), area: .profiles)
    }

    /// What it would do, before it is done.
    @Sendable static func preview(_ visit: Visit) async throws -> Response? {
        let stage = try await Stage(visit)
        do {
            let preview = try await visit.call(
                MergeProfiles.self, body: stage.merge(visit.form), headers: .validateOnly)
            return await visit.page(stage.page(visit, Stage.shown(preview, visit)), area: .profiles)
        } catch let problem as Problem where problem.code.status.kind == .clientError {
            return await visit.page(stage.page(visit, of: problem), area: .profiles, status: problem.code.status)
        }
    }

    @Sendable static func post(_ visit: Visit) async throws -> Response {
        let stage = try await Stage(visit)
        do {
            try await visit.act(MergeProfiles.self, [:], body: stage.merge(visit.form))
        } catch let problem as Problem where problem.code.status.kind == .clientError {
            return await visit.page(stage.page(visit, of: problem), area: .profiles, status: problem.code.status)
        }
        // The other one may be canonical, and its id is that of both.
        let merged = try await visit.call(GetProfileByID.self, ["profile_id": stage.profile.id])
        return visit.redirect(to: ConsolePath.profile(id: merged.profileID), "The two are one profile.")
    }

    /// The profile that the page is of.
    private struct Stage {
        let profile: ShownProfile
        private let who: String

        init(_ visit: Visit) async throws {
            profile = try await ShownProfile(visit)
            who = visit.shown(key: profile.keys[0].key)
        }

        func merge(_ form: Form) -> Bodies.ProfileMerge {
            var body = Bodies.ProfileMerge()
            body.profiles = [
                Bodies.KeyReference(keyspace: profile.keys[0].keyspace, key: profile.keys[0].key),
                Bodies.KeyReference(keyspace: form["keyspace"], key: form["key"]),
            ]
            return body
        }

        func page(_ visit: Visit, _ preview: ProfileMergePage.Preview? = nil, _ errors: [FormError] = [])
            -> ProfileMergePage
        {
            ProfileMergePage(
                who: who, action: ProfileMerging.path(profile.id), back: ConsolePath.profile(id: profile.id),
                keyspaces: visit.catalogue.keyspaces.map {
                    Choice(
                        value: $0.discriminator.text, label: $0.name, hint: $0.discriminator.text,
                        selected: $0.discriminator.text == visit.form["keyspace"])
                }, key: visit.form["key"], preview: preview, errors: errors)
        }

        /// The form again, with what is wrong in it.
        func page(_ visit: Visit, of problem: Problem) -> ProfileMergePage {
            let isOfKey = problem.errors.contains { $0.pointer.hasPrefix("/profiles/1") }
            return page(visit, nil, [FormError(control: isOfKey ? "key" : "", message: problem.detail)])
        }

        static func shown(_ preview: Bodies.MergePreview, _ visit: Visit) -> ProfileMergePage.Preview {
            ProfileMergePage.Preview(
                sentences: sentences(preview, visit),
                isPossible: preview.outcome == .merged || preview.outcome == .locked,
                keys: preview.keys.map {
                    .init(keyspace: visit.keyspaceName($0.keyspaceDiscriminator), key: visit.shown(key: $0.key))
                },
                sections: preview.sections.map { section($0, visit) },
                hidden: ["keyspace", "key"].map { .init(name: $0, value: visit.form[$0]) })
        }

        private static func section(_ section: Bodies.MergedSection, _ visit: Visit) -> ProfileMergePage.Section {
            let found = (try? Discriminator<Section>(section.sectionDiscriminator)).flatMap(visit.catalogue.section)
            return ProfileMergePage.Section(
                name: found?.name ?? section.sectionDiscriminator,
                attributes: section.attributes.map {
                    .init(
                        name: $0.name, value: visit.shown(value: $0.value), owner: owner($0.from),
                        hidden: $0.hidden.map { visit.shown(value: $0) })
                }, tags: section.tags.map { "\($0.name), of \(owner($0.from))" })
        }

        private static func sentences(_ preview: Bodies.MergePreview, _ visit: Visit) -> [String] {
            switch preview.outcome {
            case .unchanged: return ["They are one profile already. There is nothing to do."]
            case .locked:
                return [
                    "One of the two is locked. The other would be locked too, for good, and they stay two profiles."
                ]
            case .refused: return ["They cannot be merged.", preview.detail ?? ""]
            case .merged:
                let canonical = preview.profiles.first(where: \.canonical)?.key ?? ""
                let made = preview.profiles.contains { $0.profileID == nil }
                return [
                    "The data of \(visit.shown(key: canonical)) come first: where both profiles have a value, the other's is "
                        + "hidden. Nothing is lost, and the merge can be undone."
                ] + (made ? ["There is no profile with the key yet. An empty one is made."] : [])
            }
        }

        private static func owner(_ owner: Bodies.MergeOwner) -> String {
            switch owner {
            case .canonical: "the canonical profile"
            case .other: "the other profile"
            case .both: "both"
            }
        }
    }
}

/// `/console/profiles/{profile_id}/members/{number}/undo`: undoes the merge of a member. The address has its number, since
/// a key is personal data.
enum MergeUndo {
    static func path(_ id: String, _ number: Int) -> String {
        ConsolePath.profile(id: id) + "/members/\(number)/undo"
    }

    @Sendable static func confirm(_ visit: Visit) async throws -> Response {
        let member = try await Member(visit)
        let name = visit.shown(key: member.key.key)
        let page = ConfirmPage(
            heading: "Undo the merge of \(name)?",
            explanation: [
                "The newest merge by which \(name) became a part of this profile is undone. Each of the two profiles has its "
                    + "events, attributes and tags again, also those that came by its keys since."
            ], consequences: ["You can merge the two again at any time."],
            action: path(member.profile.id, member.number), hidden: [.init(name: "made", value: member.made)],
            button: "Undo the merge", danger: false, cancel: ConsolePath.profile(id: member.profile.id))
        return await visit.page(page, area: .profiles)
    }

    @Sendable static func post(_ visit: Visit) async throws -> Response {
        let member = try await Member(visit)
        // Numbers are those of the page that asked.
        guard visit.form["made"] == member.made else {
            throw Problem(.conflict, "The profile has been changed meanwhile; nothing was done. Look at it again.")
        }
        try await visit.act(
            UnmergeProfile.self, ["keyspace": member.key.keyspaceDiscriminator, "key": member.key.key],
            headers: [.prefer: "handling=restore"])
        return visit.redirect(to: ConsolePath.profile(id: member.profile.id), "The merge is undone.")
    }

    private struct Member {
        let profile: ShownProfile
        let number: Int
        let key: Bodies.ProfileKey
        /// When it was made and joined: another one has other times.
        let made: String

        init(_ visit: Visit) async throws {
            profile = try await ShownProfile(visit)
            guard let number = Int(try visit.path.text("number")), profile.members.indices.contains(number),
                let key = profile.members[number].key, !profile.members[number].canonical
            else { throw Problem(.notFound, "The profile has no such part that could be taken out.") }
            self.number = number
            self.key = key
            made = profile.members[number].createdAt.rfc3339 + " " + (profile.members[number].mergedAt?.rfc3339 ?? "")
        }
    }
}

extension ShownProfile {
    /// Of a profile that was merged from several; none of any other.
    func memberRows(_ visit: Visit) -> [ProfileMemberRow] {
        guard members.count > 1 else { return [] }
        return members.enumerated().map { number, member in
            ProfileMemberRow(
                keyspace: visit.keyspaceName(member.key?.keyspaceDiscriminator),
                key: member.key.map { visit.shown(key: $0.key) } ?? "",
                merged: member.mergedAt.map { Moment($0) },
                undoHref: member.key == nil || member.canonical ? nil : MergeUndo.path(id, number))
        }
    }
}
