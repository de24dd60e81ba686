import OvationCore
import OvationTesting
import Testing

@Suite("CSV")
struct CSVReaderTests {
    /// All rows of a file that comes in pieces of these sizes, in turn.
    private static func rows(_ bytes: [UInt8], pieces: [Int] = [.max]) throws(CSVFailure) -> [CSVRow] {
        var reader = CSVReader()
        var rows: [CSVRow] = []
        var rest = bytes[...]
        var turn = 0
        while !rest.isEmpty {
            let piece = rest.prefix(pieces[turn % pieces.count])
            turn += 1
            rest = rest.dropFirst(piece.count)
            reader.append(piece)
            while let row = try reader.next() { rows.append(row) }
        }
        reader.finish()
        while let row = try reader.next() { rows.append(row) }
        return rows
    }

    /// How many rows are passed over, or why that fails.
    private static func skipped(_ bytes: [UInt8], pieces size: Int) -> Result<Int, CSVFailure> {
        var reader = CSVReader()
        var count = 0
        var rest = bytes[...]
        do throws(CSVFailure) {
            while !rest.isEmpty {
                reader.append(rest.prefix(size))
                rest = rest.dropFirst(size)
                while try reader.skip() { count += 1 }
            }
            reader.finish()
            while try reader.skip() { count += 1 }
            return .success(count)
        } catch {
            return .failure(error)
        }
    }

    private static func fields(_ text: String) throws -> [[String]] { try rows(Array(text.utf8)).map(\.fields) }

