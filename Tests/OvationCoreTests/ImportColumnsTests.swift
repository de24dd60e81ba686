import OvationTesting
import Testing

@testable import OvationCore

/// What a row says, without a server.
@Suite("Rows of imports")
struct ImportColumnsTests {
    private let section = BuiltIn.sections[0]
    private let email = BuiltIn.keyspaces[0]
    private let crm = BuiltIn.keyspaces[2]

    private func catalogue() throws -> Catalogue {
        var catalogue = try Fixtures.catalogue()
        let kinds: [(String, FieldType, RenderHint?)] = [
            ("text", .string, nil), ("number", .integer, nil), ("decimal", .double, nil), ("flag", .boolean, nil),
            ("day", .string, .date), ("time", .integer, .timestamp), ("country", .string, .location),
        ]
        for (index, (name, type, hint)) in kinds.enumerated() {
            var attribute = Attribute(
                number: 10_001 + Int64(index), discriminator: try Discriminator("usercreated.attributes.\(name)"),
                section: section.discriminator, name: name, summary: "", permissions: [:])
            try attribute.versions.add(
                AttributeVersion(
                    id: 101 + Int64(index), state: .published,
                    content: try AttributeContent(type: type, renderHint: hint), validFrom: Fixtures.now,
                    deprecatedAt: nil))
            catalogue.attributeTable.addBuiltIn(attribute)
        }
        let folder = FolderHead(
            discriminator: try Discriminator("com.example.targets.news"), section: section.discriminator, name: "News",
            description: "")
        let topic = TopicHead(
            discriminator: try Discriminator("com.example.topics.offers"), section: section.discriminator,
            folder: folder.discriminator, channel: nil, name: "Offers", description: "")
        let changes: [CatalogueChange] = [
            .folder(.created(folder)), .topic(.created(topic, number: 1)),
        ]
        return try catalogue.applying(changes, at: Fixtures.now, by: "test").catalogue
    }

    private func plan(_ mapping: ImportMapping, keyspace: Keyspace? = nil) throws -> ImportPlan {
        let target = ProfileTarget(
            catalogue: try catalogue(), section: section, keyspace: keyspace ?? email, callerIsAdmin: false)
        return try ImportPlan(mapping, keyspaces: [keyspace ?? email], in: target)
    }

    private func mapping(
        attributes: [String] = [], consents: [ImportMapping.ConsentColumn] = [], clears: Bool = false
    ) -> ImportMapping {
        ImportMapping(
            keys: [.init(keyspace: email.discriminator.text, column: "key")],
            attributes: attributes.map { .init(column: $0, name: "usercreated.attributes.\($0)") }, consents: consents,
            clearsAttributes: clears)
    }

    private func row(_ fields: [String]) throws -> CSVRow {
        var reader = CSVReader(delimiter: UInt8(ascii: "|"))
        reader.append(Array(fields.joined(separator: "|").utf8))
        reader.finish()
        return try #require(try reader.next())
    }

    /// What a cell of an attribute sets.
    private func value(_ cell: String, of name: String, clears: Bool = false) throws -> ProfileEdit? {
        let columns = try ImportColumns(
            try plan(mapping(attributes: [name], clears: clears)), header: ["key", name])
        return try columns.row(try row(["a@b.se", cell])).edits.first
    }

    @Test(
        "cells become values of their attributes",
        arguments: [
            ("text", " =1+1 ", .string(" =1+1 ")), ("text", "'=1", .string("=1")), ("text", "''=1", .string("'=1")),
            ("text", "a;'=b, '-c", .string("a;=b, -c")), ("text", "it's, a'=b", .string("it's, a'=b")),
            ("text", "'n", .string("'n")),
            ("number", "'-5", .integer(-5)), ("number", " 0042", .integer(42)), ("number", "+7", .integer(7)),
            ("number", "-0", .integer(0)), ("number", "1e3", .integer(1000)), ("decimal", " -1.50", .double(-1.5)),
            ("decimal", "12", .double(12)), ("flag", "TRUE", .boolean(true)), ("flag", "false", .boolean(false)),
            ("day", "Tue, 07 Mar 1993 04:22:23 +0300", .string("1993-03-07")),
            ("time", "2013-02-08", .integer(1_360_281_600)),
            ("time", "1488864143", .integer(1_488_864_143)), ("country", " se ", .string("SE")),
        ] as [(String, String, FieldValue)])
    func values(name: String, cell: String, expected: FieldValue) throws {
        #expect(try value(cell, of: name)?.value?.value == expected)
    }

    @Test(
        "cells that fit no value are refused, with their column",
        arguments: [
            ("number", "1,5"), ("number", "1.5"), ("number", "x"), ("number", "1e"), ("number", "."), ("number", "--1"),
            ("decimal", "1e999"), ("decimal", "0x10"), ("flag", "yes"), ("day", "8/2/2013"), ("time", "soon"),
            ("country", "Sweden"), ("text", String(repeating: "x", count: 1001)),
        ])
    func refusals(name: String, cell: String) throws {
        do {
            _ = try value(cell, of: name)
            Issue.record("\(cell) was taken")
        } catch let refusal as ImportRefusal {
            #expect(refusal.column == name)
        }
    }

