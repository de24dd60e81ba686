import OvationTesting
import Testing

@testable import OvationCore

/// What one request may set and clear, without a server.
@Suite("Values and tags against the definitions")
struct ProfileTargetTests {
    private static let section = BuiltIn.sections[0]
    private static let email = BuiltIn.keyspaces[0]
    private static let web = BuiltIn.keyspaces[3]

    private static func custom(
        _ number: Int64, _ name: String, _ states: [(VersionID, VersionState, Timestamp?)], removed: Bool = false,
        permission: Permission? = nil, in section: Section = section
    ) throws -> Attribute {
        var attribute = Attribute(
            number: number, discriminator: try Discriminator("usercreated.attributes.\(name)"),
            section: section.discriminator, name: name, summary: "",
            permissions: permission.map { [email.discriminator: $0] } ?? [:])
        for (id, state, deprecatedAt) in states {
            // Each version has a type of its own, by which it can be told.
            let type: FieldType = id.isMultiple(of: 2) ? .integer : .string
            try attribute.versions.add(
                AttributeVersion(
                    id: id, state: state, content: AttributeContent(type: type), validFrom: Fixtures.now,
                    deprecatedAt: deprecatedAt))
        }
        if removed { attribute.removedAt = Fixtures.now }
        return attribute
    }

    private static func tag(_ number: Int64, _ name: String, removed: Bool = false, permission: Permission? = nil)
        throws
        -> OvationCore.Tag
    {
        var tag = OvationCore.Tag(
            number: number, discriminator: try Discriminator("usercreated.tags.\(name)"),
            section: section.discriminator, name: name, summary: "",
            permissions: permission.map { [email.discriminator: $0] } ?? [:], isHidden: false,
            version: TagVersion(
                id: 900 + number, state: .published, content: TagContent(), validFrom: Fixtures.now, deprecatedAt: nil))
        if removed { tag.removedAt = Fixtures.now }
        return tag
    }

    private func catalogue() throws -> Catalogue {
        var catalogue = try Fixtures.catalogue()
        let old = Timestamp(milliseconds: 1)
        for attribute in [
            try Self.custom(10_001, "size", [(101, .published, old), (102, .published, nil), (103, .draft, nil)]),
            try Self.custom(10_002, "gone", [(104, .published, nil)], removed: true),
            try Self.custom(10_003, "closed", [(106, .published, nil)], permission: Permission.none),
            try Self.custom(10_004, "new", [(107, .draft, nil), (108, .discarded, nil)]),
            try Self.custom(10_005, "old", [(109, .published, old)]),
            try Self.custom(10_006, "elsewhere", [(110, .published, nil)], in: catalogue.sections[1]),
            try Self.custom(
                10_007, "unread", [(111, .published, nil)], permission: Permission(read: false, write: true)),
        ] {
            catalogue.attributeTable.addBuiltIn(attribute)
        }
        for tag in [
            try Self.tag(1, "vip"), try Self.tag(2, "gone", removed: true),
            try Self.tag(3, "closed", permission: Permission.none),
        ] {
            catalogue.tagTable.addBuiltIn(tag)
        }
        return catalogue
    }

    private func target(_ keyspace: Keyspace = email, isAdmin: Bool = false) throws -> ProfileTarget {
        ProfileTarget(catalogue: try catalogue(), section: Self.section, keyspace: keyspace, callerIsAdmin: isAdmin)
    }

    /// The code of a refusal, or the version that takes the value.
    private func words(_ acceptance: ProfileTarget.Acceptance<ProfileTarget.FoundAttribute>) -> String {
        switch acceptance {
        case .accepted(let found): "\(found.version.id)"
        case .refused(let code, _): code.rawValue
        }
    }

    private func words(_ acceptance: ProfileTarget.Acceptance<OvationCore.Tag>) -> String {
        switch acceptance {
        case .accepted(let tag): tag.name
        case .refused(let code, _): code.rawValue
        }
    }

    @Test(
        "a version id names an attribute that the section has and the keyspace may write",
        arguments: [
            (101, "101"), (102, "102"), (103, "draft_version"), (104, "unknown_attribute"),
            (106, "attribute_forbidden"), (107, "draft_version"), (108, "unknown_attribute"), (109, "109"),
            (110, "unknown_attribute"), (5, "unknown_attribute"), (Fixtures.versionID, "unknown_attribute"),
        ] as [(VersionID, String)])
    func versions(id: VersionID, expected: String) throws {
        #expect(words(try target().attribute(version: id)) == expected)
        // Drafts are for admins; all else is the same for them.
        let asAdmin = expected == "draft_version" ? "\(id)" : expected
        #expect(words(try target(isAdmin: true).attribute(version: id)) == asAdmin)
    }

    @Test(
        "a discriminator names the current version, where there is one",
        arguments: [
            ("size", "102"), ("gone", "unknown_attribute"), ("closed", "attribute_forbidden"),
            ("new", "unknown_attribute"), ("old", "unknown_version"), ("elsewhere", "unknown_attribute"),
            ("none", "unknown_attribute"),
        ])
    func names(name: String, expected: String) throws {
        #expect(words(try target().attribute(named: "usercreated.attributes.\(name)")) == expected)
        let asAdmin = name == "new" ? "unknown_version" : expected
        #expect(words(try target(isAdmin: true).attribute(named: "usercreated.attributes.\(name)")) == asAdmin)
        #expect(words(try target().attribute(named: name)) == "unknown_attribute")
    }

