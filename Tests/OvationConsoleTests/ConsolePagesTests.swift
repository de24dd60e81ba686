import Foundation
import Testing

@testable import OvationConsole

@Suite("Pages as HTML")
struct ConsolePagesTests {
    /// Ends a tag, an attribute, a text area and a template; and a quote that swift-mustache alone lets through, since
    /// with the accent after it the two are one character.
    private static let hostile =
        "</textarea><script>window.x=1</script>\"' onload=\"x\"\u{301} {{name}} {{{name}}} & <b>"

    private static let layout = Layout(
        csrf: hostile, keyName: hostile, clientID: hostile, area: .overview,
        sections: [
            .init(name: hostile, discriminator: hostile, href: hostile, selected: true),
            .init(name: hostile, discriminator: hostile, href: hostile),
        ], eventTypesHref: hostile,
        flash: .init(.error, hostile), masked: false, path: hostile, openRejections: 3, serverVersion: hostile)

    private static let moment = Moment(iso: "2026-11-23T12:00:00.000Z")
    private static let named = Named(name: hostile, discriminator: hostile)
    private static let choices = [Choice(value: hostile, label: hostile, hint: hostile, selected: true)]
    private static let access = [KeyspaceAccess(name: hostile, discriminator: hostile, read: true, write: true)]

    private static let cause = CauseText(
        code: hostile, outerCode: hostile, pointer: hostile, eventType: hostile, section: hostile, client: hostile)
    private static let causeRow = RejectionCausesPage.Row(
        cause: cause, rejections: 1, events: 1, first: moment, last: moment, href: hostile)
    private static let filter = RejectionFilterForm(
        views: [Link(text: hostile, href: hostile, selected: true)], isList: true, sections: choices, codes: choices,
        itemCodes: choices, eventTypes: choices, state: hostile, query: hostile, isFiltered: true, clearHref: hostile)
    private static let rights = KeyRights(role: hostile, sections: [hostile], keyspaces: access)

    private static let held = ProfileHeld(
        attributes: [.init(name: hostile, discriminator: hostile, value: hostile, set: moment, setBy: hostile)],
        editHref: hostile,
        tags: [
            .init(name: hostile, discriminator: hostile, isSet: true),
            .init(name: hostile, discriminator: hostile, isSet: false),
        ], tagAction: hostile, changesHref: hostile, consents: [consent], consentsHref: hostile)
    private static let consent = ProfileConsent(
        topic: hostile, channel: hostile, type: hostile, isAllowed: true, set: moment, setBy: hostile, source: hostile,
        reason: hostile)

    private static let member = ReferencePage.Member(
        name: hostile, kind: .init(text: hostile, body: hostile), place: hostile, isRequired: true, description: hostile
    )

    private static let window = ListWindow(
        text: hostile, total: 1, shown: 0..<1, nextHref: hostile, firstHref: hostile, query: hostile)
    private static let change = ProfileChangesPage.Change(
        at: moment, by: hostile, heading: hostile, fields: [.init(name: hostile, from: hostile, to: hostile)])

