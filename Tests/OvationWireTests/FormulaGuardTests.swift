import OvationCore
import OvationTesting
import OvationWire
import Testing

@Suite("CSV in spreadsheets")
struct FormulaGuardTests {
    private static func row(_ fields: [String]?, _ text: String, guards: Bool = true) -> String {
        let data = JSONWriter.write(.object([.init("text", .string(text))]))
        var writer = JSONWriter()
        Array("key".utf8).withUnsafeBufferPointer { key in
            data.withUnsafeBufferPointer { data in
                writer.append(
                    ExportedEvent(
                        id: 1, eventTime: Timestamp(milliseconds: 0), receivedAt: Timestamp(milliseconds: 0),
                        version: 2,
                        section: Array("s.s".utf8), eventType: Array("e.e".utf8), keyspace: Array("k.k".utf8), key: key,
                        data: data),
                    as: .csv(CSVColumns(fields: fields, guardsFormulas: guards)))
            }
        }
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    /// How a spreadsheet finds cells that takes this separator: quotes mean something at the beginning of a cell alone.
    private static func cells(_ text: String, separatedBy separator: Character) -> [String] {
        var cells: [String] = []
        var cell = ""
        var isQuoted = false
        var isStart = true
        var rest = Array(text.unicodeScalars.map(Character.init))[...]
        while let character = rest.popFirst() {
            if isQuoted {
                guard character == "\"" else {
                    cell.append(character)
                    continue
                }
                if rest.first == "\"" { cell.append(rest.removeFirst()) } else { isQuoted = false }
            } else if isStart, character == "\"" {
                (isQuoted, isStart) = (true, false)
            } else if character == separator || character == "\n" || character == "\r" {
                cells.append(cell)
                (cell, isStart) = ("", true)
            } else {
                cell.append(character)
                isStart = false
            }
        }
        return cells + [cell]
    }

    private static let starts = ["=", "+", "-", "@", "\u{FF1D}", "\u{FF0B}", "\u{FF0D}", "\u{FF20}"]

    @Test(
        "no cell begins with a formula, whatever separates them",
        arguments: [
            "", "a;", "a\t", "a,", "a\n", "a\r\n", "a\r", "a;;", "a;\"", "a; ", "a;\u{A0}", "\"", "\";", "a;\"\"", "é;",
            "a\n\n",
            "a,b;c\t", "\t", " ", "a;\t \"",
        ])
    func cells(before: String) {
        for start in Self.starts {
            for fields in [["text"], nil] {
                let row = Self.row(fields, before + start + "1+1")
                for separator: Character in [",", ";", "\t"] {
                    for cell in Self.cells(row, separatedBy: separator) {
                        let shown = cell.drop { $0 == " " || $0 == "\u{A0}" || $0 == "\"" }
                        #expect(!Self.starts.contains { shown.hasPrefix($0) }, "\(row) read by '\(separator)'")
                    }
                }
            }
        }
    }

    @Test("JSON in a cell stays the same value")
    func json() throws {
        let text = "=a;=b;+c\t-d\n@e;\u{FF1D}f,\u{FF20}g;\"=h"
        let quoted = Self.row(nil, text)
        let cell = Self.cells(String(quoted.dropLast()), separatedBy: ",").last ?? ""
        #expect(try JSONValue(parsing: Array(cell.utf8))["text"]?.string == text)
        #expect(cell.contains(#";\u003db;\u002bc"#) && cell.contains(#"\uff1df,\uff20g"#))
    }

    @Test("an import reads each text as it was, whatever apostrophes it has", arguments: 0..<300)
    func isTakenBack(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let pieces = ["'", "'", "=", "-", "a", ",", ";", "\t", "\r", "\n", " ", "\"", "\u{A0}", "\u{FF1D}", "å"]
        let text = (0..<Int.random(in: 0...9, using: &random)).map { _ in pieces.randomElement(using: &random)! }
            .joined()
        var reader = CSVReader(delimiter: UInt8(ascii: ","))
        reader.append(ImportReport.row([text, "x"]))
        reader.finish()
        let cell = try #require(try reader.next()?.fields.first)
        let read = FormulaGuard.unguarded(Array(cell.utf8)).map { String(decoding: $0, as: UTF8.self) } ?? cell
        #expect(read == text, "seed \(seed)")
        let shown = cell.drop { $0 == " " || $0 == "\u{A0}" || $0 == "\"" }
        #expect(!Self.starts.contains { shown.hasPrefix($0) }, "seed \(seed)")
    }

    @Test("a report is read with its commas, whatever its headings have", arguments: [",", ";", "\t", "|"])
    func delimiters(delimiter: String) throws {
        let header = [String(repeating: "a" + delimiter, count: 9), "email"]
        var reader = CSVReader()
        reader.append(ImportReport.row(header))
        reader.finish()
        #expect(try reader.next()?.fields == header)
    }

    @Test("what is no formula, or is to be kept, is not touched")
    func isKept() {
        for text in ["a=b", "1-2", "me@example.com", "a - b; c", "x;y=z", "；＝", "5", "\u{FF1E}"] {
            #expect(Self.row(["text"], text).hasSuffix(",\(text)\r\n"), "\(text)")
        }
        #expect(Self.row(["text"], ";=1", guards: false).hasSuffix(",;=1\r\n"))
        #expect(Self.row(nil, ";=1", guards: false).hasSuffix(#","{""text"":"";=1""}""# + "\r\n"))
    }

    @Test("a mark stands before the first column where it is asked for")
    func mark() {
        for hasMark in [true, false] {
            var writer = JSONWriter()
            writer.append(headerOf: .csv(CSVColumns(fields: nil, guardsFormulas: true, hasMark: hasMark)))
            #expect(writer.bytes.starts(with: [0xEF, 0xBB, 0xBF]) == hasMark)
        }
    }
}
