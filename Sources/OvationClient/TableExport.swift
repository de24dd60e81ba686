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

/// The events of one type, or the profiles of a section, as a file of Parquet. After a break it begins anew: nobody can go on in the middle of such a file.
public struct TableExport: Sendable {
    let client: APIClient
    let section: String
    let query: [QueryParameter]
    let observer: any TableObserver

    /// - Parameter query: parameters of the endpoint, but for `format`; for events with one event type.
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
        try await whole(.exportEvents) { footer, json in
            guard let summary = try? Bodies.ExportSummary(received: json), summary.events == footer.rows else {
                return nil
            }
            return Result(
                summary: summary, first: footer.metadata[EventTable.firstKey].flatMap { Int64($0) },
                last: footer.metadata[EventTable.lastKey].flatMap { Int64($0) })
        }
    }

    /// The same for profiles.
    public func runProfiles() async throws -> Bodies.ProfileExportSummary? {
        try await whole(.exportProfiles) { footer, json in
            guard let summary = try? Bodies.ProfileExportSummary(received: json), summary.profiles == footer.rows else {
                return nil
            }
            return summary
        }
    }

    /// - Parameter read: takes the footer and the summary in it; nil: they do not fit.
    private func whole<Value>(
        _ endpoint: Endpoint, _ read: (ParquetFooter, JSONValue) -> Value?
    ) async throws -> Value? {
        var retries = Retries()
        let received = Progress()
        while true {
            do {
                try await attempt(endpoint, received)
                return try end(read)
            } catch let failure as ClientFailure where failure.isPassing {
                guard let seconds = retries.pause(progress: received.bytes), try observer.restart() else {
                    throw failure
                }
                observer.pauses(after: failure, seconds: seconds)
                try await client.sleep(.seconds(seconds))
                observer.goesOn()
            }
        }
    }

    private func attempt(_ endpoint: Endpoint, _ received: Progress) async throws {
        let observer = observer
        try await client.stream(
            endpoint, ["section": section], query: query + [("format", "parquet")], headers: [("accept", "*/*")],
            repeating: {}
        ) { answer in
            var count = 0
            while let part = try await answer.next() {
                try part.withUnsafeBytes { try observer.write($0) }
                count += part.count
                received.reached(count)
            }
        }
    }

    /// The most bytes that an attempt has received. One that broke counts too.
    private final class Progress: Sendable {
        private let most = Mutex(0)

        var bytes: Int { most.withLock { $0 } }

        func reached(_ count: Int) { most.withLock { $0 = max($0, count) } }
    }

    private func end<Value>(_ read: (ParquetFooter, JSONValue) -> Value?) throws -> Value? {
        guard let tail = try observer.end(ParquetFooter.tailCount) else { return nil }
        guard let count = ParquetFooter.count(tail: tail),
            let bytes = try observer.end(count + ParquetFooter.tailCount),
            let footer = ParquetFooter(bytes.dropLast(ParquetFooter.tailCount)),
            let text = footer.metadata[EventTable.summaryKey], let json = try? JSONValue(parsing: Array(text.utf8)),
            let value = read(footer, json)
        else { throw ClientFailure.cutOff }
        return value
    }
}
