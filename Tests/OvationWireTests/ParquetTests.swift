import OvationCore
import Testing

@testable import OvationWire

@Suite("Files of Parquet")
struct ParquetTests {
    /// Leaves pages as they are.
    private struct NoCompression: PageCompression {
        let codec = 0
        func compressed(_ page: [UInt8]) -> [UInt8] { page }
    }

    private static func runs(_ values: [UInt32], width: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        PackedIntegers.appendRuns(values, width: width, to: &bytes)
        return bytes
    }

    private static func deltas(_ values: [Int64]) -> [UInt8] {
        var bytes: [UInt8] = []
        PackedIntegers.appendDeltas(values[...], to: &bytes)
        return bytes
    }

    @Test(
        "numbers of Thrift have seven bits a byte, and the sign in the lowest bit",
        arguments: [
            (0, [0]), (-1, [1]), (1, [2]), (63, [126]), (-64, [127]), (64, [0x80, 1]), (300, [0xD8, 4]),
            (Int64.max, [0xFE] + Array(repeating: 0xFF, count: 8) + [1]),
            (Int64.min, [0xFF] + Array(repeating: 0xFF, count: 8) + [1]),
        ] as [(Int64, [UInt8])])
    func zigzag(value: Int64, expected: [UInt8]) {
        var bytes: [UInt8] = []
        bytes.append(zigzag: value)
        #expect(bytes == expected)
    }

    @Test("fields of Thrift have their distance to the one before, or their number where it is far")
    func thrift() {
        let bytes = ThriftWriter.structure { writer in
            writer.append(1, int32: 3)
            writer.append(17, bool: true)
            writer.append(18, int32s: Array(repeating: 0, count: 15))
            writer.append(19) { $0.append(1, text: "ab") }
            writer.append(20, texts: ["c"])
        }
        let list: [UInt8] = [0x19, 0xF5, 15] + Array(repeating: 0, count: 15)
        #expect(bytes == [0x15, 6, 0x01, 34] + list + [0x1C, 0x18, 2, 97, 98, 0] + [0x19, 0x18, 1, 99, 0])
    }

    @Test("values that differ are packed with the lowest bits first")
    func packed() {
        // The example of the specification: 0 to 7 in three bits each.
        #expect(Self.runs(Array(0...7), width: 3) == [0b11, 0x88, 0xC6, 0xFA])
        // Filled up to eight.
        #expect(Self.runs([1, 0, 1], width: 1) == [0b11, 0b101])
        #expect(Self.runs([], width: 1) == [])
    }

    @Test("values that repeat are a run, behind a whole group of eight")
    func runs() {
        #expect(Self.runs(Array(repeating: 1, count: 100), width: 1) == [200, 1, 1])
        #expect(Self.runs(Array(repeating: 300, count: 8), width: 9) == [16, 44, 1])
        // Three of the ones fill the group up, and ten remain for a run.
        let mixed: [UInt32] = [0, 1, 0, 1, 0] + Array(repeating: 1, count: 13)
        #expect(Self.runs(mixed, width: 1) == [0b11, 0b1110_1010, 20, 1])
        // Seven would remain: too few for a run.
        #expect(Self.runs(Array(mixed.dropLast(3)), width: 1) == [0b101, 0b1110_1010, 0b0111_1111])
    }