    private static let pages: [any ConsolePage] = [
        ProfileAttributesPage(
            who: hostile, sectionName: hostile,
            fields: [
                .init(
                    discriminator: hostile, name: hostile, hint: hostile, value: hostile, stored: hostile, isFixed: true
                )
            ], action: hostile, back: hostile, isValid: true, isMasked: false,
            errors: [FormError(control: ProfileAttributesPage.control(hostile), message: hostile)]),
        ProfileChangesPage(
            who: hostile, sectionName: hostile,
            changes: [change], olderHref: hostile, isLaterPage: true, newestHref: hostile, back: hostile),
        ProfileConsentsPage(
            who: hostile, sectionName: hostile, channels: [hostile, hostile],
            rows: [.init(topic: hostile, cells: [.init(consent), .init(nil, isImpossible: true)])],
            topicChoices: choices, channelChoices: choices, typeChoices: choices, reason: hostile, action: hostile,
            back: hostile, suppressions: [.init(address: hostile, channel: hostile, reason: hostile)],
            isUnmanaged: false,
            changes: [
                .init(
                    at: moment, by: hostile, topic: hostile, channel: hostile, from: hostile, to: hostile,
                    source: hostile, reason: hostile)
            ], olderHref: hostile, isLaterPage: true,
            errors: [FormError(control: "topic", message: hostile), FormError(control: "reason", message: hostile)]),
        SignInPage(clientID: hostile, next: hostile, error: hostile),
        ProblemPage(status: 404, heading: hostile, detail: hostile, requestID: hostile, advice: [hostile]),
        ProofPage(
            clientID: hostile, action: hostile, hidden: [.init(name: hostile, value: hostile)], cancel: hostile,
            error: hostile),
        ConfirmPage(
            heading: hostile, explanation: [hostile], consequences: [hostile], action: hostile,
            hidden: [.init(name: hostile, value: hostile)], button: hostile, cancel: hostile, back: choices[0]),
        ProfilesPage(
            key: hostile, keyspaces: choices,
            matches: [
                .init(
                    key: hostile, keyspace: hostile, isExact: true,
                    foundBy: .init(name: hostile, isAttribute: true, value: hostile, isHidden: true), href: hostile)
            ], isIncomplete: true,
            error: hostile),
        ProfilePage(
            id: hostile, name: hostile, keys: [.init(keyspace: hostile, key: hostile)], created: moment,
            members: [
                .init(keyspace: hostile, key: hostile, merged: nil, undoHref: nil),
                .init(keyspace: hostile, key: hostile, merged: moment, undoHref: hostile),
                .init(keyspace: "", key: "", merged: moment, undoHref: nil),
            ], mergeHref: hostile, held: held,
            sections: [Link(text: hostile, href: hostile, selected: true)], section: hostile, summaryHref: hostile,
            types: choices, from: hostile, to: hostile,
            items: [
                .init(
                    ProfilePage.Event(
                        id: hostile, eventType: hostile, eventTypeHref: hostile, versionID: hostile, time: moment,
                        received: moment, values: [.init(field: hostile, type: hostile, value: hostile)],
                        json: hostile, deleteHref: hostile)),
                .init(ProfilePage.Change(id: hostile, change)),
            ], olderHref: hostile, isLaterPage: true, clearHref: hostile,
            errors: [FormError(control: "from", message: hostile)]),
        ProfileMergePage(
            who: hostile, action: hostile, back: hostile, keyspaces: choices, key: hostile,
            errors: [FormError(control: "key", message: hostile)]),
        ProfileMergePage(
            who: hostile, action: hostile, back: hostile, keyspaces: choices, key: hostile,
            preview: .init(
                sentences: [hostile], isPossible: true, keys: [.init(keyspace: hostile, key: hostile)],
                sections: [
                    .init(
                        name: hostile,
                        attributes: [
                            .init(name: hostile, value: hostile, owner: hostile, hidden: hostile),
                            .init(name: hostile, value: hostile, owner: hostile, hidden: nil),
                        ], tags: [hostile])
                ], hidden: [.init(name: hostile, value: hostile)])),
        RejectionPage(
            id: hostile, at: moment, section: named, keyspace: named, profileKey: hostile, client: hostile,
            clientID: hostile, requestID: hostile, events: 1, code: hostile, detail: hostile,
            errors: [BodyError(pointer: hostile, code: hostile, detail: hostile)], body: hostile,
            check: RejectionCheck(isOK: false, message: hostile, errors: []),
            replayed: .init(
                at: moment, profileHref: hostile,
                events: [.init(id: hostile, eventType: hostile, at: moment, href: hostile)], count: 2, json: hostile)),
        RejectionsPage(
            isOn: true, retention: hostile, filter: filter,
            rows: [
                .init(
                    id: hostile, at: moment, isReplayed: false, keyspace: hostile, key: hostile, code: hostile,
                    place: hostile, errors: 3, events: 1, client: hostile, href: hostile)
            ], olderHref: hostile),
        RejectionCausesPage(
            isOn: true, retention: hostile, filter: filter, rows: [causeRow], rejections: 1, omitted: 1),
        RejectionCausePage(
            summary: causeRow,
            rows: [
                .init(
                    at: moment, href: hostile, keyspace: hostile, key: hostile, place: hostile, events: 1, errors: 1)
            ], olderHref: hostile),
        CauseActPage(
            cause: cause, isDismissal: false, phase: .running, causeHref: hostile, action: hostile, through: hostile,
            after: hostile, report: hostile, passed: 1, events: 1, failed: 1, closed: 1, total: 5,
            failures: [.init(cause: cause, count: 1, href: hostile)], failuresOmitted: 1),
        CauseActPage(
            cause: cause, isDismissal: true, phase: .preview, causeHref: hostile, action: hostile, through: hostile,
            after: hostile, report: hostile, passed: 1, events: 1, failed: 1, closed: 1, total: 5,
            failures: [.init(cause: cause, count: 1, href: hostile)], failuresOmitted: 1),
        KeyFormPage(
            name: hostile, sections: choices,
            keyspaces: [.init(name: hostile, discriminator: hostile, access: "read")],
            errors: [FormError(control: "name", message: hostile)]),
        SecretPage(
            isNew: true, name: hostile, clientID: hostile, rights: rights, secret: hostile, command: hostile),
        RotateKeyPage(name: hostile, clientID: hostile, rights: rights, seen: hostile),
        KeysPage(rows: [
            .init(
                name: hostile, clientID: hostile, rights: rights, created: moment, lastUsed: moment,
                previousSecretUntil: moment, revoked: nil)
        ]),
        EventTypeFormPage(
            section: named, editing: .init(discriminator: hostile, seen: hostile), suffix: hostile,
            originalName: hostile, name: hostile, category: "signal", summary: hostile,
            fields: [.init(name: hostile)], keyspaces: access,
            errors: [FormError(control: "field_name_0", message: hostile)],
            conflict: .init(who: hostile, at: moment, what: [hostile]),
            preview: EventTypePreview(
                discriminator: hostile, json: hostile, command: hostile,
                plan: .init(changes: [hostile], warnings: [hostile], makesVersion: true), problems: [hostile])),
        ReferencePage(
            version: hostile, token: hostile,
            parts: [
                .init(
                    id: hostile, name: hostile, description: hostile,
                    endpoints: [
                        .init(
                            id: hostile, method: hostile, path: hostile, summary: hostile, description: hostile,
                            access: hostile, parameters: [member], bodyDescription: hostile, bodyKinds: [member.kind],
                            answers: [.init(status: hostile, description: hostile, kinds: [member.kind])],
                            samples: [.init(language: hostile, code: hostile)], tryHref: hostile)
                    ])
            ], bodies: [.init(name: hostile, description: hostile, kind: member.kind, members: [member])],
            errors: [
                .init(
                    id: hostile, name: hostile,
                    rows: [.init(code: hostile, status: hostile, meaning: hostile, advice: hostile)])
            ]),
        TryPage(
            operation: hostile, summary: hostile, description: hostile, method: hostile, path: hostile,
            fields: [
                .init(
                    id: "a", name: hostile, place: hostile, hint: hostile, value: hostile, isRequired: true),
                .init(
                    id: "b", name: hostile, place: hostile, hint: hostile, value: hostile, isRequired: false,
                    isRepeatable: true),
                .init(
                    id: "c", name: hostile, place: hostile, hint: hostile, value: hostile, isRequired: false,
                    choices: choices),
            ], body: .init(description: hostile, type: hostile, value: hostile),
            answer: .init(status: hostile, isRefusal: true, headers: hostile, body: hostile, cutAfter: 1), asks: true,
            errors: [.init(control: "a", message: hostile)]),
        SectionsPage(rows: [.init(name: hostile, discriminator: hostile, eventTypes: 1)], newName: hostile),
        ChannelsPage(
            rows: [
                .init(name: hostile, discriminator: hostile, keyspace: named, staysBecause: hostile, typed: hostile),
                .init(name: hostile, discriminator: hostile, keyspace: named, staysBecause: nil),
            ], newName: hostile, keyspaces: choices,
            errors: [.init(control: "name", message: hostile), .init(control: "keyspace", message: hostile)]),
        SuppressionsPage(
            channel: hostile, action: hostile,
            rows: [.init(hash: hostile, since: moment, by: hostile, source: hostile, reason: hostile)],
            nextHref: hostile, isLaterPage: true, address: hostile, reason: hostile,
            found: .init(
                isSuppressed: true,
                changes: [.init(at: moment, by: hostile, isSuppressed: false, source: hostile, reason: hostile)]),
            errors: ["address", "reason"].map { .init(control: $0, message: hostile) }),
        SuppressionsPage(channel: hostile, action: hostile, rows: [], nextHref: nil, isLaterPage: false),
        FoldersPage(
            section: named,
            rows: [
                .init(name: hostile, discriminator: hostile, topics: 0, typed: hostile),
                .init(name: hostile, discriminator: hostile, topics: 1),
            ], window: window, newName: hostile, errors: [.init(control: "name", message: hostile)]),
        TopicsPage(
            section: named,
            rows: [
                .init(
                    name: hostile, discriminator: hostile, folder: hostile, channel: hostile,
                    consents: [.init(channel: hostile, optIns: 1, pending: 2, optOuts: 3)], typed: hostile)
            ],
            window: window, newName: hostile, folders: choices, channels: choices,
            errors: ["name", "folder", "channel"].map { .init(control: $0, message: hostile) }),
        TopicMovePage(section: named, topic: named, folders: choices),
        HistoryPage(
            entries: [
                HistoryEntry(number: 1, at: moment, actor: hostile, clientID: hostile, kind: hostile, words: hostile)
            ], olderHref: hostile, isNewest: true),
    ]

