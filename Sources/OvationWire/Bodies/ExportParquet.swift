public import OvationCore

/// The columns of an export as Parquet: what every event has, and one for each field that a version of the event type has.
public struct EventColumns: Sendable {
    public let columns: [ParquetColumn]
    /// By the names of the fields.
    fileprivate let byName: [[UInt8]: Int]
    fileprivate let fieldNames: [[UInt8]]

    /// What every event has. A column of a field that has one of these names begins with `data.`.
    fileprivate static let fixed = [
        ParquetColumn("event_id", .integer, isRequired: true),
        ParquetColumn("event_time", .timestamp, isRequired: true),
        ParquetColumn("received_at", .timestamp, isRequired: true),
        ParquetColumn("version_id", .integer, isRequired: true),
        ParquetColumn("keyspace", .text, isRequired: true),
        ParquetColumn("profile_key", .text, isRequired: true),
    ]

    /// - Parameters:
    ///   - eventType: its discriminator.
    ///   - fields: of all versions, the newest version's first. A field with several types has a column for all their values:
    ///     a double for integers and doubles, and else a text.
    /// - Throws: `invalid_parameter` where there are more than ``Limits/parquetColumnsMax``.
    public init(of eventType: String, fields: [Field]) throws(Problem) {
        var names: [String] = []
        var kinds: [String: ParquetColumn.Kind] = [:]
        for field in fields {
            let kind = EventColumns.kind(field.type)
            guard let known = kinds[field.name] else {
                names.append(field.name)
                kinds[field.name] = kind
                continue
            }
            kinds[field.name] = EventColumns.common(known, kind)
        }
        let count = EventColumns.fixed.count + names.count
        guard count <= Limits.parquetColumnsMax else {
            throw Problem(
                .invalidParameter,
                "The versions of \(eventType.quoted) have \(names.count) fields together; Parquet takes "
                    + "\(Limits.parquetColumnsMax - EventColumns.fixed.count). Export it as ndjson.")
        }
        let columnNames = EventColumns.columnNames(fields)
        columns = EventColumns.fixed + names.map { ParquetColumn(columnNames[$0] ?? $0, kinds[$0] ?? .text) }
        fieldNames = names.map { Array($0.utf8) }
        // The same letters can be other bytes in another version.
        let places = Dictionary(uniqueKeysWithValues: zip(names, names.indices))
        byName = Dictionary(
            fields.map { (Array($0.name.utf8), places[$0.name] ?? 0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The columns of the fields, by the names of the fields. No two differ only in capital and small letters: many programs
    /// do not tell such columns apart. The field that came first keeps its name, so that a new version renames no column of
    /// the files before.
    private static func columnNames(_ fields: [Field]) -> [String: String] {
        var taken = Set(fixed.map(\.name))
        let all = Set(fields.map { $0.name.lowercased() })
        var columns: [String: String] = [:]
        for field in fields.reversed() where columns[field.name] == nil {
            var column = field.name
            if taken.contains(column.lowercased()), fixed.contains(where: { $0.name == column.lowercased() }) {
                repeat { column = "data." + column } while all.contains(column.lowercased())
            }
            while taken.contains(column.lowercased()) { column = field.name + "_" + suffix(column) }
            taken.insert(column.lowercased())
            columns[field.name] = column
        }
        return columns
    }

    /// Of a name alone: it is the same in each file, whatever other fields there are.
    private static func suffix(_ name: String) -> String {
        let digits = String(Array(name.utf8).withUnsafeBytes { StableHash.of($0) } & 0xFFFF_FFFF, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }

    private static func kind(_ type: FieldType) -> ParquetColumn.Kind {
        switch type {
        case .string: .text
        case .integer: .integer
        case .double: .double
        case .boolean: .boolean
        }
    }

    private static func common(_ left: ParquetColumn.Kind, _ right: ParquetColumn.Kind) -> ParquetColumn.Kind {
        if left == right { return left }
        return Set([left, right]) == [.integer, .double] ? .double : .text
    }
}

/// Writes events of one event type as rows of a table in Parquet.
public struct EventTable: Sendable {
    /// The keys of what the footer says of the export: a ``Bodies/ExportSummary`` as JSON, and the ids of the first and the last
    /// event.
    public static let summaryKey = "summary"
    public static let firstKey = "first_event_id"
    public static let lastKey = "last_event_id"

    public var table: ParquetTable
    private var first: Int64?
    private var last: Int64?
    private let columns: EventColumns
    /// The field behind the last one: most events have their fields in the order of the columns.
    private var likely = 0

    public init(_ columns: EventColumns, compression: any PageCompression) {
        self.columns = columns
        table = ParquetTable(columns: columns.columns, compression: compression)
    }

    /// Writes the end of the file.
    public mutating func finish(_ summary: Bodies.ExportSummary) throws(Problem) {
        var metadata = [
            (key: EventTable.summaryKey, value: String(decoding: JSONWriter.write(summary.json), as: UTF8.self))
        ]
        if let first, let last {
            metadata += [(EventTable.firstKey, String(first)), (EventTable.lastKey, String(last))]
        }
        try table.finish(metadata: metadata)
    }

    public mutating func append(_ event: ExportedEvent) {
        first = first ?? event.id
        last = event.id
        table.append(integer: event.id, to: 0)
        table.append(timestamp: event.eventTime, to: 1)
        table.append(timestamp: event.receivedAt, to: 2)
        table.append(integer: event.version, to: 3)
        table.append(text: event.keyspace, to: 4)
        table.append(text: event.key, to: 5)
        likely = 0
        var object = FlatObject(event.data)
        while let member = object.next() {
            guard let field = field(named: event.data[member.name]) else { continue }
            append(event.data[member.value], isText: member.isText, to: EventColumns.fixed.count + field)
        }
        table.endRow()
    }

    private mutating func field(named name: Slice<UnsafeBufferPointer<UInt8>>) -> Int? {
        let names = columns.fieldNames
        let found =
            likely < names.count && names[likely].elementsEqual(name) ? likely : columns.byName[Array(name)]
        if let found { likely = found + 1 }
        return found
    }

    private mutating func append(_ value: Slice<UnsafeBufferPointer<UInt8>>, isText: Bool, to column: Int) {
        switch columns.columns[column].kind {
        case .text:
            if isText, value.contains(UInt8(ascii: "\\")) {
                table.append(text: FlatObject.unescaped(value), to: column)
            } else {
                table.append(text: value, to: column)
            }
        case .integer, .timestamp, .date:
            if let integer = EventTable.integer(value) { table.append(integer: integer, to: column) }
        case .double:
            if let integer = EventTable.integer(value), integer.magnitude < 1 << 53 {
                table.append(double: Double(integer), to: column)
            } else if let double = Double(String(decoding: value, as: UTF8.self)) {
                table.append(double: double, to: column)
            }
        case .boolean: table.append(boolean: value.first == UInt8(ascii: "t"), to: column)
        }
    }

    /// nil: these are not the digits of an integer of 64 bits.
    private static func integer(_ text: Slice<UnsafeBufferPointer<UInt8>>) -> Int64? {
        let isNegative = text.first == UInt8(ascii: "-")
        let digits = isNegative ? text.dropFirst() : text
        guard !digits.isEmpty, digits.count <= 19 else { return nil }
        var magnitude: UInt64 = 0
        for byte in digits {
            guard byte &- 48 <= 9 else { return nil }
            magnitude = magnitude * 10 + UInt64(byte &- 48)
        }
        guard magnitude <= UInt64(Int64.max) + (isNegative ? 1 : 0) else { return nil }
        return isNegative ? Int64(truncatingIfNeeded: 0 &- magnitude) : Int64(magnitude)
    }
}
