import Foundation
import OvationTesting
import Testing

@testable import OvationCore

@Suite("Attributes and tags")
struct AttributesAndTagsTests {
    let catalogue: Catalogue
    private let section: Discriminator<Section>
    private let other: Discriminator<Section>
    private let email: SectionKey<Attribute>

    init() throws {
        catalogue = try Fixtures.catalogue()
        section = try Discriminator(Fixtures.section)
        other = catalogue.sections[0].discriminator
        email = SectionKey(try Discriminator("com.apsis1.attributes.email"), in: section)
    }

    private func applying(_ changes: CatalogueChange..., to catalogue: Catalogue? = nil) throws(Problem) -> Catalogue {
        try (catalogue ?? self.catalogue).applying(changes, at: Fixtures.now, by: "test").catalogue
    }

    private func cake(
        in section: Discriminator<Section>? = nil, _ discriminator: String = "com.example.attributes.cake",
        id: VersionID? = nil, permissions: [String: Permission] = [:], of catalogue: Catalogue? = nil
    ) throws -> AttributeChange {
        var random = SeededGenerator(seed: 1)
        return (catalogue ?? self.catalogue).creatingAttribute(
            AttributeDefinition(
                section: section ?? self.section, discriminator: try Discriminator(discriminator), name: "Cake",
                description: "", permissions: permissions),
            AttributeVersionDefinition(id: id, content: try AttributeContent(type: .string)), at: Fixtures.now,
            using: &random)
    }

    private func vip(
        in section: Discriminator<Section>? = nil, _ discriminator: String = "com.example.tags.vip",
        id: VersionID? = nil, of catalogue: Catalogue? = nil
    ) throws -> TagChange {
        var random = SeededGenerator(seed: 1)
        return (catalogue ?? self.catalogue).creatingTag(
            TagDefinition(
                section: section ?? self.section, discriminator: try Discriminator(discriminator), name: "VIP", id: id),
            at: Fixtures.now, using: &random)
    }

    private func version(
        _ type: FieldType, id: VersionID, isDraft: Bool = false, of attribute: SectionKey<Attribute>
    ) throws -> CatalogueChange {
        .attributeVersion(
            .added(
                catalogue.addingVersion(
                    AttributeVersionDefinition(id: id, content: try AttributeContent(type: type), isDraft: isDraft),
                    to: attribute, at: Fixtures.now)))
    }

    @Test("each section has the default attributes, under numbers and ids of their own")
    func defaults() throws {
        for section in catalogue.sections {
            let listed = catalogue.listedAttributes(in: section.discriminator)
            #expect(listed.map(\.discriminator) == BuiltIn.attributes.map(\.discriminator))
            for attribute in listed { #expect(catalogue.attribute(number: attribute.number) == attribute) }
        }
        let ids = catalogue.attributes.flatMap { $0.versions.map(\.id) }
        #expect(Set(ids).count == 12 && ids.allSatisfy { $0 > Limits.versionIDMax })
        #expect(catalogue.nextVersionID == Fixtures.versionID + 1)
    }

    @Test("a default attribute takes other words and a version with an id of the admin's choice, and stays for good")
    func changesDefaults() throws {
        var head = try #require(catalogue.attribute(email.discriminator, in: section)).head
        head.name = "E-post"
        let changed = try applying(.attribute(.changed(head)), version(.string, id: 9_820_534, of: email))
        let found = try #require(changed.attribute(email.discriminator, in: section))
        #expect(found.name == "E-post" && found.listedVersions.map(\.id).first == 9_820_534)
        #expect(found.listedVersions.count == 2 && found.listedVersions[1].deprecatedAt == Fixtures.now)
        #expect(changed.attribute(email.discriminator, in: other)?.name == "Email")
        #expect(throws: Problem(.conflict, "")) {
            try applying(.attribute(.removed(email.discriminator, in: section, at: Fixtures.now)))
        }
    }

