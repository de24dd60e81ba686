import OvationCore

/// The columns of an export as CSV.
public struct CSVColumns: Sendable {
    /// A column for each of these fields instead of one with the data as JSON. nil where there can be several event
    /// types, which have different fields.
    public let fields: [String]?
    /// Whether a text that a spreadsheet would calculate gets an apostrophe before it.
    public let guardsFormulas: Bool
    /// Whether a byte order mark stands before everything, by which some spreadsheets know UTF-8.
    public let hasMark: Bool
    fileprivate let fieldNames: [[UInt8]]

    public init(fields: [String]?, guardsFormulas: Bool, hasMark: Bool = false) {
        self.fields = fields
        self.guardsFormulas = guardsFormulas
        self.hasMark = hasMark
        fieldNames = (fields ?? []).map { Array($0.utf8) }
    }
}

/// RFC 4180: commas, CRLF, and quotes around what needs them.
extension JSONWriter {
    mutating func append(csvHeader columns: CSVColumns) {
        if columns.hasMark { bytes.append(contentsOf: [0xEF, 0xBB, 0xBF]) }
        append(raw: "event_id,received_at,event_time,section,keyspace,profile_key,event_type,version_id")
        guard let fields = columns.fields else {
            append(raw: ",data\r\n")
            return
        }
        for field in fields {
            append(raw: ",")
            // With a word before it, so that no field has the name of another column.
            appendQuotedIfNeeded(Array("data.\(field)".utf8), guardsFormulas: columns.guardsFormulas)
        }
        append(raw: "\r\n")
    }

    mutating func append(csv event: ExportedEvent, _ columns: CSVColumns) {
        append(event.id)
        append(raw: ",")
        event.receivedAt.append(to: &bytes)
        append(raw: ",")
        event.eventTime.append(to: &bytes)
        append(raw: ",")
        bytes.append(contentsOf: event.section)
        append(raw: ",")
        bytes.append(contentsOf: event.keyspace)
        append(raw: ",")
        appendQuotedIfNeeded(event.key, guardsFormulas: columns.guardsFormulas)
        append(raw: ",")
        bytes.append(contentsOf: event.eventType)
        append(raw: ",")
        append(event.version)
        if columns.fields == nil {
            append(raw: ",")
            appendQuoted(columns.guardsFormulas ? FormulaGuard.escaped(json: event.data) : Array(event.data))
        } else {
            append(fieldsOf: event.data, columns)
        }
        append(raw: "\r\n")
    }

    private mutating func append(fieldsOf data: UnsafeBufferPointer<UInt8>, _ columns: CSVColumns) {
        var members: [FlatObject.Member] = []
        var object = FlatObject(data)
        while let member = object.next() { members.append(member) }
        for name in columns.fieldNames {
            append(raw: ",")
            guard let member = members.first(where: { data[$0.name].elementsEqual(name) }) else { continue }
            if member.isText {
                let text = FlatObject.unescaped(data[member.value])
                if text.isEmpty {
                    // Told apart from a field that is not there.
                    append(raw: "\"\"")
                } else {
                    appendQuotedIfNeeded(text, guardsFormulas: columns.guardsFormulas)
                }
            } else {
                bytes.append(contentsOf: data[member.value])
            }
        }
    }

    mutating func appendQuotedIfNeeded(_ text: some Collection<UInt8>, guardsFormulas: Bool) {
        let guarded = guardsFormulas ? FormulaGuard.guarded(Array(text)) : nil
        let needsQuotes = text.contains { $0 == 0x22 || $0 == 0x2C || $0 == 0x0A || $0 == 0x0D }
        if let guarded {
            appendQuoted(guarded)
        } else if needsQuotes {
            appendQuoted(text)
        } else {
            bytes.append(contentsOf: text)
        }
    }

    private mutating func appendQuoted(_ text: some Collection<UInt8>) {
        bytes.append(UInt8(ascii: "\""))
        appendDoublingQuotes(text)
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func appendDoublingQuotes(_ text: some Collection<UInt8>) {
        for byte in text {
            if byte == UInt8(ascii: "\"") { bytes.append(byte) }
            bytes.append(byte)
        }
    }
}

/// Keeps a spreadsheet from calculating texts as formulas.
///
/// It is unknown which spreadsheet opens the file, and where it begins a cell: in many countries a semicolon separates
/// cells, and then quotes in the middle of a cell mean nothing, and each line end begins a row. So the guard is in
/// every place where a cell can begin.
enum FormulaGuard {
    /// With an apostrophe before each beginning of a formula; nil if there is none.
    static func guarded(_ text: [UInt8]) -> [UInt8]? {
        var result: [UInt8] = []
        var isStart = true
        for (index, byte) in text.enumerated() {
            if (isStart && beginsFormula(text, index)) || (index == 0 && (byte == 0x09 || byte == 0x0D)) {
                if result.isEmpty { result = Array(text[..<index]) }
                result.append(UInt8(ascii: "'"))
                result.append(byte)
            } else if !result.isEmpty {
                result.append(byte)
            }
            isStart = separators.contains(byte) || (isStart && isPassedOver(text, index))
        }
        return result.isEmpty ? nil : result
    }

    /// JSON in which such a character has its escape, so that the value stays.
    static func escaped(json: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        let text = Array(json)
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        var isStart = false
        var index = 0
        while index < text.count {
            if isStart, beginsFormula(text, index) {
                let isWide = text[index] == 0xEF
                result.append(contentsOf: (isWide ? "\\uff" : "\\u00").utf8)
                // The full-width forms stand in the order of ASCII.
                let code = isWide ? (text[index + 2] & 0x3F) | (text[index + 1] & 0x03) << 6 : text[index]
                result.append(contentsOf: (code < 16 ? "0" : "").utf8)
                result.append(contentsOf: String(code, radix: 16).utf8)
                index += isWide ? 3 : 1
                isStart = false
                continue
            }
            result.append(text[index])
            isStart = separators.contains(text[index]) || (isStart && isPassedOver(text, index))
            index += 1
        }
        return result
    }

    /// Comma, semicolon, tab, line feed, carriage return.
    private static let separators: [UInt8] = [0x2C, 0x3B, 0x09, 0x0A, 0x0D]

    /// Blanks and quotes, which some leave out where a cell begins.
    private static func isPassedOver(_ text: [UInt8], _ index: Int) -> Bool {
        switch text[index] {
        case UInt8(ascii: " "), UInt8(ascii: "\""): true
        // A no-break space, in its two bytes.
        case 0xC2: index + 1 < text.count && text[index + 1] == 0xA0
        case 0xA0: index > 0 && text[index - 1] == 0xC2
        default: false
        }
    }

    /// `=`, `+`, `-`, `@`, and their full-width forms, which become the same.
    private static func beginsFormula(_ text: [UInt8], _ index: Int) -> Bool {
        switch text[index] {
        case UInt8(ascii: "="), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "@"): true
        case 0xEF:
            index + 2 < text.count && text[index + 1] == 0xBC && [0x9D, 0x8B, 0x8D, 0xA0].contains(text[index + 2])
        default: false
        }
    }
}
