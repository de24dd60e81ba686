/// One row of a file.
public struct CSVRow: Sendable, Equatable {
    /// The line of the file that it begins in, from 1.
    public let line: Int64
    /// Bytes of the file up to its end, its line break among them.
    public let end: Int64
    /// The line that the next row begins in.
    public let nextLine: Int64
    public let fields: [String]
    /// Text stands behind the quotes of a field.
    public let isMalformed: Bool

    /// A line with nothing in it.
    public var isEmpty: Bool { fields.count == 1 && fields[0].isEmpty }
}

/// Why a file is no CSV at all, with the line.
public enum CSVFailure: Error, Sendable, Equatable {
    /// A row has more bytes than ``Limits/csvRowBytesMax``.
    case rowTooLong(line: Int64)
    /// A row has more fields than ``Limits/csvColumnsMax``.
    case tooManyFields(line: Int64)
    /// The file ends within quotes that began in this line.
    case openQuotes(line: Int64)
    /// It is not UTF-8.
    case encoding(line: Int64)
    /// It has a NUL, which no text has.
    case binary(line: Int64)
}

/// Reads RFC 4180 as it arrives: UTF-8 with or without a byte order mark; comma, semicolon, tab or pipe, told from the first
/// row; quotes; line breaks in quotes; lines that end with CRLF, LF or CR.
///
/// It holds one row and the bytes that were given last, so its memory has a bound. Rows do not depend on how the bytes are cut.
public struct CSVReader: Sendable {
    /// nil: the first row will tell.
    public private(set) var delimiter: UInt8?
    private var buffer: [UInt8] = []
    /// Where the next row begins in the buffer.
    private var start = 0
    /// Bytes of the file before the buffer.
    private var offset: Int64
    private var line: Int64
    private var isFinished = false

    /// - Parameters:
    ///   - delimiter: nil: the first row tells.
    ///   - offset: bytes of the file before the first that are given.
    ///   - line: that they begin in, from 1.
    public init(delimiter: UInt8? = nil, offset: Int64 = 0, line: Int64 = 1) {
        self.delimiter = delimiter
        self.offset = offset
        self.line = line
    }

    /// More of the file.
    public mutating func append(_ bytes: some Collection<UInt8>) {
        if start > 0 {
            buffer.removeFirst(start)
            offset += Int64(start)
            start = 0
        }
        buffer.append(contentsOf: bytes)
    }

    /// There is no more.
    public mutating func finish() { isFinished = true }

    /// The next row; nil: more has to come, or there is none.
    public mutating func next() throws(CSVFailure) -> CSVRow? {
        guard let (cut, row) = try read(keepsTexts: true) else { return nil }
        defer { line += cut.breaks }
        return CSVRow(
            line: line, end: offset + Int64(cut.next), nextLine: line + cut.breaks, fields: row.fields,
            isMalformed: row.isMalformed)
    }

    /// Passes over the next row, and fails as ``next()`` does. It makes no texts, so a whole file is soon checked.
    /// - Returns: false: more has to come, or there is none.
    public mutating func skip() throws(CSVFailure) -> Bool {
        guard let (cut, _) = try read(keepsTexts: false) else { return false }
        line += cut.breaks
        return true
    }

    /// The next row moves behind the start; its line is still ``line``.
    private mutating func read(keepsTexts: Bool) throws(CSVFailure) -> (Cut, RowFields)? {
        if offset + Int64(start) == 0 {
            // A byte order mark; three bytes tell.
            guard buffer.count >= 3 || isFinished else { return nil }
            if buffer.starts(with: [0xFF, 0xFE]) || buffer.starts(with: [0xFE, 0xFF]) { throw .encoding(line: 1) }
            if buffer.starts(with: [0xEF, 0xBB, 0xBF]) { start = 3 }
        }
        guard let cut = try cut() else { return nil }
        let delimiter = self.delimiter ?? CSVReader.delimiter(of: buffer[start..<cut.end])
        var row = RowFields(delimiter: delimiter, keepsTexts: keepsTexts)
        buffer.withUnsafeBufferPointer { row.read(UnsafeBufferPointer(rebasing: $0[start..<cut.end])) }
        guard row.isUTF8 else { throw .encoding(line: line) }
        guard row.count <= Limits.csvColumnsMax else { throw .tooManyFields(line: line) }
        self.delimiter = delimiter
        start = cut.next
        return (cut, row)
    }

    // MARK: Where a row ends

    private struct Cut {
        /// Behind the last byte of the row.
        let end: Int
        /// Behind its line break.
        let next: Int
        /// Line breaks in it and behind it.
        let breaks: Int64
    }