    @Test("a new attribute has the next free number, also after one was removed")
    func numbers() throws {
        let one = try applying(.attribute(cake()))
        let first = try #require(one.attributes.last)
        #expect(first.number == 10_000 && !first.isBuiltIn)
        let removed = try applying(.attribute(.removed(first.discriminator, in: section, at: Fixtures.now)), to: one)
        #expect(removed.listedAttributes(in: section).count == 6)
        let two = try applying(.attribute(cake("com.example.attributes.tea", of: removed)), to: removed)
        #expect(two.attributes.last?.number == 10_001)
        #expect(throws: Problem(.alreadyExists, "")) { try applying(.attribute(cake(of: removed)), to: removed) }
        guard case .created(let head, _, let version) = try cake("com.example.attributes.rum", id: 5) else { return }
        for taken in [first.number, 9_999] {
            #expect(throws: Problem(.conflict, "")) {
                try applying(.attribute(.created(head, number: taken, version)), to: one)
            }
        }
    }

    @Test("what was made by an admin has a discriminator that no other section has")
    func discriminators() throws {
        let catalogue = try applying(.attribute(cake()), .tag(vip(id: 3)))
        for place in [section, other] {
            #expect(throws: Problem(.alreadyExists, "")) {
                try applying(.attribute(cake(in: place, of: catalogue)), to: catalogue)
            }
            #expect(throws: Problem(.alreadyExists, "")) {
                try applying(.tag(vip(in: place, of: catalogue)), to: catalogue)
            }
        }
        #expect(throws: Problem(.alreadyExists, "")) {
            try applying(.attribute(cake("com.apsis1.attributes.email")))
        }
    }

    @Test("ids are unique over event types, attributes and tags")
    func ids() throws {
        let catalogue = try applying(.attribute(cake(id: 3)), .tag(vip(id: 4)))
        #expect(catalogue.attributeVersion(3)?.attribute.discriminator.text == "com.example.attributes.cake")
        #expect(catalogue.tag(version: 4)?.discriminator.text == "com.example.tags.vip")
        for id in [3, 4, Fixtures.versionID] {
            for change in try [
                CatalogueChange.attribute(cake("a.b", id: id, of: catalogue)), .tag(vip("a.b", id: id, of: catalogue)),
                version(.string, id: id, of: email),
            ] {
                #expect(throws: Problem(.alreadyExists, "")) { try applying(change, to: catalogue) }
            }
        }
        #expect(throws: Problem(.invalidVersionID, "")) { try applying(.tag(vip(id: Limits.versionIDMax + 1))) }
        let highest = try applying(.tag(vip(id: 4_000_000)))
        #expect(highest.nextVersionID == 4_000_001)
    }

    @Test("versions of an attribute take over from each other as those of an event type, and may differ in type")
    func versions() throws {
        let created = try applying(.attribute(cake(id: 3)))
        let key = try cake().attribute
        let drafted = try applying(version(.integer, id: 5, isDraft: true, of: key), to: created)
        #expect(drafted.attribute(key.discriminator, in: section)?.currentVersion?.id == 3)
        #expect(drafted.published.attributeVersion(5) == nil && drafted.hasUnpublished(in: section))
        let published = try applying(drafted.publishing(5, of: key, at: Fixtures.now), to: drafted)
        #expect(published.attribute(key.discriminator, in: section)?.listedVersions.map(\.id) == [5, 3])
        #expect(published.attributeVersion(5)?.version.content.type == .integer)
        let back = try applying(published.publishing(3, of: key, at: Fixtures.now), to: published)
        #expect(back.attribute(key.discriminator, in: section)?.currentVersion?.id == 3)
        let none = try applying(.attributeVersion(.deprecated(3, at: Fixtures.now)), to: back)
        #expect(none.attribute(key.discriminator, in: section)?.currentVersion == nil)
        #expect(throws: Problem(.conflict, "")) { try applying(.attributeVersion(.discarded(3)), to: none) }
        let many = (0..<Limits.versionsPerAttributeMax).map { number in
            Result { try version(.string, id: 7_000_000 + Int64(number), of: key) }
        }
        let changes = try many.map { try $0.get() }
        _ = try created.applying(Array(changes.dropLast()), at: Fixtures.now, by: "test")
        #expect(throws: Problem(.limitExceeded, "")) {
            try created.applying(changes, at: Fixtures.now, by: "test")
        }
    }

    @Test("nothing begins in the future")
    func future() throws {
        let future = Fixtures.now.advanced(by: .seconds(1))
        guard case .created(let head, let number, var version) = try cake(),
            case .created(let tag, let tagNumber, let id, _) = try vip()
        else { return }
        version.validFrom = future
        for change in [
            CatalogueChange.attribute(.created(head, number: number, version)),
            .tag(.created(tag, number: tagNumber, id: id, validFrom: future)),
        ] {
            #expect(throws: Problem(.conflict, "")) { try applying(change) }
        }
        version.attribute = email.discriminator
        #expect(throws: Problem(.conflict, "")) { try applying(.attributeVersion(.added(version))) }
    }

    @Test("keyspaces may read and write unless an entry says otherwise, and only such entries are kept")
    func permissions() throws {
        let readOnly = Permission(read: true, write: false)
        let permissions = [Fixtures.emailKeyspace: readOnly, "com.apsis1.keyspaces.web": .all]
        guard case .created(let made, let number, let version) = try cake(permissions: permissions) else { return }
        #expect(made.permissions == [Fixtures.emailKeyspace: readOnly])
        var head = made
        head.permissions = permissions.merging(["com.apsis1.keyspaces.mobile": .none]) { $1 }
        let created = try applying(.attribute(.created(head, number: number, version)))
        let found = try #require(created.attribute(head.discriminator, in: section))
        #expect(found.permission(in: try Discriminator(Fixtures.emailKeyspace)) == readOnly)
        #expect(found.permission(in: try Discriminator("com.apsis1.keyspaces.mobile")) == .none)
        #expect(found.permission(in: try Discriminator("com.apsis1.keyspaces.export")) == .all)
        #expect(found.permissions.count == 2)
        head.permissions = ["com.example.keyspaces.none": readOnly]
        #expect(throws: Problem(.validationFailed, "")) { try applying(.attribute(.changed(head)), to: created) }
    }

    @Test("a tag can be hidden and removed, and a removed one takes no change")
    func tags() throws {
        let created = try applying(.tag(vip(id: 4)))
        let key = try vip().tag
        var head = try #require(created.tag(key.discriminator, in: section)).head
        #expect(created.tag(number: 1)?.head == head)
        (head.isHidden, head.name) = (true, "Gold")
        let hidden = try applying(.tag(.changed(head)), to: created)
        #expect(hidden.tag(version: 4)?.isHidden == true && hidden.listedTags(in: section).map(\.name) == ["Gold"])
        let removed = try applying(.tag(.removed(key.discriminator, in: section, at: Fixtures.now)), to: hidden)
        #expect(removed.listedTags(in: section).isEmpty && removed.tag(version: 4)?.removedAt == Fixtures.now)
        for change in [TagChange.changed(head), .removed(key.discriminator, in: section, at: Fixtures.now)] {
            #expect(throws: Problem(.tagNotFound, "")) { try applying(.tag(change), to: removed) }
        }
        guard case .created(let second, _, let id, let from) = try vip("com.example.tags.b", of: created) else {
            return
        }
        #expect(throws: Problem(.conflict, "")) {
            try applying(.tag(.created(second, number: 1, id: id, validFrom: from)), to: created)
        }
    }

    @Test(
        "a keyspace of an admin can be mapped to an attribute that is there, and those of the account are not changed")
    func mapping() throws {
        var random = SeededGenerator(seed: 1)
        let cake = try cake().attribute.discriminator
        let card = catalogue.creatingKeyspace(
            named: "Card", discriminator: nil, managesSubscriptions: false, keyFormat: .text, mapping: cake,
            using: &random)
        #expect(throws: Problem(.validationFailed, "")) { try applying(.keyspace(.created(card))) }
        let mapped = try applying(.attribute(self.cake()), .keyspace(.created(card)))
        let found = try #require(mapped.keyspace(card.discriminator))
        #expect(mapped.mappedAttribute(of: found, in: section)?.discriminator == cake)
        #expect(mapped.mappedAttribute(of: found, in: other) == nil)
        #expect(mapped.keyspaces(mappedTo: cake) == [found])
        let removed = try applying(.attribute(.removed(cake, in: section, at: Fixtures.now)), to: mapped)
        #expect(removed.mappedAttribute(of: found, in: section) == nil)
        func changed(_ keyspace: Keyspace, _ mapping: Discriminator<Attribute>?) -> CatalogueChange {
            .keyspace(.changed(keyspace.discriminator, name: "N", managesSubscriptions: false, mapping: mapping))
        }
        // What it is mapped to already is not asked for again, so that it can be renamed.
        #expect(try applying(changed(found, cake), to: removed).keyspace(card.discriminator)?.name == "N")
        #expect(throws: Problem(.validationFailed, "")) {
            try applying(changed(found, try Discriminator("com.example.attributes.none")), to: mapped)
        }
        #expect(try applying(changed(found, nil), to: mapped).keyspace(card.discriminator)?.mappedAttribute == nil)
        for keyspace in catalogue.keyspaces {
            #expect(throws: Problem(.conflict, "")) { try applying(changed(keyspace, cake), to: mapped) }
        }
    }

    @Test("an entry from before keyspaces were mapped reads as one that is mapped to nothing")
    func olderEntries() throws {
        let lines = [
            #"{"keyspace":{"discriminator":"a.b","keyFormat":"email","managesSubscriptions":true,"name":"C","number":6},"#
                + #""kind":"keyspace.created"}"#,
            #"{"keyspace":"a.b","kind":"keyspace.changed","managesSubscriptions":false,"name":"D"}"#,
        ]
        var catalogue = catalogue
        for line in lines {
            let change = try JSONDecoder().decode(CatalogueChange.self, from: Data(line.utf8))
            catalogue = try applying(change, to: catalogue)
        }
        #expect(catalogue.keyspaces.last?.mapping == nil && catalogue.keyspaces.last?.name == "D")
    }
}
