import NIOCore
import NIOPosix
import OvationCore
import OvationWire
import Synchronization

/// What an export has written and not yet sent, in its format.
struct ExportWriter {
    /// Bytes that are written at once.
    static let partBytes = 256 * 1024

    /// A row group is encoded on another thread.
    private final class Table: Sendable {
        let events: Mutex<EventTable>

        init(_ columns: EventColumns) {
            events = Mutex(EventTable(columns, compression: GzipCompression()))
        }
    }

    private let kind: ExportKind
    private var lines = JSONWriter()
    private let table: Table?

    init(_ kind: ExportKind) {
        self.kind = kind
        switch kind {
        case .lines(let format):
            table = nil
            lines.bytes.reserveCapacity(2 * ExportWriter.partBytes)
            lines.append(headerOf: format)
        case .parquet(let columns): table = Table(columns)
        }
    }

    mutating func append(_ event: ExportedEvent) {
        switch kind {
        case .lines(let format): lines.append(event, as: format)
        case .parquet: table?.events.withLock { $0.append(event) }
        }
    }

    mutating func append(line: JSONValue) {
        lines.append(line)
        lines.append(raw: "\n")
    }

    /// Whether there is as much as is sent at once.
    var isFull: Bool {
        if let table { return table.events.withLock { $0.table.isRowGroupFull } }
        return lines.bytes.count >= ExportWriter.partBytes
    }

    /// What has to be sent when it is full. To encode a row group takes a tenth of a second, and the event loop serves others
    /// meanwhile.
    mutating func take() async throws -> ByteBuffer {
        guard let table else {
            defer { lines.bytes.removeAll(keepingCapacity: true) }
            return ByteBuffer(bytes: lines.bytes)
        }
        let bytes = try await NIOThreadPool.singleton.runIfActive {
            try table.events.withLock { events in
                try events.table.endRowGroup()
                return events.table.take()
            }
        }
        return ByteBuffer(bytes: bytes)
    }

    /// Lets the event loop serve others where nothing is to be sent yet: the rows of a row group are many stretches.
    func giveTurn() async throws {
        guard table != nil else { return }
        // What goes on from another thread comes behind what waits for the loop.
        try await NIOThreadPool.singleton.runIfActive {}
    }

    /// The rest, with what a format has at its end.
    /// - Parameter isWanted: whether the reader has asked for the summary. A file of Parquet has it in any case, in its footer.
    mutating func finish(_ summary: Bodies.ExportSummary, isWanted: Bool) async throws -> ByteBuffer {
        guard let table else {
            var end = Bodies.ExportEnd()
            end.summary = summary
            if isWanted { append(line: end.json) }
            return ByteBuffer(bytes: lines.bytes)
        }
        let bytes = try await NIOThreadPool.singleton.runIfActive {
            try table.events.withLock { events in
                try events.finish(summary)
                return events.table.take()
            }
        }
        return ByteBuffer(bytes: bytes)
    }
}
