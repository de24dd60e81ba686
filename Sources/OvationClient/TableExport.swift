import OvationCore
public import OvationWire
import Synchronization

/// Where a file of Parquet goes, and what hears of it while it comes.
public protocol TableObserver: TransferObserver {
    /// The next bytes of the file. What it throws ends the export.
    func write(_ bytes: UnsafeRawBufferPointer) throws
    /// Takes back all that was written.
    /// - Returns: false where that cannot be.
    func restart() throws -> Bool
    /// The last bytes that were written, as many as are asked for; nil where they cannot be read.
    func end(_ count: Int) throws -> [UInt8]?
}

/// The events of one type as a file of Parquet. After a break it begins anew: nobody can go on in the middle of such a file.
public struct TableExport: Sendable {
    let client: APIClient
    let section: String
    let query: [QueryParameter]
    let observer: any TableObserver

    /// - Parameter query: parameters of the endpoint, but for `format`, with one event type.
    public init(
        of section: String, query: [QueryParameter], through client: APIClient, observer: any TableObserver
    ) {
        self.section = section
        self.query = query
        self.client = client
        self.observer = observer
    }

    /// What the file has, by its footer.
    public struct Result: Sendable {
        public let summary: Bodies.ExportSummary
        /// The ids of its first and its last event; nil where there is none.
        public let first: Int64?
        public let last: Int64?
    }

    /// - Returns: nil where the observer cannot read the end of the file.
    /// - Throws: ``ClientFailure``, or what the observer threw.
    public func run() async throws -> Result? {
        var retries = Retries()
        let received = Mutex(0)
        while true {
            do {
                try await attempt(received)
                return try result()
            } catch let failure as ClientFailure where failure.isPassing {
                guard let seconds = retries.pause(progress: received.withLock { $0 }), try observer.restart() else {
                    throw failure
                }
                observer.pauses(after: failure, seconds: seconds)
                try await client.sleep(.seconds(seconds))
                observer.goesOn()
            }
        }
    }

    private func attempt(_ received: borrowing Mutex<Int>) async throws {
        let observer = observer
        var count = 0
        defer { received.withLock { $0 = max($0, count) } }
        count = try await client.stream(
            .exportEvents, ["section": section], query: query + [("format", "parquet")], headers: [("accept", "*/*")],
            repeating: {}
        ) { answer in
            var count = 0
            while let part = try await answer.next() {
                try part.withUnsafeBytes { try observer.write($0) }
                count += part.count
            }
            return count
        }
    }

    private func result() throws -> Result? {
        guard let tail = try observer.end(ParquetFooter.tailCount) else { return nil }
        guard let count = ParquetFooter.count(tail: tail),
            let bytes = try observer.end(count + ParquetFooter.tailCount),
            let footer = ParquetFooter(bytes.dropLast(ParquetFooter.tailCount)),
            let text = footer.metadata[EventTable.summaryKey], let json = try? JSONValue(parsing: Array(text.utf8)),
            let summary = try? Bodies.ExportSummary(received: json), summary.events == footer.rows
        else { throw ClientFailure.cutOff }
        return Result(
            summary: summary, first: footer.metadata[EventTable.firstKey].flatMap { Int64($0) },
            last: footer.metadata[EventTable.lastKey].flatMap { Int64($0) })
    }
}
