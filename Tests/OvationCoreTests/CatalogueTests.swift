import Foundation
import OvationTesting
import Testing

@testable import OvationCore

@Suite("Catalogue")
struct CatalogueTests {
    let catalogue: Catalogue
    private let eventType: Discriminator<EventType>

    init() throws {
        catalogue = try Fixtures.catalogue()
        eventType = try Discriminator(Fixtures.eventType)
    }

    func applying(_ changes: [CatalogueChange], to catalogue: Catalogue? = nil) throws(Problem) -> Catalogue {
        try (catalogue ?? self.catalogue).applying(changes, at: Fixtures.now, by: "test").catalogue
    }

    func version(_ fields: [Field], id: Int64? = nil, isDraft: Bool = false) -> CatalogueChange {
        .version(
            .added(
                catalogue.addingVersion(
                    VersionDefinition(id: id, fields: fields, isDraft: isDraft), to: eventType, at: Fixtures.now)))
    }

    @Test("of a new account has the vendor's keyspaces and section")
    func founding() {
        #expect(
            catalogue.keyspaces.map(\.discriminator.text) == [
                "com.apsis1.keyspaces.email", "com.apsis1.keyspaces.mobile", "com.apsis1.keyspaces.crm-id",
                "com.apsis1.keyspaces.web", "com.apsis1.keyspaces.export",
            ])
        #expect(catalogue.sections[0].discriminator.text == "com.apsis1.sections.default")
    }

    @Test("a new version deprecates the one before and comes first in lists")
    func deprecates() throws {
        let changed = try applying([version([Field(name: "other", type: .string)], id: 7)])
        let found = try #require(changed.eventType(eventType))
        #expect(found.listedVersions.map(\.id) == [7, Fixtures.versionID])
        #expect(found.listedVersions[0].deprecatedAt == nil)
        #expect(found.listedVersions[1].deprecatedAt == Fixtures.now)
        #expect(found.listedVersions[0].schema.fields.map(\.name) == ["other", "source"])
    }

    @Test("a draft is not listed and deprecates nothing until it is published")
    func drafts() throws {
        let drafted = try applying([version([Field(name: "new", type: .string)], id: 7, isDraft: true)])
        #expect(drafted.eventType(eventType)?.listedVersions.map(\.id) == [Fixtures.versionID])
        #expect(drafted.eventType(eventType)?.currentVersion?.id == Fixtures.versionID)
        let between = try applying([version([Field(name: "between", type: .string)], id: 8)], to: drafted)
        let published = try applying([.version(.published(7, at: Fixtures.now))], to: between)
        #expect(published.eventType(eventType)?.listedVersions.map(\.id) == [7, 8, Fixtures.versionID])
        #expect(published.version(8)?.version.id == 8)
        #expect(published.version(7)?.version.state == .published)
        #expect(throws: Problem(.conflict, "")) {
            try applying([.version(.published(7, at: Fixtures.now))], to: published)
        }
        #expect(throws: Problem(.conflict, "")) { try applying([.version(.discarded(7))], to: published) }
    }

    @Test("an account has as many sections, keyspaces, event types and versions as may be, and one more is refused")
    func guards() throws {
        func discriminators<Kind>(_ count: Int, _ prefix: String) throws(Problem) -> [Discriminator<Kind>] {
            var made: [Discriminator<Kind>] = []
            for number in 0..<count { made.append(try Discriminator("com.example.\(prefix).n\(number)")) }
            return made
        }
        let sections = try discriminators(Limits.sectionsMax - catalogue.sections.count + 1, "sections")
            .map { CatalogueChange.section(.created(Section(number: 0, discriminator: $0, name: "s"))) }
        _ = try applying(Array(sections.dropLast()))
        #expect(throws: Problem(.limitExceeded, "")) { try applying(sections) }

        let section = try #require(catalogue.eventType(eventType)).section
        let heads = try discriminators(Limits.eventTypesMax - catalogue.eventTypes.count + 1, "events")
            .map { discriminator in
                CatalogueChange.eventType(
                    .created(
                        EventTypeHead(
                            discriminator: discriminator, section: section, category: .signal, name: "e",
                            description: "",
                            permissions: [:])))
            }
        _ = try applying(Array(heads.dropLast()))
        #expect(throws: Problem(.limitExceeded, "")) { try applying(heads) }

        let versions = (0..<Limits.versionsPerEventTypeMax).map { version([], id: 5_000_000 + Int64($0)) }
        _ = try applying(Array(versions.dropLast()))
        #expect(throws: Problem(.limitExceeded, "")) { try applying(versions) }
    }

    @Test("version ids are unique over the account and not of this world below one")
    func versionIDs() {
        #expect(throws: Problem(.alreadyExists, "")) { try applying([version([], id: Fixtures.versionID)]) }
        #expect(throws: Problem(.invalidVersionID, "")) { try applying([version([], id: 0)]) }
        #expect(catalogue.nextVersionID == Fixtures.versionID + 1)
    }

    @Test("category and section never change")
    func categoryIsFixed() throws {
        var head = try #require(catalogue.eventType(eventType)).head
        head.category = .signal
        #expect(throws: Problem(.conflict, "")) { try applying([.eventType(.changed(head))]) }
    }

    @Test("a removed event type is hidden, keeps its versions, and takes no change")
    func removes() throws {
        let removed = try applying([.eventType(.removed(eventType, at: Fixtures.now))])
        #expect(removed.listedEventTypes(in: try Discriminator(Fixtures.section)).isEmpty)
        #expect(removed.version(Fixtures.versionID) != nil)
        let head = try #require(catalogue.eventType(eventType)).head
        #expect(throws: Problem(.eventTypeNotFound, "")) { try applying([.eventType(.changed(head))], to: removed) }
        #expect(throws: Problem(.alreadyExists, "")) { try applying([.eventType(.created(head))], to: removed) }
    }

    @Test("permissions for a keyspace that does not exist are refused")
    func permissions() throws {
        var head = try #require(catalogue.eventType(eventType)).head
        head.permissions["com.example.keyspaces.none"] = Permission(read: true, write: false)
        #expect(throws: Problem(.validationFailed, "")) { try applying([.eventType(.changed(head))]) }
    }

    @Test("a failing change leaves nothing behind")
    func isAllOrNothing() throws {
        var random = SeededGenerator(seed: 1)
        let section = catalogue.creatingSection(named: "New", discriminator: nil, using: &random)
        #expect(throws: Problem.self) {
            try applying([.section(.created(section)), .version(.discarded(1))])
        }
        #expect(catalogue.section(section.discriminator) == nil)
    }

    @Test("every change keeps its stored form")
    func storedForm() throws {
        let golden: [(CatalogueChange, String)] = [
            (
                .section(.renamed(try Discriminator("a.b.c"), name: "N")),
                #"{"kind":"section.renamed","name":"N","section":"a.b.c"}"#
            ),
            (
                .version(
                    .added(
                        VersionAdded(
                            eventType: try Discriminator("a.b.c"), id: 7,
                            fields: [Field(name: "f", type: .double, required: true)], state: .draft,
                            validFrom: Fixtures.now, deprecatedAt: nil))),
                #"{"kind":"version.added","version":{"eventType":"a.b.c","fields":[{"name":"f","required":true,"#
                    + #""type":"double"}],"id":7,"state":"draft","validFrom":"2026-11-23T12:00:00.000Z"}}"#
            ),
            (
                .version(.republished(7, at: Fixtures.now)),
                #"{"at":"2026-11-23T12:00:00.000Z","kind":"version.republished","version":7}"#
            ),
        ]
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        for (change, text) in golden {
            #expect(String(decoding: try encoder.encode(change), as: UTF8.self) == text)
            #expect(try JSONDecoder().decode(CatalogueChange.self, from: Data(text.utf8)) == change)
        }
        var random = SeededGenerator(seed: 2)
        let plan = try Catalogue(account: Fixtures.account).applying(Catalogue.founding, at: Fixtures.now, by: "s")
            .catalogue.plan(toReach: Fixtures.model(), at: Fixtures.now, using: &random)
        for change in Catalogue.founding + plan.changes {
            #expect(try JSONDecoder().decode(CatalogueChange.self, from: encoder.encode(change)) == change)
        }
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(CatalogueChange.self, from: Data(#"{"kind":"future"}"#.utf8))
        }
    }
}

