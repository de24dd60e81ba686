import OvationConsole
import OvationTesting
import Testing

@testable import OvationCore
@testable import OvationServer

/// What the page offers that maps the columns of a file, without a server.
@Suite("Meanings of columns")
struct ImportMappingTests {
    /// - Parameter count: of attributes, and of topics.
    private func meanings(_ count: Int) throws -> Meanings {
        let section = BuiltIn.sections[0]
        var catalogue = try Fixtures.catalogue()
        let folder = FolderHead(
            discriminator: try Discriminator("com.example.targets.news"), section: section.discriminator, name: "News",
            description: "")
        var changes: [CatalogueChange] = [.folder(.created(folder))]
        for number in 0..<Int64(count) {
            var attribute = Attribute(
                number: 10_001 + number, discriminator: try Discriminator("usercreated.attributes.field\(number)"),
                section: section.discriminator, name: "Field \(number)", summary: "", permissions: [:])
            try attribute.versions.add(
                AttributeVersion(
                    id: 101 + number, state: .published, content: try AttributeContent(type: .string, renderHint: nil),
                    validFrom: Fixtures.now, deprecatedAt: nil))
            catalogue.attributeTable.addBuiltIn(attribute)
            let topic = TopicHead(
                discriminator: try Discriminator("com.example.topics.topic\(number)"), section: section.discriminator,
                folder: folder.discriminator, channel: nil, name: "Topic \(number)", description: "")
            changes.append(.topic(.created(topic, number: number + 1)))
        }
        catalogue = try catalogue.applying(changes, at: Fixtures.now, by: "test").catalogue
        return Meanings(catalogue, section: section.discriminator.text)
    }

    @Test("a column is guessed by its name, and of several with one name the first")
    func guesses() throws {
        let found = try meanings(3)
        #expect(!found.hasMore && found.columnsMax == Limits.mappingColumnsMax)
        let guesses = found.guesses(["note", "E-mail", "field_2", "FIELD 2", "first name", "!"])
        #expect(guesses[0].isEmpty && guesses[1].hasPrefix("key:"))
        #expect(guesses[2] == "attribute:usercreated.attributes.field2" && guesses[3].isEmpty)
        #expect(guesses[4] == "attribute:com.apsis1.attributes.firstname" && guesses[5].isEmpty)
        // More columns than the page has.
        let many = (0..<2000).map { $0 < Limits.mappingColumnsMax ? "note" : "Field \($0 % 3)" }
        #expect(found.guesses(many) == Array(repeating: "", count: many.count))
    }

    @Test("a section with very many definitions has lists of a bounded length, and the page fewer columns")
    func bounds() throws {
        let found = try meanings(700)
        let groups = found.groups(selected: "")
        #expect(groups.map(\.name) == ["Profile key", "Attributes", "Consents"])
        #expect(groups.map(\.choices.count).max() == Limits.mappingMeaningsMax && found.hasMore)
        #expect(groups[2].choices.count == Limits.mappingMeaningsMax)
        let entries = groups.map(\.choices.count).reduce(0, +) * found.columnsMax
        #expect(found.columnsMax > 10 && entries <= Limits.mappingEntriesMax)
    }
}