    private static let job = ShownJob(
        id: hostile, kind: hostile, section: hostile, by: hostile, at: moment, state: .inProgress, percent: 40,
        rows: .init(new: 1, updated: 2, notChanged: 3, refused: 40))

    private static let jobPages: [any ConsolePage] = [
        JobsPage(rows: [job], exportsHref: hostile, olderHref: hostile, href: hostile),
        JobPage(
            job: job, ended: moment, failure: hostile, refused: [.init(line: 2, column: hostile, reason: hostile)],
            reportHref: hostile, fileHref: hostile, cancelHref: hostile),
        ExportsPage(
            section: named, others: [.init(name: hostile, href: hostile)], formats: choices, eventTypes: choices,
            isMasked: false),
        ImportFilePage(
            sections: choices, sample: hostile, sizeMax: hostile, isMasked: false,
            errors: [FormError(control: "sample", message: hostile)]),
        ImportColumnsPage(
            section: named, sample: hostile,
            columns: [
                .init(index: 0, name: hostile, values: [hostile], groups: [.init(name: hostile, choices: choices)])
            ], omitted: 3, hasMoreMeanings: true, addresses: choices, options: choices,
            preview: .init(rows: [.init(line: 2, key: hostile, outcome: .refused, reason: hostile)]),
            errors: [FormError(control: "meaning_0", message: hostile)]),
        ImportUploadPage(action: hostile, uploadKey: hostile, jobHref: hostile, isCheckOnly: true, until: moment),
    ]