    @Test("a keyspace without an entry writes what another may not")
    func permissions() throws {
        #expect(words(try target(Self.web).attribute(version: 106)) == "106")
        #expect(words(try target(Self.web).tag(named: "usercreated.tags.closed")) == "closed")
    }

    @Test(
        "a tag is named by its version id or its discriminator",
        arguments: [
            ("901", "vip"), ("usercreated.tags.vip", "vip"), ("0901", "unknown_tag"), ("", "unknown_tag"),
            ("902", "unknown_tag"), ("usercreated.tags.gone", "unknown_tag"), ("903", "tag_forbidden"),
            ("usercreated.tags.closed", "tag_forbidden"), ("102", "unknown_tag"), ("vip", "unknown_tag"),
        ])
    func tags(name: String, expected: String) throws {
        #expect(words(try target().tag(named: name)) == expected)
    }

    @Test("the value of a removed attribute can be cleared, and one that may not be written cannot")
    func clearing() throws {
        let target = try target()
        for (id, name) in [(104, "gone"), (109, "old"), (102, "size"), (101, "size")] as [(VersionID, String)] {
            let attribute = try target.attributeToClear(version: id)
            #expect(attribute.name == name)
            #expect(try target.attributeToClear(named: attribute.discriminator.text) == attribute)
        }
        #expect(throws: Problem(.attributeForbidden, "")) { try target.attributeToClear(version: 106) }
        for id in [103, 108, 110] as [VersionID] {
            #expect(throws: Problem(.versionNotFound, "")) { try target.attributeToClear(version: id) }
        }
        for name in ["new", "elsewhere", "none"] {
            #expect(throws: Problem(.attributeNotFound, "")) {
                try target.attributeToClear(named: "usercreated.attributes.\(name)")
            }
        }
        #expect(throws: Problem(.attributeForbidden, "")) {
            try target.attributeToClear(named: "usercreated.attributes.closed")
        }
    }

    @Test("a mapped attribute takes what can be a key of each keyspace that is mapped to it")
    func mapped() throws {
        var catalogue = try catalogue()
        var other = Keyspace(
            number: 9, discriminator: try Discriminator("usercreated.keyspaces.phone"), name: "Phone",
            managesSubscriptions: false, keyFormat: .mobile)
        other.mapping = try Discriminator("com.apsis1.attributes.crmid")
        try catalogue.keyspaceTable.add(other)
        let target = ProfileTarget(
            catalogue: catalogue, section: Self.section, keyspace: other, callerIsAdmin: false)
        guard case .accepted(let crm) = target.attribute(named: "com.apsis1.attributes.crmid") else {
            Issue.record("no CRM ID")
            return
        }
        #expect(target.check(.text("46793699558"), for: crm) == .value(.string("46793699558")))
        guard case .refused(.invalidValue, _) = target.check(.text("A-4711"), for: crm) else {
            Issue.record("a CRM ID that is no mobile number")
            return
        }
    }

    @Test("the key of a new profile is the value of the mapped attribute, where it can be one")
    func keys() throws {
        let steve = try ProfileKey("Steve@Apsis.com", format: .email)
        let edit = try #require(try target().edit(settingKey: steve))
        #expect(edit.value?.value == .string("steve@apsis.com"))
        #expect(edit.field == .attribute(try #require(try target().keyAttribute).number))
        #expect(try target(Self.web).edit(settingKey: ProfileKey("x", format: .text)) == nil)
        let mobile = try target(BuiltIn.keyspaces[1])
        let number = try ProfileKey("+46 793 699 558", format: .mobile)
        #expect(mobile.edit(settingKey: number)?.value?.value == .integer(46_793_699_558))
    }

    @Test("a caller reads what the keyspace may read and what was published, and an admin can read past it")
    func reading() throws {
        let catalogue = try catalogue()
        let readable = ReadableFields(
            catalogue.published, through: Self.email.discriminator, ignoringPermissions: false)
        #expect(readable.attribute(.attribute(10_001))?.name == "size")
        #expect(readable.attribute(.attribute(10_002))?.name == "gone")
        #expect(readable.attribute(.attribute(10_003)) == nil && readable.attribute(.attribute(10_007)) == nil)
        #expect(readable.attribute(.attribute(10_004)) == nil)
        #expect(readable.attribute(.tag(1)) == nil && readable.tag(.attribute(1)) == nil)
        #expect(readable.tag(.tag(1))?.name == "vip" && readable.tag(.tag(3)) == nil)
        #expect(readable.version(103) == nil && readable.version(101) != nil)
        let all = ReadableFields(catalogue, through: Self.email.discriminator, ignoringPermissions: true)
        #expect(all.attribute(.attribute(10_003)) != nil && all.tag(.tag(3)) != nil && all.version(103) != nil)
    }
}
