import Foundation
import OvationCore
import OvationTesting
import OvationWire
import Testing

@Suite("JSON")
struct JSONTests {
    @Test("keeps order, repetitions and digits")
    func losesNothing() throws {
        let text = #"{"b":1.50,"a":[true,false,null,-0,1E+5],"b":"x\u00e5\ud83d\ude00","":{}}"#
        let json = try JSONValue(parsing: text)
        #expect(json.members?.map(\.name) == ["b", "a", "b", ""])
        #expect(
            String(decoding: JSONWriter.write(json), as: UTF8.self)
                == #"{"b":1.50,"a":[true,false,null,-0,1E+5],"b":"xå😀","":{}}"#)
        #expect(json["b"] == .string("xå😀"))
    }

    @Test(
        "refuses what is no JSON",
        arguments: [
            "", " ", "{", "}", "[1,]", "{\"a\":1,}", "{a:1}", "01", "-", "1.", ".5", "1e", "+1", "NaN", "Infinity",
            "tru", "nul", "'a'", "\"a", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\\udc00\"",
            "\"\n\"", "\"\t\"", "1 2", "[1 2]", "{\"a\" 1}", "{\"a\":}", "[", "\u{0}", "// comment\n1", "[1]x",
            String(repeating: "[", count: 65) + String(repeating: "]", count: 65),
        ])
    func refuses(text: String) {
        #expect(throws: Problem(.invalidJSON, "")) { try JSONValue(parsing: text) }
    }

    @Test("refuses bytes that are not UTF-8")
    func refusesBadUTF8() {
        for bytes: [UInt8] in [[0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22]] {
            #expect(throws: Problem(.invalidJSON, "")) { try JSONValue(parsing: bytes) }
        }
    }

    @Test("takes sixty-four levels, and a byte order mark")
    func takesDeep() throws {
        let deep = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
        #expect(throws: Never.self) { try JSONValue(parsing: deep) }
        #expect(try JSONValue(parsing: "\u{FEFF}1") == .number("1"))
    }

    @Test("agrees with Foundation on random values")
    func agreesWithFoundation() throws {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededGenerator(seed: seed)
        for _ in 0..<2000 {
            let text = JSONTests.randomText(using: &random)
            var writer = JSONWriter()
            writer.append(string: text)
            let read = try JSONSerialization.jsonObject(with: Data(writer.bytes), options: .fragmentsAllowed)
            #expect(read as? String == text, "seed \(seed)")
            #expect(try JSONValue(parsing: writer.bytes) == .string(text), "seed \(seed)")

            let number = Double(bitPattern: .random(in: .min ... .max, using: &random))
            guard number.isFinite else { continue }
            var numbers = JSONWriter()
            numbers.append(number)
            guard case .number(let digits) = try JSONValue(parsing: numbers.bytes) else {
                Issue.record("seed \(seed): \(number) was not written as a number")
                continue
            }
            #expect(Double(digits)?.bitPattern == number.bitPattern, "seed \(seed)")
        }
        for integer in [Int64.min, -1, 0, 9, 10, Int64.max] {
            var writer = JSONWriter()
            writer.append(integer)
            #expect(String(decoding: writer.bytes, as: UTF8.self) == String(integer))
        }
    }

    @Test("numbers are written as the standard library describes them")
    func writesShortestNumbers() {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededGenerator(seed: seed)
        var numbers: [Double] = [
            0, -0.0, 1, -1, 0.1, 0.001, 0.000_999_999_999, 213.21, 999_999_999, 1e9, 1e-5, 0.1 + 0.2,
            123_456_789.123_456, 999_999_999.999_999, .leastNonzeroMagnitude, .greatestFiniteMagnitude,
            9_007_199_254_740_992, 0.3, 2.5, 1e15, 1e16,
        ]
        for _ in 0..<50_000 {
            // Decimals of few digits, their neighbours, and anything at all.
            let places = Int.random(in: 0...8, using: &random)
            let unit = (0..<places).reduce(1.0) { unit, _ in unit * 10 }
            let decimal = Double(Int64.random(in: -2_000_000_000_000...2_000_000_000_000, using: &random)) / unit
            numbers += [decimal, decimal.nextUp, decimal.nextDown]
            numbers.append(Double(bitPattern: .random(in: .min ... .max, using: &random)))
        }
        for number in numbers where number.isFinite {
            var writer = JSONWriter()
            writer.append(number)
            #expect(String(decoding: writer.bytes, as: UTF8.self) == number.description, "seed \(seed)")
        }
    }

    private static func randomText(using random: inout SeededGenerator) -> String {
        let scalars = Array("abc\"\\/\n\r\t\u{0}\u{1F}\u{7F}å😀\u{FFFF}".unicodeScalars)
        return String(
            String.UnicodeScalarView(
                (0..<Int.random(in: 0...30, using: &random)).map { _ in scalars.randomElement(using: &random)! }))
    }
}
