import OvationTesting
import Testing

@testable import OvationCore

@Suite("A value of an attribute")
struct AttributeCheckTests {
    private func check(
        _ posted: PostedValue, _ type: FieldType, _ hint: RenderHint? = nil, key format: KeyFormat? = nil
    ) throws -> AttributeCheck {
        try AttributeContent(type: type, renderHint: hint).check(posted, format: format)
    }

    private func code(_ check: AttributeCheck) -> Problem.Code? {
        if case .refused(let code, let detail) = check, !detail.isEmpty { code } else { nil }
    }

    @Test("null clears, whatever the type; an empty text clears what is no plain text")
    func clears() throws {
        for type in FieldType.allCases {
            #expect(try check(.null, type) == .cleared)
            #expect(try check(.text(""), type) == (type == .string ? .value(.string("")) : .cleared))
        }
        for hint in RenderHint.allCases {
            #expect(try check(.null, hint.type, hint) == .cleared)
            #expect(try check(.text(""), hint.type, hint) == .cleared)
        }
        for (format, type) in [(KeyFormat.email, FieldType.string), (.mobile, .integer), (.text, .string)] {
            #expect(try check(.text(""), type, key: format) == .cleared)
            #expect(try check(.null, type, key: format) == .cleared)
        }
    }

    @Test(
        "is kept as it was sent where it has the type",
        arguments: [
            (.text("x"), .string, .string("x")), (.text(" Åsa\n"), .string, .string(" Åsa\n")),
            (.number("27183.0"), .integer, .integer(27183)),
            (.number("-9223372036854775808"), .integer, .integer(.min)),
            (.number("1"), .double, .double(1)), (.number("-0.0"), .double, .double(0)),
            (.boolean(false), .boolean, .boolean(false)),
        ] as [(PostedValue, FieldType, FieldValue)])
    func keeps(posted: PostedValue, type: FieldType, value: FieldValue) throws {
        let checked = try check(posted, type)
        #expect(checked == .value(value))
        // Two zeros are equal, and only one of them is stored.
        if case .value(.double(let kept)) = checked { #expect(kept.sign == .plus) }
    }

    @Test(
        "is refused where it has not",
        arguments: [
            (.number("1"), .string, .wrongType), (.boolean(true), .string, .wrongType),
            (.text("1"), .integer, .wrongType), (.number("1.5"), .integer, .wrongType),
            (.number("9223372036854775808"), .integer, .numberOutOfRange),
            (.number("1e400"), .double, .numberOutOfRange),
            (.text("true"), .boolean, .wrongType), (.number("1"), .boolean, .wrongType),
            (.nested, .string, .nestedValue), (.nested, .double, .nestedValue),
        ] as [(PostedValue, FieldType, Problem.Code)])
    func refuses(posted: PostedValue, type: FieldType, code: Problem.Code) throws {
        #expect(try self.code(check(posted, type)) == code)
    }

    @Test("has so many characters, and a character may have many bytes")
    func boundsTexts() throws {
        let longest = String(repeating: "😀", count: Limits.attributeTextLengthMax)
        #expect(try check(.text(longest), .string) == .value(.string(longest)))
        #expect(try code(check(.text(longest + "a"), .string)) == .textTooLong)
    }

    @Test("that is a date is a day that exists, written YYYY-MM-DD")
    func dates() throws {
        for date in ["1993-03-07", "2000-02-29", "2024-02-29", "0000-01-01", "9999-12-31", "1993-04-30"] {
            #expect(try check(.text(date), .string, .date) == .value(.string(date)))
        }
        for date in [
            "1900-02-29", "2023-02-29", "1993-04-31", "1993-13-01", "1993-00-01", "1993-01-00", "1993-3-7", "93-03-07",
            " 1993-03-07", "1993-03-07T00:00:00Z", "1993/03/07", "1993-03", "1993-03-07-", "-993-03-07", "+993-03-07",
            "१९९३-०३-०७", "x",
        ] {
            #expect(try code(check(.text(date), .string, .date)) == .invalidValue, "\(date)")
        }
        #expect(try code(check(.number("19930307"), .string, .date)) == .wrongType)
    }

    @Test("that is a country is a code of ISO 3166-1 in capital letters")
    func countries() throws {
        #expect(Country.codes.count == 249 && Country.codes.allSatisfy { $0.utf8.count == 2 })
        for country in ["SE", "GB", "AX"] {
            #expect(try check(.text(country), .string, .location) == .value(.string(country)))
        }
        for country in ["se", "UK", "XX", "SWE", " SE", "Sweden"] {
            #expect(try code(check(.text(country), .string, .location)) == .invalidValue, "\(country)")
        }
    }

    @Test("that is a moment is in seconds, up to the year 9999")
    func timestamps() throws {
        for seconds in [0, -1, Limits.attributeSecondsMax, -Limits.attributeSecondsMax] {
            #expect(try check(.number("\(seconds)"), .integer, .timestamp) == .value(.integer(seconds)))
        }
        for seconds in ["253402300800", "-253402300800", "1764221929000", "-9223372036854775808"] {
            #expect(try code(check(.number(seconds), .integer, .timestamp)) == .numberOutOfRange, "\(seconds)")
        }
    }

    @Test("of a mapped attribute is a profile key, and numbers and texts are taken for each other")
    func keys() throws {
        #expect(try check(.text("Steve@Apsis.com"), .string, key: .email) == .value(.string("Steve@Apsis.com")))
        #expect(try code(check(.text("no address"), .string, key: .email)) == .invalidValue)
        #expect(try code(check(.number("12"), .string, key: .email)) == .invalidValue)
        for posted in [PostedValue.text("46701234567"), .number("46701234567"), .number("46701234567.0")] {
            #expect(try check(posted, .integer, key: .mobile) == .value(.integer(46_701_234_567)))
        }
        #expect(try code(check(.text("x"), .integer, key: .mobile)) == .invalidValue)
        #expect(try code(check(.number("46701234567.5"), .integer, key: .mobile)) == .wrongType)
        #expect(try check(.number("1e3"), .string, key: .text) == .value(.string("1000")))
        #expect(try check(.text("A-1"), .string, key: .text) == .value(.string("A-1")))
        #expect(try code(check(.nested, .string, key: .text)) == .nestedValue)
        #expect(FieldValue.integer(46_701_234_567).profileKey(format: .mobile)?.text == "46701234567")
        #expect(FieldValue.string("Steve@Apsis.com").profileKey(format: .email)?.text == "steve@apsis.com")
        #expect(FieldValue.string("no address").profileKey(format: .email) == nil)
        #expect(FieldValue.boolean(true).profileKey(format: .text) == nil)
    }

    @Test("has no render hint of another type")
    func hints() throws {
        #expect(throws: Problem.self) { try AttributeContent(type: .integer, renderHint: .date) }
        #expect(throws: Problem.self) { try AttributeContent(type: .string, renderHint: .timestamp) }
        #expect(try AttributeContent(type: .string, renderHint: .location).renderHint == .location)
    }
}

@Suite("The default attributes")
struct DefaultAttributeTests {
    @Test("are in each section, also of a log from before there were attributes")
    func areInEachSection() throws {
        let old: [CatalogueChange] = [
            .section(.created(BuiltIn.sections[0])), .keyspace(.created(BuiltIn.keyspaces[0])),
            .section(
                .created(
                    Section(number: 7, discriminator: try Discriminator("usercreated.sections.shop-abc"), name: "S"))),
        ]
        let entries = old.enumerated().map {
            LogEntry(sequence: Int64($0.offset + 1), at: Fixtures.now, actor: "me", change: $0.element)
        }
        let catalogue = try Catalogue(account: Fixtures.account, definitions: entries, lastSequence: 3)
        let names = ["email", "mobile", "crmid", "firstname", "lastname", "birthdate"]
        for (section, number) in zip(catalogue.sections, [Int64(1), 7]) {
            let attributes = catalogue.listedAttributes(in: section.discriminator)
            #expect(attributes.map(\.discriminator.text) == names.map { "com.apsis1.attributes." + $0 })
            // Rows have these numbers and ids: they are the same for good.
            #expect(attributes.map(\.number) == (1...6).map { number * 8 + $0 })
            #expect(
                attributes.compactMap(\.currentVersion?.id) == (1...6).map { Limits.versionIDMax + 1 + number * 8 + $0 }
            )
            #expect(
                attributes.map { $0.currentVersion?.content.type } == [
                    .string, .integer, .string, .string, .string, .string,
                ])
            #expect(attributes.map { $0.currentVersion?.content.renderHint } == [nil, nil, nil, nil, nil, .date])
            #expect(
                attributes.allSatisfy { $0.isBuiltIn && $0.permission(in: BuiltIn.keyspaces[0].discriminator) == .all })
            for attribute in attributes {
                #expect(catalogue.attribute(number: attribute.number) == attribute)
                #expect(catalogue.attribute(attribute.discriminator, in: section.discriminator) == attribute)
                let id = try #require(attribute.currentVersion?.id)
                #expect(catalogue.attributeVersion(id)?.attribute == attribute)
            }
            #expect(catalogue.mappedAttribute(of: BuiltIn.keyspaces[0], in: section.discriminator) == attributes[0])
            #expect(catalogue.mappedAttribute(of: BuiltIn.keyspaces[3], in: section.discriminator) == nil)
            #expect(!catalogue.hasUnpublished(in: section.discriminator))
        }
        #expect(catalogue.published.attributes == catalogue.attributes && catalogue.attributes.count == 12)
        #expect(catalogue.keyspaces(mappedTo: catalogue.attributes[0].discriminator) == [BuiltIn.keyspaces[0]])
    }

    @Test("have numbers below those of others in as many sections as there can be")
    func numbers() throws {
        let last = Section(
            number: Int64(Limits.sectionsMax), discriminator: try Discriminator("usercreated.sections.shop-abc"),
            name: "")
        #expect(BuiltIn.attributes.allSatisfy { $0.attribute(in: last).isBuiltIn })
        #expect(Set(BuiltIn.attributes.map { $0.attribute(in: last).number % 8 }).count == BuiltIn.attributes.count)
    }
}