    @Test(
        "rows and fields are told apart",
        arguments: [
            ("a,b\r\n1,2\r\n", [["a", "b"], ["1", "2"]]),
            ("a,b\n1,2", [["a", "b"], ["1", "2"]]),
            ("a,b\r1,2\r", [["a", "b"], ["1", "2"]]),
            ("a,b\n\"1\",\"2\n3\r\n4\"\n", [["a", "b"], ["1", "2\n3\r\n4"]]),
            ("a\n\"x\"\"y\"\n\"\"\"\"\n", [["a"], ["x\"y"], ["\""]]),
            ("a,b\n,\n\n", [["a", "b"], ["", ""], [""]]),
            ("a\nx\"y\"\"z\n5\" pipe\n", [["a"], ["x\"y\"\"z"], ["5\" pipe"]]),
            // As frequent as each other: the comma.
            ("a;b,c\n1;2\n", [["a;b", "c"], ["1;2"]]),
            ("a;b;c,d\n1,2;3\n", [["a", "b", "c,d"], ["1,2", "3"]]),
            ("a\tb\n1\t2", [["a", "b"], ["1", "2"]]), ("a|b\n1|2", [["a", "b"], ["1", "2"]]),
            ("\"a;;;\",b\n1,2", [["a;;;", "b"], ["1", "2"]]),
            ("\u{FEFF}a,b\n", [["a", "b"]]), ("å\n\u{1F600}\n", [["å"], ["\u{1F600}"]]), ("", []), ("\u{FEFF}", []),
        ])
    func reads(text: String, expected: [[String]]) throws { #expect(try Self.fields(text) == expected) }

    @Test("lines and places are counted through quotes, and a reader goes on from them")
    func goesOn() throws {
        let bytes = Array("\u{FEFF}a;b\r\n\"1\n\n1\";2\r\n3;4\n\n5;6".utf8)
        let rows = try Self.rows(bytes)
        #expect(rows.map(\.line) == [1, 2, 5, 6, 7])
        #expect(rows.map(\.nextLine) == [2, 5, 6, 7, 7] && rows.last?.end == Int64(bytes.count))
        #expect(rows.map(\.isEmpty) == [false, false, false, true, false])
        for (index, row) in rows.enumerated() {
            var reader = CSVReader(delimiter: UInt8(ascii: ";"), offset: row.end, line: row.nextLine)
            reader.append(bytes[Int(row.end)...])
            reader.finish()
            var rest: [CSVRow] = []
            while let row = try reader.next() { rest.append(row) }
            #expect(rest == Array(rows[(index + 1)...]))
        }
    }

    @Test("text behind closing quotes is told of, and the next row is read as ever")
    func malformed() throws {
        let rows = try Self.rows(Array("a,b\n\"x\"y,z\n1,2".utf8))
        #expect(rows.map(\.isMalformed) == [false, true, false])
        #expect(rows.map(\.fields) == [["a", "b"], ["xy", "z"], ["1", "2"]])
    }

    @Test("what is no CSV is refused, with the line")
    func refuses() throws {
        let large = [UInt8](repeating: 0x61, count: Limits.csvRowBytesMax + 1)
        let cases: [([UInt8], CSVFailure)] = [
            (Array("a\n\"b\nc".utf8), .openQuotes(line: 2)), ([0x61, 0x0A, 0xE5, 0x0A], .encoding(line: 2)),
            ([0xFF, 0xFE, 0x61, 0x00], .encoding(line: 1)), ([0x50, 0x4B, 0x03, 0x00], .binary(line: 1)),
            ([0x61, 0x0A] + large, .rowTooLong(line: 2)), ([0x61, 0x0A] + large + [0x0A], .rowTooLong(line: 2)),
            ([UInt8](repeating: 0x2C, count: Limits.csvColumnsMax), .tooManyFields(line: 1)),
        ]
        for (bytes, failure) in cases {
            for pieces in [[Int.max], [1000, 7]] {
                #expect(throws: failure) { try Self.rows(bytes, pieces: pieces) }
            }
        }
        #expect(try Self.rows(Array(large.dropLast())).count == 1)
    }

    @Test("what is written as CSV is read back, however it comes", arguments: 0..<300)
    func fuzzed(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let delimiter = [",", ";", "\t", "|"].randomElement(using: &random)!
        let lineBreak = ["\r\n", "\n"].randomElement(using: &random)!
        let pieces = ["a", "å", "\u{1F600}", ",", ";", "\t", "|", "\"", "\n", "\r\n", " ", "'", "=1"]
        let columns = Int.random(in: 2...6, using: &random)
        var table = [(0..<columns).map { "column\($0)" }]
        for _ in 0..<Int.random(in: 0...12, using: &random) {
            table.append(
                (0..<columns).map { _ in
                    (0..<Int.random(in: 0...6, using: &random)).map { _ in pieces.randomElement(using: &random)! }
                        .joined()
                })
        }
        let text = table.map { row in
            row.map { field in
                let needsQuotes = field.contains { $0 == "\"" || $0.isNewline || ",;\t|".contains($0) }
                guard needsQuotes || Bool.random(using: &random) else { return field }
                return "\"" + field.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"")
                    + "\""
            }.joined(separator: delimiter)
        }.joined(separator: lineBreak)
        let bytes = Array(text.utf8)
        let cuts = (0..<5).map { _ in Int.random(in: 1...9, using: &random) }
        #expect(try Self.rows(bytes, pieces: cuts).map(\.fields) == table, "seed \(seed)")
    }

    @Test("any bytes are read or refused, and the same however they come", arguments: 0..<300)
    func hostile(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let alphabet: [UInt8] = [0x22, 0x22, 0x2C, 0x3B, 0x0A, 0x0D, 0x61, 0xC3, 0xA5, 0xEF, 0xBB, 0xBF, 0xFF, 0x00]
        let known = Bool.random(using: &random) ? alphabet.count : alphabet.count - 2
        let bytes = (0..<Int.random(in: 0...60, using: &random)).map { _ in
            alphabet[Int.random(in: 0..<known, using: &random)]
        }
        func result(_ pieces: [Int]) -> Result<[CSVRow], CSVFailure> {
            do throws(CSVFailure) { return .success(try Self.rows(bytes, pieces: pieces)) } catch {
                return .failure(error)
            }
        }
        let whole = result([.max])
        for _ in 0..<4 {
            let cuts = (0..<4).map { _ in Int.random(in: 1...5, using: &random) }
            #expect(result(cuts) == whole, "seed \(seed): \(bytes)")
        }
        // A check of the file says what reading it would.
        #expect(Self.skipped(bytes, pieces: 3) == whole.map(\.count), "seed \(seed): \(bytes)")
        if case .success(let rows) = whole { #expect(rows.last.map { $0.end == Int64(bytes.count) } ?? true) }
    }
}
