import OvationTesting
import Testing

@testable import OvationCore

@Suite("Mapped attributes")
struct MappedAttributesTests {
    private func applying(_ changes: [CatalogueChange], to catalogue: Catalogue) throws -> Catalogue {
        try catalogue.applying(changes, at: Fixtures.now, by: "me").catalogue
    }

    private func keyspace(
        _ number: Int64, _ format: KeyFormat, mappedTo attribute: String?
    ) throws -> CatalogueChange {
        .keyspace(
            .created(
                Keyspace(
                    number: number, discriminator: try Discriminator("usercreated.keyspaces.k\(number)-98h3ud5p4v"),
                    name: "K\(number)", managesSubscriptions: false, keyFormat: format,
                    mapping: try attribute.map { try Discriminator($0) })))
    }

    @Test("of the default attributes those for e-mail, mobile number and CRM ID are mapped, in each section")
    func defaults() throws {
        let catalogue = try applying(
            Catalogue.founding + [
                .section(
                    .created(
                        Section(
                            number: 7, discriminator: try Discriminator("usercreated.sections.s-98h3ud5p4v"), name: "S")
                    ))
            ], to: Catalogue(account: Fixtures.account))
        #expect(catalogue.mappedAttributes == MappedAttributes())
        for section in catalogue.sections {
            let formats = catalogue.listedAttributes(in: section.discriminator).map {
                catalogue.mappedAttributes[$0.number]
            }
            #expect(formats == [.email, .mobile, .text, nil, nil, nil])
        }
        #expect(MappedAttributes()[0] == nil && MappedAttributes()[10_001] == nil && MappedAttributes()[-7] == nil)
    }

    @Test("an attribute of an admin's is mapped as the keyspace says that was made first, and no longer than that")
    func custom() throws {
        let (name, first) = ("com.apsis1.attributes.firstname", Int64(8 + 4))
        var catalogue = try applying(Catalogue.founding, to: Catalogue(account: Fixtures.account))
        catalogue = try applying(
            [try keyspace(21, .email, mappedTo: name), try keyspace(22, .text, mappedTo: name)], to: catalogue)
        #expect(catalogue.mappedAttributes == MappedAttributes(custom: [first: .email]))
        // Those that are mapped in every account keep their form.
        catalogue = try applying([try keyspace(23, .text, mappedTo: "com.apsis1.attributes.email")], to: catalogue)
        #expect(catalogue.mappedAttributes == MappedAttributes(custom: [first: .email]))
        #expect(MappedAttributes(custom: [9: .text])[9] == .email)
        for (number, expected) in [(21, [first: KeyFormat.text]), (22, [:])] {
            let discriminator = try Discriminator<Keyspace>("usercreated.keyspaces.k\(number)-98h3ud5p4v")
            catalogue = try applying(
                [.keyspace(.changed(discriminator, name: "K", managesSubscriptions: false, mapping: nil))],
                to: catalogue)
            #expect(catalogue.mappedAttributes == MappedAttributes(custom: expected))
        }
    }
}