extension CatalogueTests {
    @Test("a version that comes deprecated takes its place in history, and deprecates nothing")
    func historicVersion() throws {
        let old = VersionAdded(
            eventType: try Discriminator(Fixtures.eventType), id: 5, fields: [], state: .published,
            validFrom: Timestamp(rfc3339: "2019-01-01T00:00:00Z")!,
            deprecatedAt: Timestamp(rfc3339: "2021-01-07T12:17:56.054Z"))
        let changed = try applying([.version(.added(old))])
        let found = try #require(changed.eventType(Discriminator(Fixtures.eventType)))
        #expect(found.listedVersions.map(\.id) == [Fixtures.versionID, 5])
        #expect(found.currentVersion?.id == Fixtures.versionID)
        #expect(changed.version(5)?.version.id == 5)
    }

    @Test("notes that an older version wrote to the log leave the definitions' own number alone")
    func definitionSequence() throws {
        let (_, entries) = try Catalogue(account: Fixtures.account).applying(
            Catalogue.founding, at: Fixtures.now, by: "server")
        let noted = try Catalogue(account: Fixtures.account, definitions: entries, lastSequence: 9)
        #expect((noted.sequence, noted.definitionSequence) == (9, 6))
        let change = CatalogueChange.section(.renamed(noted.sections[0].discriminator, name: "N"))
        let (changed, more) = try noted.applying([change], at: Fixtures.now, by: "me")
        #expect(more.map(\.sequence) == [10] && (changed.sequence, changed.definitionSequence) == (10, 10))
    }