    private static let all = pages + jobPages

    @Test("no text from outside becomes markup, whatever it is and wherever it stands", arguments: 0..<all.count)
    func escapes(index: Int) throws {
        let pages = try ConsolePages()
        let page = Self.all[index]
        for html in [pages.render(page, in: Self.layout), pages.renderBare(page, csrf: Self.hostile)] {
            #expect(!html.contains("<script>window"), "\(type(of: page))")
            // Seen as bytes: to Swift, a quote with an accent is another character than a quote.
            let bytes = Array(html.utf8)
            #expect(!bytes.contains(Array("onload=\"x\"".utf8)), "\(type(of: page)): a quote stayed a quote")
            #expect(!html.contains("<b>"), "\(type(of: page))")
            #expect(html.contains("&lt;script&gt;"), "\(type(of: page)): the text is there")
        }
    }

    @Test("every template in the folder is registered, and every page finds its own")
    func templates() throws {
        let folder =
            URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().path + "/Sources/OvationConsole/Resources"
        let files = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".mustache") }
        #expect(Set(files.map { String($0.dropLast(9)) }) == Set(Templates.all.map(\.name)))
        _ = try ConsolePages()
    }

    @Test("nothing on a page needs more than the policy allows, and it is small")
    func policy() throws {
        let pages = try ConsolePages()
        for (name, bytes) in Templates.all {
            let text = String(decoding: bytes, as: UTF8.self)
            for word in [" style=", "<style", " onclick=", " onload=", "javascript:", "http://", "https://"] {
                #expect(!text.contains(word), "\(name): \(word)")
            }
        }
        var total = 0
        for name in ["console.css", "console.js", "icon.svg"] {
            total += try #require(pages.asset(named: name)).bytes.count
        }
        #expect(total < 50_000, "with a page they stay under 100 kB")
        #expect(pages.asset(named: "../console.css") == nil)
    }

    @Test("only pages that ask say that they asked")
    func confirmed() {
        let asking = Templates.all.filter { String(decoding: $0.bytes, as: UTF8.self).contains("name=\"confirmed\"") }
        #expect(asking.map(\.name).sorted() == ["confirm", "key_rotate", "profile_merge"])
    }

    @Test("what an API key may do is said in whole sentences")
    func rights() {
        let email = KeyspaceAccess(name: "Email", discriminator: "e", read: true, write: true)
        let mobile = KeyspaceAccess(name: "Mobile", discriminator: "m", read: true, write: false)
        func words(_ sections: [String]?, _ keyspaces: [KeyspaceAccess]?) -> [String] {
            KeyRights(role: "integration", sections: sections, keyspaces: keyspaces).sentences
        }
        #expect(
            words(nil, nil) == [
                "All sections, now and later.", "Reads and writes through all keyspaces, now and later.",
            ])
        #expect(
            words(["Shop"], [email, mobile])
                == ["Only the section Shop.", "Reads and writes through Email.", "Only reads through Mobile."])
        #expect(words(["A", "B"], [mobile]) == ["Only the sections A, B.", "Only reads through Mobile."])
        #expect(words([], []) == ["No section.", "Reads and writes through no keyspace."])
        #expect(
            KeyRights(role: "admin", sections: nil, keyspaces: nil).sentences
                == ["May do everything in the account: definitions, API keys, all profiles and their events."])
    }
}
