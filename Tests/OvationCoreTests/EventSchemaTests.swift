import OvationTesting
import Testing

@testable import OvationCore

@Suite("EventSchema")
struct EventSchemaTests {
    private func check(
        _ type: FieldType, _ value: PostedValue, required: Bool = false
    ) throws -> (value: FieldValue?, code: Problem.Code?) {
        let schema = try EventSchema(fields: [Field(name: "f", type: type, required: required)])
        let result = schema.validate([("f", value)])
        return (result.fields.first?.value, result.errors.first?.code)
    }

    @Test(
        "takes an integer in any notation, exactly",
        arguments: [
            ("27183", 27183), ("27183.0", 27183), ("2.7183e4", 27183), ("-0", 0), ("0e9999999999999999999999", 0),
            ("100e-2", 1), ("9223372036854775807", Int64.max), ("-9223372036854775808", Int64.min),
            ("9223372036854775807.00", Int64.max), ("9.223372036854775807E+18", Int64.max), ("1.50e1", 15),
        ])
    func takesIntegers(text: String, value: Int64) throws {
        #expect(try check(.integer, .number(text)).value == .integer(value))
    }

    @Test(
        "refuses what is no 64-bit integer",
        arguments: [
            ("1.5", Problem.Code.wrongType), ("9007199254740993.2", .wrongType), ("1e-1", .wrongType),
            ("5.00000000000000000001", .wrongType), ("9223372036854775808", .numberOutOfRange),
            ("-9223372036854775809", .numberOutOfRange), ("1e19", .numberOutOfRange), ("1e400", .numberOutOfRange),
            ("1e99999999999999999999", .numberOutOfRange), ("1e-99999999999999999999", .wrongType),
        ])
    func refusesIntegers(text: String, code: Problem.Code) throws {
        #expect(try check(.integer, .number(text)).code == code)
    }

    @Test("takes doubles, and refuses what overflows")
    func doubles() throws {
        #expect(try check(.double, .number("213.21")).value == .double(213.21))
        #expect(try check(.double, .number("5")).value == .double(5))
        #expect(try check(.double, .number("1e400")).code == .numberOutOfRange)
        let zeros = String(repeating: "0", count: 400)
        for lost in [
            "1e-400", "-1e-400", "1E-0400", "0.\(zeros)1", "2e-324", "4.9e-324", "1.234567e-320", "-1.6e-323",
            "2.2250738585072011e-308", "1e-99999999999999999999",
        ] {
            #expect(try check(.double, .number(lost)).code == .numberOutOfRange, "\(lost)")
        }
        let least = Double.leastNonzeroMagnitude
        let kept: [(String, Double)] = [
            ("5e-324", least), ("-5E-324", -least), ("0.5e-323", least), ("50e-325", least), ("1e-323", 2 * least),
            ("-1.5e-323", -3 * least), ("2.2250738585072014e-308", .leastNormalMagnitude), ("0e-400", 0),
            ("-0.\(zeros)", 0), ("0.0", 0), ("0e-99999999999999999999", 0), ("1e-307", 1e-307),
        ]
        for (text, value) in kept {
            #expect(try check(.double, .number(text)).value == .double(value), "\(text)")
        }
        #expect(try check(.double, .text("NaN")).code == .wrongType)
    }

    @Test("counts text in Unicode scalars")
    func texts() throws {
        let longest = String(repeating: "å", count: Limits.textLengthMax)
        #expect(try check(.string, .text(longest)).value == .string(longest))
        #expect(try check(.string, .text(longest + "å")).code == .textTooLong)
        #expect(try check(.string, .number("1")).code == .wrongType)
    }

    @Test("null is absent, nested values and wrong types are refused")
    func others() throws {
        #expect(try check(.string, .null) == (nil, nil))
        #expect(try check(.string, .null, required: true).code == .missingField)
        #expect(try check(.boolean, .boolean(true)).value == .boolean(true))
        #expect(try check(.boolean, .number("1")).code == .wrongType)
        #expect(try check(.boolean, .nested).code == .nestedValue)
    }

    @Test("collects every error of an event")
    func collects() throws {
        let schema = try EventSchema(fields: [
            Field(name: "a", type: .integer, required: true), Field(name: "b", type: .string),
        ])
        let result = schema.validate([
            ("b", .text("x")), ("b", .text("y")), ("c", .null), ("b", .null),
        ])
        #expect(result.errors.map(\.code) == [.duplicateMember, .unknownField, .duplicateMember, .missingField])
    }

    @Test("refuses fields that cannot be: two of a name, bad names, too many")
    func refusesFields() {
        let field = Field(name: "a", type: .string)
        #expect(throws: Problem.self) { try EventSchema(fields: [field, field]) }
        for name in ["", "1a", "a b", "a\"", "-a", String(repeating: "a", count: 101)] {
            #expect(throws: Problem.self, "\(name)") { try EventSchema(fields: [Field(name: name, type: .string)]) }
        }
        #expect(throws: Problem.self) {
            try EventSchema(fields: (0...Limits.fieldsMax).map { Field(name: "f\($0)", type: .string) })
        }
    }
}