    @Test("an empty cell says nothing, or clears where that was asked for", arguments: ["text", "number", "day"])
    func empty(name: String) throws {
        #expect(try value("", of: name) == nil)
        #expect(try value(" ", of: name, clears: true)?.value == nil)
        #expect(try value(" ", of: name, clears: true) != nil)
    }

    @Test("a file without a mapped column, or with one twice, is refused")
    func header() throws {
        let plan = try plan(mapping(attributes: ["text"]))
        #expect(throws: Problem(.invalidFile, "")) { try ImportColumns(plan, header: ["key", "other"]) }
        #expect(throws: Problem(.invalidFile, "")) { try ImportColumns(plan, header: ["key", "text", "text"]) }
        _ = try ImportColumns(plan, header: ["other", " text", "other", "key "])
    }

    @Test("a column is found with blanks around its name, in the file and in the mapping")
    func blanks() throws {
        let mapping = ImportMapping(
            keys: [.init(keyspace: email.discriminator.text, column: "key ")],
            attributes: [.init(column: " text", name: "usercreated.attributes.text")])
        let columns = try ImportColumns(try plan(mapping), header: ["other", " text", " key"])
        let found = try columns.row(try row(["x", "Ann", "a@b.se"]))
        #expect(found.keys.map(\.key.text) == ["a@b.se"] && found.edits.first?.value?.value == .string("Ann"))
        #expect(throws: Problem(.invalidFile, "")) {
            try ImportColumns(try plan(mapping), header: ["key", "text", " text"])
        }
    }

    @Test("a row with too few fields, with too many, or without a key is refused")
    func shape() throws {
        let columns = try ImportColumns(try plan(mapping()), header: ["key", "x"])
        for fields in [["a@b.se"], ["a@b.se", "1", "2"], ["", "1"], [" ", "1"], ["nobody", "1"]] {
            #expect(throws: ImportRefusal.self) { try columns.row(try row(fields)) }
        }
        #expect(try columns.row(try row([" A@b.se ", "1"])).keys.first?.key.text == "a@b.se")
    }

    private func consent(_ topic: String = "com.example.topics.offers", resubscribes: Bool = false)
        -> ImportMapping.ConsentColumn
    {
        ImportMapping.ConsentColumn(
            column: "wants", addressColumn: "mail", topic: topic, channel: "com.apsis1.channels.email", type: .optIn,
            resubscribes: resubscribes)
    }

    @Test("a consent is given where its cell says so, and the address with it where the key is another one")
    func consents() throws {
        let mapping = ImportMapping(
            keys: [.init(keyspace: crm.discriminator.text, column: "id")], consents: [consent()])
        let columns = try ImportColumns(try plan(mapping, keyspace: crm), header: ["id", "mail", "wants"])
        for cell in ["0", "false", ""] {
            let row = try columns.row(try row(["7", "a@b.se", cell]))
            #expect(row.consents.isEmpty && row.edits.isEmpty)
        }
        let given = try columns.row(try row(["7", " a@b.se", "1"]))
        let edit = try #require(given.consents.first)
        guard given.consents.count == 1, case .consent(let wanted) = edit.wanted else {
            Issue.record("\(given.consents)")
            return
        }
        #expect(wanted.type == .optIn && edit.keepsOptOut)
        #expect(given.edits.map(\.value?.value) == [.string("a@b.se")])
        for fields in [["7", "", "1"], ["7", "nobody", "1"], ["7", "a@b.se", "perhaps"]] {
            #expect(throws: ImportRefusal.self) { try columns.row(try row(fields)) }
        }
    }

    @Test("an opt-out stays unless the mapping says otherwise")
    func optOuts() throws {
        let optOut = Consent(.optOut, source: "", reason: "").value
        let pending = Consent(.pendingOptIn, source: "", reason: "").value
        for (resubscribes, expected) in [(false, ConsentTransition.refused), (true, .changed)] {
            let mapping = ImportMapping(
                keys: [.init(keyspace: email.discriminator.text, column: "mail")],
                consents: [consent(resubscribes: resubscribes)])
            let columns = try ImportColumns(try plan(mapping), header: ["mail", "wants"])
            let given = try columns.row(try row(["a@b.se", "1"]))
            let edit = try #require(given.consents.first)
            #expect(edit.transition(from: optOut) == expected)
            #expect(edit.transition(from: pending) == .changed && edit.transition(from: nil) == .made)
        }
    }

    @Test("everything that is wrong with a mapping is named at once")
    func mappings() throws {
        do {
            let repeated = mapping(
                attributes: ["text", "none", "text"], consents: [consent("com.example.topics.none")])
            _ = try plan(repeated)
            Issue.record("the mapping was taken")
        } catch let problem as Problem {
            #expect(problem.code == .validationFailed)
            #expect(
                problem.errors.map(\.pointer) == [
                    "/attribute_mappings/1", "/attribute_mappings/2", "/consent_mappings/0",
                ])
        }
        // No consents are managed through the keyspace of cookies.
        let cookies = ImportMapping(
            keys: [.init(keyspace: BuiltIn.keyspaces[3].discriminator.text, column: "key")], consents: [consent()])
        #expect(throws: Problem(.keyspaceForbidden, "")) { try plan(cookies, keyspace: BuiltIn.keyspaces[3]) }
    }
}