    @Test("sections and keyspaces are found by the numbers that rows have")
    func numbers() throws {
        for section in catalogue.sections { #expect(catalogue.section(number: section.number) == section) }
        for keyspace in catalogue.keyspaces { #expect(catalogue.keyspace(number: keyspace.number) == keyspace) }
        #expect(catalogue.keyspaces.count == 5 && catalogue.sections.count == 2)
        #expect(catalogue.section(number: 99) == nil && catalogue.keyspace(number: 0) == nil)
    }

    @Test("a change says what it is about, for the log of the server")
    func subjects() throws {
        let section: Discriminator<Section> = try Discriminator("a.b")
        let eventType: Discriminator<EventType> = try Discriminator(Fixtures.eventType)
        let subjects: [(CatalogueChange, String)] = [
            (.section(.renamed(section, name: "N")), "a.b"),
            (.keyspace(.changed(try Discriminator("c.d"), name: "N", managesSubscriptions: true, mapping: nil)), "c.d"),
            (.eventType(.removed(eventType, at: Fixtures.now)), Fixtures.eventType),
            (.version(.discarded(7)), "7"), (.version(.deprecated(8, at: Fixtures.now)), "8"),
        ]
        for (change, subject) in subjects { #expect(change.subject == subject) }
    }

    @Test("the highest version id can be given by hand, and the next one is found below it")
    func highestVersionID() throws {
        let changed = try applying([version([], id: Limits.versionIDMax)])
        #expect(changed.nextVersionID == 1_000_001)
        #expect(throws: Problem(.invalidVersionID, "")) { try applying([version([], id: Limits.versionIDMax + 1)]) }
    }
}

extension CatalogueTests {
    private func republished(_ id: EventVersion.ID, in catalogue: Catalogue) throws(Problem) -> Catalogue {
        let type = catalogue.version(id)!.eventType.discriminator
        return try applying([catalogue.publishing(id, of: type, at: Fixtures.now)], to: catalogue)
    }

    @Test("a deprecated version that is published again is what it was: same fields, same id, same beginning")
    func undoesDeprecation() throws {
        let type = try Discriminator<EventType>(Fixtures.eventType)
        let before = try #require(catalogue.eventType(type))
        let deprecated = try applying([.version(.deprecated(Fixtures.versionID, at: Fixtures.now))])
        #expect(deprecated.eventType(type)?.currentVersion == nil)
        let after = try republished(Fixtures.versionID, in: deprecated)
        #expect(after.eventType(type) == before)
        #expect(after.version(Fixtures.versionID)?.version == before.versions[0])
    }

    @Test("of two versions the older can be current again: it deprecates the other, and both can be turned round again")
    func turnsRound() throws {
        let type = try Discriminator<EventType>(Fixtures.eventType)
        let two = try applying([version([Field(name: "other", type: .string)], id: 7)])
        let old = try republished(Fixtures.versionID, in: two)
        #expect(old.eventType(type)?.currentVersion?.id == Fixtures.versionID)
        #expect(old.eventType(type)?.listedVersions.map(\.id) == [Fixtures.versionID, 7])
        #expect(old.version(7)?.version.deprecatedAt == Fixtures.now)
        let again = try republished(7, in: old)
        #expect(again.eventType(type)?.listedVersions.map(\.id) == [7, Fixtures.versionID])
        #expect(again.eventType(type)?.versions.count { $0.deprecatedAt == nil } == 1)
        // The model of what came out makes the same in another account.
        var random = SeededGenerator(seed: 3)
        let empty = try Catalogue(account: Fixtures.account).applying(
            Catalogue.founding, at: Fixtures.now, by: "s"
        ).catalogue
        for catalogue in [old, again] {
            let plan = try empty.plan(toReach: catalogue.model, at: Fixtures.now, using: &random)
            let copy = try empty.applying(plan.changes, at: Fixtures.now, by: "s").catalogue
            #expect(copy.eventType(type)?.listedVersions == catalogue.eventType(type)?.listedVersions)
            #expect(copy.eventType(type)?.currentVersion == catalogue.eventType(type)?.currentVersion)
        }
        // History that is added later does not come before the current version.
        let history = VersionAdded(
            eventType: type, id: 5, fields: [], state: .published, validFrom: Fixtures.now, deprecatedAt: Fixtures.now)
        let late = try applying([.version(.added(history))], to: old)
        #expect(late.eventType(type)?.listedVersions.first?.id == Fixtures.versionID)
        #expect(late.eventType(type)?.listedVersions.count == 3)
    }

    @Test("what is current, was discarded, was never there or is of a removed event type is not published again")
    func refusesRepublication() throws {
        let current = Fixtures.versionID
        #expect(throws: Problem(.conflict, "")) {
            try applying([.version(.republished(current, at: Fixtures.now))])
        }
        let drafted = try applying([version([Field(name: "new", type: .string)], id: 7, isDraft: true)])
        #expect(throws: Problem(.conflict, "")) {
            try applying([.version(.republished(7, at: Fixtures.now))], to: drafted)
        }
        let discarded = try applying([.version(.discarded(7))], to: drafted)
        for change in [
            CatalogueChange.version(.republished(7, at: Fixtures.now)), .version(.published(7, at: Fixtures.now)),
        ] {
            #expect(throws: Problem(.conflict, "")) { try applying([change], to: discarded) }
        }
        #expect(throws: Problem(.versionNotFound, "")) {
            try applying([.version(.republished(999, at: Fixtures.now))])
        }
        let deprecated = try applying([.version(.deprecated(current, at: Fixtures.now))])
        let future = Fixtures.now.advanced(by: .seconds(1))
        #expect(throws: Problem(.conflict, "")) {
            try applying([.version(.republished(current, at: future))], to: deprecated)
        }
        let removed = try applying(
            [.eventType(.removed(try Discriminator(Fixtures.eventType), at: Fixtures.now))], to: deprecated)
        #expect(throws: Problem(.eventTypeNotFound, "")) {
            try applying([.version(.republished(current, at: Fixtures.now))], to: removed)
        }
    }
}
