public import OvationCore

/// An event as an export gives it. Texts are UTF-8 that lives elsewhere, since there are millions.
public struct ExportedEvent {
    public let id: Int64
    public let eventTime: Timestamp
    public let receivedAt: Timestamp
    public let version: EventVersion.ID
    /// Discriminators, which have nothing to escape.
    public let section: [UInt8]
    public let eventType: [UInt8]
    public let keyspace: [UInt8]
    public let key: UnsafeBufferPointer<UInt8>
    /// Compact JSON.
    public let data: UnsafeBufferPointer<UInt8>

    public init(
        id: Int64, eventTime: Timestamp, receivedAt: Timestamp, version: EventVersion.ID, section: [UInt8],
        eventType: [UInt8], keyspace: [UInt8], key: UnsafeBufferPointer<UInt8>, data: UnsafeBufferPointer<UInt8>
    ) {
        self.id = id
        self.eventTime = eventTime
        self.receivedAt = receivedAt
        self.version = version
        self.section = section
        self.eventType = eventType
        self.keyspace = keyspace
        self.key = key
        self.data = data
    }
}

/// How an export writes events as text.
public enum ExportFormat: Sendable {
    /// Lines that a bulk upload takes.
    case ndjson
    case csv(CSVColumns)
}

/// What an export is: lines of text, or a table.
public enum ExportKind: Sendable {
    case lines(ExportFormat)
    case parquet(EventColumns)

    /// The type of a file of Parquet.
    public static let parquetMediaType = "application/vnd.apache.parquet"
}

extension JSONWriter {
    /// What stands before the first event.
    public mutating func append(headerOf format: ExportFormat) {
        if case .csv(let columns) = format { append(csvHeader: columns) }
    }

    /// One line.
    public mutating func append(_ event: ExportedEvent, as format: ExportFormat) {
        switch format {
        case .ndjson: append(line: event)
        case .csv(let columns): append(csv: event, columns)
        }
    }

    /// What a bulk upload reads comes first, and what only this store knows comes last.
    private mutating func append(line event: ExportedEvent) {
        append(raw: "{\"keyspace\":\"")
        bytes.append(contentsOf: event.keyspace)
        append(raw: "\",\"profile_key\":")
        append(string: event.key)
        append(raw: ",\"event_time\":\"")
        event.eventTime.append(to: &bytes)
        append(raw: "\",\"version_id\":\"")
        append(event.version)
        append(raw: "\",\"data\":")
        bytes.append(contentsOf: event.data)
        append(raw: ",\"event_id\":\"")
        append(event.id)
        append(raw: "\",\"received_at\":\"")
        event.receivedAt.append(to: &bytes)
        append(raw: "\"}\n")
    }
}
