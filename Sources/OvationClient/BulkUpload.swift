import OvationCore
public import OvationWire
import Synchronization

/// What an upload sends.
public protocol UploadSource: Sendable {
    /// How many bytes; nil where that is not known.
    var size: Int? { get }
    /// Whether it can be read again from its beginning.
    var canRewind: Bool { get }
    func rewind() throws
    /// Gives what comes next, without waiting for it. Called while it is sent, on a thread that moves all transfers.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> UploadPart
}

/// What a source has.
public enum UploadPart: Sendable {
    /// So many bytes, at least one.
    case bytes(Int)
    /// Nothing yet. It has more, or comes to its end, when this descriptor can be read.
    case later(CInt)
    case end
}

/// What hears of an upload while it goes on. What `progressed` and `restarts` throw ends the upload.
public protocol UploadObserver: TransferObserver {
    /// Counts of all lines so far, and errors since the last time.
    func progressed(_ progress: Bodies.BulkProgress) throws
    /// It begins anew: all lines are counted again, and their errors come again.
    func restarts() throws
}

/// Sends lines to a section and reads what the server tells of them meanwhile. After a break it begins anew under the same
/// key, and the server skips what it has stored; without a key, or where the source cannot be read again, it ends.
public struct BulkUpload<Source: UploadSource>: Sendable {
    let client: APIClient
    let section: String
    public let key: String?
    let preferences: [String]
    let source: Source
    let observer: any UploadObserver

    /// - Parameters:
    ///   - key: the idempotency key.
    ///   - preferences: of the header `Prefer`.
    public init(
        _ source: Source, to section: String, key: String?, preferences: [String], through client: APIClient,
        observer: any UploadObserver
    ) {
        self.source = source
        self.section = section
        self.key = key
        self.preferences = preferences
        self.client = client
        self.observer = observer
    }

    /// Whether a break can be mended.
    public var canGoOn: Bool { key != nil && source.canRewind }

    /// - Returns: the counts of the whole upload.
    /// - Throws: ``ClientFailure``, also a passing one that did not pass; or what the observer threw.
    public func run() async throws -> Bodies.BulkCounts {
        var retries = Retries()
        let furthest = Mutex(0)
        while true {
            do {
                return try await attempt { lines in furthest.withLock { $0 = max($0, lines) } }
            } catch let failure as ClientFailure where failure.isPassing && canGoOn {
                guard let seconds = retries.pause(progress: furthest.withLock { $0 }) else { throw failure }
                observer.pauses(after: failure, seconds: seconds)
                try await client.sleep(.seconds(seconds))
                observer.goesOn()
                try source.rewind()
                try observer.restarts()
            }
        }
    }

    private func attempt(_ onProgress: @escaping @Sendable (Int) -> Void) async throws -> Bodies.BulkCounts {
        var headers = [("content-type", LineReader.mediaType), ("accept", LineReader.mediaType)]
        if let key { headers.append(("idempotency-key", key)) }
        if !preferences.isEmpty { headers.append(("prefer", preferences.joined(separator: ", "))) }
        let (source, observer) = (source, observer)
        return try await client.stream(
            .loadEvents, ["section": section], headers: headers,
            body: source,
            repeating: source.canRewind ? { try source.rewind() } : nil
        ) { answer in
            var last = Bodies.BulkProgress()
            var reader = LineReader()
            while let line = try await reader.next(of: &answer) {
                last = try client.read(Bodies.BulkProgress.self, JSONValue(parsing: line))
                if let problem = last.problem { throw ClientFailure.refused(status: Int(problem.status), problem) }
                try observer.progressed(last)
                onProgress(Int(last.counts.lines))
            }
            guard last.done == true else { throw ClientFailure.cutOff }
            return last.counts
        }
    }
}