    /// nil: its end has not come, or nothing is left.
    private func cut() throws(CSVFailure) -> Cut? {
        var index = start
        var breaks: Int64 = 0
        var quotesLine: Int64?
        var closedAt: Int?
        // Quotes open a field where it begins, and nowhere else. Before the delimiter is known each may be it.
        var isAtField = true
        while index < buffer.count {
            let byte = buffer[index]
            switch byte {
            case 0: throw .binary(line: line + breaks)
            case UInt8(ascii: "\""):
                if quotesLine != nil {
                    quotesLine = nil
                    closedAt = index
                } else if isAtField || closedAt == index - 1 {
                    quotesLine = line + breaks
                }
                isAtField = false
            case 0x0A, 0x0D:
                // Whether CR stands before LF is seen in the next byte.
                if byte == 0x0D, index + 1 == buffer.count, !isFinished { return try tooLong() }
                let isPair = byte == 0x0D && index + 1 < buffer.count && buffer[index + 1] == 0x0A
                breaks += 1
                guard quotesLine != nil else {
                    guard index - start <= Limits.csvRowBytesMax else { throw .rowTooLong(line: line) }
                    return Cut(end: index, next: index + (isPair ? 2 : 1), breaks: breaks)
                }
                if isPair { index += 1 }
            default: isAtField = delimiter.map { $0 == byte } ?? CSVReader.delimiters.contains(byte)
            }
            index += 1
        }
        guard isFinished else { return try tooLong() }
        guard index > start else { return nil }
        if let quotesLine { throw .openQuotes(line: quotesLine) }
        guard index - start <= Limits.csvRowBytesMax else { throw .rowTooLong(line: line) }
        return Cut(end: index, next: index, breaks: breaks)
    }

    private func tooLong() throws(CSVFailure) -> Cut? {
        guard buffer.count - start <= Limits.csvRowBytesMax else { throw .rowTooLong(line: line) }
        return nil
    }

    /// In the order in which one is chosen where several are as frequent.
    private static let delimiters: [UInt8] = [",", ";", "\t", "|"].map { UInt8(ascii: $0) }

    /// The most frequent one outside quotes; a comma where there is none.
    private static func delimiter(of header: ArraySlice<UInt8>) -> UInt8 {
        var counts = [0, 0, 0, 0]
        var isInQuotes = false
        for byte in header {
            if byte == UInt8(ascii: "\"") { isInQuotes.toggle() }
            if !isInQuotes, let index = delimiters.firstIndex(of: byte) { counts[index] += 1 }
        }
        let most = counts.max() ?? 0
        return counts.firstIndex(of: most).map { delimiters[$0] } ?? delimiters[0]
    }
}

/// Takes one row apart.
private struct RowFields {
    let delimiter: UInt8
    /// Otherwise fields are counted only.
    let keepsTexts: Bool
    private(set) var fields: [String] = []
    private(set) var count = 0
    private(set) var isUTF8 = true
    private(set) var isMalformed = false

    init(delimiter: UInt8, keepsTexts: Bool) {
        self.delimiter = delimiter
        self.keepsTexts = keepsTexts
    }

    mutating func read(_ row: UnsafeBufferPointer<UInt8>) {
        // A delimiter is one byte of ASCII, so the row is UTF-8 where its fields are.
        if !keepsTexts { isUTF8 = String(validating: row, as: UTF8.self) != nil }
        var index = 0
        while true {
            if index < row.count, row[index] == UInt8(ascii: "\"") {
                index = quoted(row, from: index + 1)
            } else {
                let end = row[index...].firstIndex(of: delimiter) ?? row.count
                add(UnsafeBufferPointer(rebasing: row[index..<end]))
                index = end
            }
            guard index < row.count else { return }
            // The delimiter.
            index += 1
        }
    }

    /// - Returns: where its delimiter stands, or the end of the row.
    private mutating func quoted(_ row: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
        var text: [UInt8] = []
        var (index, copied, close) = (start, start, row.count)
        while let quote = row[index...].firstIndex(of: UInt8(ascii: "\"")) {
            guard quote + 1 < row.count, row[quote + 1] == UInt8(ascii: "\"") else {
                close = quote
                break
            }
            // Two stand for one.
            text += row[copied...quote]
            index = quote + 2
            copied = index
        }
        let behind = min(close + 1, row.count)
        let end = row[behind...].firstIndex(of: delimiter) ?? row.count
        if end > behind { isMalformed = true }
        if text.isEmpty, end == behind {
            add(UnsafeBufferPointer(rebasing: row[copied..<close]))
        } else {
            text += row[copied..<close]
            text += row[behind..<end]
            text.withUnsafeBufferPointer { add($0) }
        }
        return end
    }

    private mutating func add(_ bytes: UnsafeBufferPointer<UInt8>) {
        count += 1
        guard keepsTexts else { return }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            isUTF8 = false
            return
        }
        fields.append(text)
    }
}