    @Test("differences are packed in blocks, as the specification has it")
    func differences() {
        // Both examples of the specification.
        #expect(Self.deltas([1, 2, 3, 4, 5]) == [0x80, 1, 4, 5, 2, 2, 0, 0, 0, 0])
        #expect(
            Self.deltas([7, 5, 3, 1, 2, 3, 4, 5])
                == [0x80, 1, 4, 8, 14, 3, 2, 0, 0, 0, 0xC0, 0x3F, 0, 0, 0, 0, 0, 0])
        #expect(Self.deltas([]) == [0x80, 1, 4, 0, 0])
        #expect(Self.deltas([-3]) == [0x80, 1, 4, 1, 5])
        // The difference does not fit into 64 bits, and wraps around.
        #expect(Self.deltas([.min, .max]) == [0x80, 1, 4, 2] + Self.zigzag(.min) + [1, 0, 0, 0, 0])
    }

    private static func zigzag(_ value: Int64) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(zigzag: value)
        return bytes
    }

    private static func dictionary(_ texts: [String]) -> ParquetDictionary? {
        var ends: [Int] = []
        for text in texts { ends.append((ends.last ?? 0) + text.utf8.count) }
        return ParquetDictionary(texts: texts.flatMap { Array($0.utf8) }, ends: ends)
    }

    @Test("a column has a dictionary where it is smaller with one")
    func dictionaries() throws {
        let repeated = try #require(Self.dictionary(["red", "green", "red", "red", "green", ""]))
        #expect(repeated.count == 3 && repeated.width == 2)
        #expect(repeated.indices == [0, 1, 0, 0, 1, 2])
        #expect(repeated.page == [3, 0, 0, 0] + "red".utf8 + [5, 0, 0, 0] + "green".utf8 + [0, 0, 0, 0])
        #expect(Self.dictionary(["red", "green", "blue"]) == nil)
        #expect(Self.dictionary([]) == nil)
        #expect(ParquetDictionary(doubles: [1, 2, 1, 1])?.indices == [0, 1, 0, 0])
        #expect(ParquetDictionary(doubles: [1, 2, 3]) == nil)
        // All are found again, however many there are.
        let many = (0..<20_000).map { "value \($0 % 2500)" }
        let found = try #require(Self.dictionary(many))
        #expect(found.count == 2500 && found.indices == many.indices.map { UInt32($0 % 2500) })
    }

    @Test("a dictionary has at most so many bytes")
    func largeDictionaries() {
        let text = String(repeating: "x", count: 10_000)
        let entries = Limits.parquetDictionaryBytesMax / 10_000
        let fits = (0..<3 * entries).map { text + String(1000 + $0 % (entries - 1)) }
        #expect(Self.dictionary(fits) != nil)
        #expect(Self.dictionary((0..<3 * entries).map { text + String(1000 + $0 % (entries + 1)) }) == nil)
    }

    // MARK: Files

    private static func table(_ columns: ParquetColumn...) -> ParquetTable {
        ParquetTable(columns: columns, compression: NoCompression())
    }

    private static func footer(of file: [UInt8]) throws -> ParquetFooter {
        let count = try #require(ParquetFooter.count(tail: file.suffix(ParquetFooter.tailCount)))
        return try #require(ParquetFooter(file.dropLast(ParquetFooter.tailCount).suffix(count)))
    }

    @Test("a file begins and ends with its mark, and its footer says what it has")
    func file() throws {
        var table = Self.table(ParquetColumn("id", .integer, isRequired: true), ParquetColumn("day", .date))
        for id in 0..<3 as Range<Int64> {
            table.append(integer: id, to: 0)
            if id == 1 { table.append(days: -1, to: 1) }
            table.endRow()
        }
        var file = table.take()
        try table.finish(metadata: [("one", "1"), ("two", "zwei")])
        file += table.take()
        #expect(file.starts(with: "PAR1".utf8))
        let footer = try Self.footer(of: file)
        #expect(footer.rows == 3 && footer.metadata == ["one": "1", "two": "zwei"])
        #expect(table.waitingCount == 0)
    }

    @Test("a footer that is none is refused, whatever its bytes are")
    func brokenFooters() throws {
        var table = Self.table(ParquetColumn("a", .text), ParquetColumn("b", .timestamp))
        for number in 0..<20 {
            table.append(text: "text \(number)".utf8, to: 0)
            table.append(timestamp: Timestamp(milliseconds: Int64(number)), to: 1)
            table.endRow()
            if number % 5 == 0 { try table.endRowGroup() }
        }
        try table.finish(metadata: [("key", "value")])
        let file = table.take()
        let count = try #require(ParquetFooter.count(tail: file.suffix(8)))
        let footer = Array(file.dropLast(8).suffix(count))
        #expect(ParquetFooter(footer)?.rows == 20)
        for end in 0..<footer.count { #expect(ParquetFooter(footer[..<end]) == nil, "\(end)") }
        for place in footer.indices {
            var broken = footer
            broken[place] ^= 0xFF
            // It may still be one, but it ends.
            _ = ParquetFooter(broken)
        }
        #expect(ParquetFooter(Array(repeating: 0x1C, count: 100_000)) == nil)
        // Lists in lists, without end.
        #expect(ParquetFooter([0x19] + Array(repeating: 0x19, count: 100_000)) == nil)
        // A list of truth values has a byte for each.
        #expect(ParquetFooter([0x19, 0x31, 0]) == nil)
        #expect(ParquetFooter([0x19, 0x21, 1, 2, 0]) != nil)
        // The number of a field beyond 64 bits.
        let largest: [UInt8] = [0xFE] + Array(repeating: 0xFF, count: 8) + [1]
        #expect(ParquetFooter([0x03] + largest + [0, 0x13, 0, 0]) != nil)
        #expect(ParquetFooter.count(tail: Array("1234PAR1".utf8)) == nil)
        #expect(ParquetFooter.count(tail: [1, 0, 0, 0] + "PARE".utf8) == nil)
        #expect(ParquetFooter.count(tail: []) == nil)
    }

    @Test("rows are in memory until the row group has its bytes")
    func rowGroups() throws {
        var table = Self.table(ParquetColumn("text", .text))
        let text = [UInt8](repeating: 0x61, count: 1 << 20)
        for _ in 0..<7 {
            table.append(text: text, to: 0)
            table.endRow()
        }
        #expect(!table.isRowGroupFull)
        table.append(text: text, to: 0)
        table.endRow()
        #expect(table.isRowGroupFull)
        #expect(table.waitingCount == 4)
        try table.endRowGroup()
        #expect(!table.isRowGroupFull && table.waitingCount > 1 << 20)
    }

    @Test("a footer that grows too large ends the file")
    func fullFooter() throws {
        let columns = (0..<Limits.parquetColumnsMax).map { ParquetColumn("a column with a long name \($0)", .boolean) }
        var table = ParquetTable(columns: columns, compression: NoCompression())
        let problem = #expect(throws: Problem.self) {
            for _ in 0..<200 {
                table.append(boolean: true, to: 0)
                table.endRow()
                try table.endRowGroup()
                _ = table.take()
            }
        }
        #expect(problem?.code == .limitExceeded)
    }

    // MARK: Events

    @Test("a field has one column for the types of all versions")
    func columns() throws {
        let columns = try EventColumns(
            of: "a.b",
            fields: [
                Field(name: "price", type: .integer), Field(name: "done", type: .boolean),
                Field(name: "code", type: .string),
                Field(name: "price", type: .double), Field(name: "code", type: .integer),
                Field(name: "done", type: .boolean),
                Field(name: "mixed", type: .boolean), Field(name: "mixed", type: .double),
            ]
        ).columns
        let head = ["event_id", "event_time", "received_at", "version_id", "keyspace", "profile_key"]
        #expect(columns.map(\.name) == head + ["price", "done", "code", "mixed"])
        #expect(columns.dropFirst(6).map(\.kind) == [.double, .boolean, .text, .text])
        #expect(columns.map(\.isRequired) == Array(repeating: true, count: 6) + Array(repeating: false, count: 4))
    }

    @Test("a field with the name of another column has 'data.' before it")
    func names() throws {
        let fields = ["event_id", "Keyspace", "data.event_id", "amount"].map { Field(name: $0, type: .string) }
        #expect(
            try EventColumns(of: "a.b", fields: fields).columns.dropFirst(6).map(\.name)
                == ["data.data.event_id", "data.Keyspace", "data.event_id", "amount"])
    }

    @Test("an event type with too many fields is refused")
    func tooManyColumns() throws {
        let fields = (0..<Limits.parquetColumnsMax - 6).map { Field(name: "f\($0)", type: .string) }
        #expect(try EventColumns(of: "a.b", fields: fields).columns.count == Limits.parquetColumnsMax)
        let problem = #expect(throws: Problem.self) {
            try EventColumns(of: "a.b", fields: fields + [Field(name: "one more", type: .string)])
        }
        #expect(problem?.code == .invalidParameter && problem?.detail.contains("a.b") == true)
    }

    @Test("fields that differ only in capital letters have columns that do not, and the first one keeps its name")
    func capitals() throws {
        func names(_ fields: String...) throws -> [String] {
            let fields = fields.map { Field(name: $0, type: .string) }
            return try EventColumns(of: "a.b", fields: fields).columns.dropFirst(6).map(\.name)
        }
        let both = try names("Amount", "amount")
        #expect(both[1] == "amount" && both[0].hasPrefix("Amount_") && both[0].count == 15)
        #expect(try names("other", "Amount", "amount", "more") == ["other", both[0], "amount", "more"])
        let three = try names("AMOUNT", both[0], "Amount", "amount")
        #expect(Set(three.map { $0.lowercased() }).count == 4)
        #expect(Set(try names("Event_ID", "event_id").map { $0.lowercased() }).count == 2)
    }
}
