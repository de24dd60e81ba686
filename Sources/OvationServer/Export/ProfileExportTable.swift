import NIOPosix
import OvationCore
import OvationWire
import Synchronization

/// The columns of an export of profiles as Parquet: those of CSV, each with the type of its values.
struct ProfileExportColumns: Sendable {
    let profiles: ProfileColumns
    /// Of the attributes, in their order.
    let kinds: [ParquetColumn.Kind]

    /// - Throws: `invalid_parameter` where there are more than ``Limits/parquetColumnsMax``.
    init(_ profiles: ProfileColumns, in section: Section, of catalogue: Catalogue) throws(Problem) {
        guard profiles.count <= Limits.parquetColumnsMax else {
            throw Problem(
                .invalidParameter,
                "The section would have \(profiles.count) columns, and a file of Parquet has "
                    + "\(Limits.parquetColumnsMax) at most; leave out 'format'.")
        }
        self.profiles = profiles
        let attributes = Dictionary(
            catalogue.listedAttributes(in: section.discriminator).map { ($0.number, $0) }, uniquingKeysWith: { $1 })
        kinds = profiles.attributes.map { number, _ in
            ParquetColumn.Kind(ofAll: attributes[number]?.versions.all.map(\.content) ?? [])
        }
    }

    /// As the header of CSV names them.
    var all: [ParquetColumn] {
        [
            ParquetColumn("profile_id", .text, isRequired: true),
            ParquetColumn("created_at", .timestamp, isRequired: true),
            ParquetColumn("state", .text, isRequired: true),
        ] + profiles.keyspaces.map { ParquetColumn("keys." + $0.name, .text) }
            + zip(profiles.attributes, kinds).map { ParquetColumn("attributes." + $0.name, $1) }
            + profiles.tags.map { ParquetColumn("tags." + $0.name, .boolean) }
            + profiles.consents.map { ParquetColumn("consents.\($0.topic).\($0.channel)", .text) }
            + profiles.optOuts.map { ParquetColumn("opt_outs." + $0, .text) }
    }
}

extension ParquetColumn.Kind {
    /// For the values of all versions: where they have several types, a double for numbers, and else a text.
    fileprivate init(ofAll versions: [AttributeContent]) {
        let kinds = Set(versions.map { ParquetColumn.Kind($0) })
        if let one = kinds.first, kinds.count == 1 {
            self = one
        } else {
            self = kinds == [.integer, .double] ? .double : .text
        }
    }

    private init(_ content: AttributeContent) {
        self =
            switch (content.type, content.renderHint) {
            case (.string, .date): .date
            case (.integer, .timestamp): .timestamp
            case (.string, _): .text
            case (.integer, _): .integer
            case (.double, _): .double
            case (.boolean, _): .boolean
            }
    }
}

/// A table that is filled on an event loop, and whose row groups are encoded on another thread.
final class ProfileExportTable: Sendable {
    let columns: ProfileExportColumns
    private let table: Mutex<ParquetTable>

    init(_ columns: ProfileExportColumns) {
        self.columns = columns
        table = Mutex(ParquetTable(columns: columns.all, compression: GzipCompression()))
    }

    /// - Returns: false: no key of it may be read, and nothing is written.
    func append(_ data: ProfileData, _ lines: inout ProfileLines) -> Bool {
        table.withLock { lines.append(data, columns, to: &$0) }
    }

    var isFull: Bool { table.withLock { $0.isRowGroupFull } }

    /// The next bytes of the file.
    func take() async throws -> [UInt8] {
        try await NIOThreadPool.singleton.runIfActive {
            try self.table.withLock { table in
                try table.endRowGroup()
                return table.take()
            }
        }
    }

    /// The rest of the file.
    func finish(_ summary: Bodies.ProfileExportSummary) async throws -> [UInt8] {
        let text = String(decoding: JSONWriter.write(summary.json), as: UTF8.self)
        return try await NIOThreadPool.singleton.runIfActive {
            try self.table.withLock { table in
                try table.finish(metadata: [(EventTable.summaryKey, text)])
                return table.take()
            }
        }
    }
}

extension ProfileLines {
    /// - Returns: false: no key of it may be read, and nothing is written.
    mutating func append(_ data: ProfileData, _ columns: ProfileExportColumns, to table: inout ParquetTable) -> Bool {
        let shown = shown(data.profile)
        guard !shown.isEmpty else { return false }
        table.append(text: data.profile.id.hex.utf8, to: 0)
        table.append(timestamp: data.profile.createdAt, to: 1)
        table.append(text: (data.profile.state == .locked ? "locked" : "open").utf8, to: 2)
        var column = 3
        for (number, _) in columns.profiles.keyspaces {
            let texts = shown.filter { $0.key.keyspace == number }.map(\.key.text)
            if !texts.isEmpty { table.append(text: texts.joined(separator: "\n").utf8, to: column) }
            column += 1
        }
        let held = data.sections.first { $0.section == view.section.number }
        for ((number, _), kind) in zip(columns.profiles.attributes, columns.kinds) {
            if let field = held?[.attribute(number)], name(of: field, shown) != nil {
                table.append(field.value.value, as: kind, to: column)
            }
            column += 1
        }
        for (number, _) in columns.profiles.tags {
            if let field = held?[.tag(number)], name(of: field, shown) != nil {
                table.append(boolean: true, to: column)
            }
            column += 1
        }
        append(consentsOf: data, shown, columns.profiles, from: column, to: &table)
        table.endRow()
        return true
    }

    private func append(
        consentsOf data: ProfileData, _ shown: [ShownKey], _ columns: ProfileColumns, from first: Int,
        to table: inout ParquetTable
    ) {
        let consents = consents(of: data, shown)
        var column = first
        for (topic, channel) in columns.consents {
            let consent = consents.items.first { $0.topicDiscriminator == topic && $0.channelDiscriminator == channel }
            if let consent { table.append(text: consent.type.rawValue.utf8, to: column) }
            column += 1
        }
        for channel in columns.optOuts {
            let optOuts = consents.optOuts.filter { $0.channelDiscriminator == channel }
            if !optOuts.isEmpty {
                let scope = optOuts.contains { $0.isOfAccount } ? "account" : "section"
                table.append(text: scope.utf8, to: column)
            }
            column += 1
        }
    }
}

extension ParquetTable {
    /// A value in the column of all versions of its attribute.
    fileprivate mutating func append(_ value: FieldValue, as kind: ParquetColumn.Kind, to column: Int) {
        switch (kind, value) {
        case (.text, .string(let text)): append(text: text.utf8, to: column)
        case (.text, .integer(let number)): append(text: String(number).utf8, to: column)
        case (.text, .double(let number)):
            var writer = JSONWriter()
            writer.append(number)
            append(text: writer.bytes, to: column)
        case (.text, .boolean(let flag)): append(text: (flag ? "true" : "false").utf8, to: column)
        case (.integer, .integer(let number)): append(integer: number, to: column)
        case (.double, .double(let number)): append(double: number, to: column)
        case (.double, .integer(let number)): append(double: Double(number), to: column)
        case (.boolean, .boolean(let flag)): append(boolean: flag, to: column)
        case (.timestamp, .integer(let seconds)):
            append(timestamp: Timestamp(milliseconds: seconds * 1000), to: column)
        case (.date, .string(let text)):
            guard let midnight = Timestamp(rfc3339: text + "T00:00:00Z") else { return }
            append(days: Int32(truncatingIfNeeded: midnight.milliseconds / 86_400_000), to: column)
        // The kind is that of the versions of all values.
        default: return
        }
    }
}
