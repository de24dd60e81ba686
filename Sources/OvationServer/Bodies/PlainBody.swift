import HTTPTypes
import Hummingbird
import NIOCore
import OvationCore

extension Request {
    /// The whole body, decompressed.
    /// - Parameter budget: the memory that all bodies together may take while they arrive; nil if the body is already
    ///   there.
    /// - Throws: `body_too_large`, `request_timeout`, `busy`, or `invalid_request` when the client went away.
    func collectedBody(upTo bytesMax: Int, within budget: BodyBudget?) async throws -> ByteBuffer {
        var collector = try BodyCollector(for: self, upTo: bytesMax, within: budget)
        try await forEachPart(of: collector.coding) { part in
            try collector.note(part)
        } take: { piece in
            try collector.collect(piece)
        }
        return collector.body
    }

    /// The parts of a body as they arrive, and decompressed.
    /// - Parameters:
    ///  - note: called with each part as it arrived.
    ///  - take: called with each decompressed part or piece.
    func forEachPart(
        of coding: ContentCoding?, _ note: (ByteBuffer) throws -> Void,
        take: (ByteBuffer) async throws -> Void
    ) async throws {
        let inflater = coding.map { Inflater($0) }
        var parts = body.makeAsyncIterator()
        while true {
            let part: ByteBuffer?
            do {
                part = try await parts.next()
            } catch {
                throw Problem(body: error)
            }
            guard var part else { break }
            try note(part)
            guard let inflater else {
                try await take(part)
                continue
            }
            var pieces = 0
            while let piece = try inflater.take(from: &part) {
                try await take(piece)
                pieces += 1
                // A part can become a thousand times its size; other tasks on this thread need their turn.
                if pieces.isMultiple(of: 16) { await Task.yield() }
            }
        }
        try inflater?.finish()
    }
}

/// Gathers a body, up to a limit and within the memory that all bodies together may take.
struct BodyCollector {
    /// nil if the body is not compressed.
    let coding: ContentCoding?
    private let bytesMax: Int
    /// nil: the body is complete.
    private var share: BodyBudget.Share?
    private var collected: ByteBuffer?
    private var isOwn = false
    private var received = 0

    /// - Throws: `body_too_large` if the body says so of itself, or `unsupported_encoding`.
    init(for request: Request, upTo bytesMax: Int, within budget: BodyBudget?) throws(Problem) {
        coding = try request.contentCoding()
        self.bytesMax = bytesMax
        share = BodyBudget.Share(of: budget)
        if coding == nil, let length = request.headers.text(of: .contentLength).flatMap({ Int($0) }), length > bytesMax
        {
            throw tooLarge
        }
    }

    /// What has been collected.
    var body: ByteBuffer { collected ?? ByteBuffer() }

    /// A part as it arrived. Empty parts must not get around the limit.
    mutating func note(_ part: ByteBuffer) throws(Problem) {
        received += part.readableBytes
        if received > 2 * bytesMax + Limits.inflatedPieceBytes { throw tooLarge }
    }

    /// A part, decompressed. It is in ``body`` even if this throws.
    mutating func collect(_ part: ByteBuffer) throws(Problem) {
        if collected == nil {
            // Most bodies come in one part, and take nothing of the budget: they are processed at once.
            collected = part
            // What was gathered elsewhere before is more than one read.
            if part.storageCapacity > Limits.receiveBufferBytesMax { try share?.grow(to: part.storageCapacity) }
        } else {
            if !isOwn { collected = collected.map { $0.copied() } }
            isOwn = true
            collected?.writeImmutableBuffer(part)
            try share?.grow(to: collected?.storageCapacity ?? 0)
        }
        if let count = collected?.readableBytes, count > bytesMax { throw tooLarge }
    }

    /// The body is complete. The budget is for those that arrive.
    mutating func end() { share = nil }

    private var tooLarge: Problem {
        Problem(.bodyTooLarge, "The request body is larger than \(bytesMax) bytes.")
    }
}

extension ByteBuffer {
    /// Copied to memory of its own: data from the network are in a buffer that can be many times their size.
    fileprivate func copied() -> ByteBuffer {
        var copy = ByteBufferAllocator().buffer(capacity: 2 * readableBytes)
        copy.writeImmutableBuffer(self)
        return copy
    }
}

extension Problem {
    /// The reason why a body did not come to its end.
    init(body error: any Error) {
        if let problem = error as? Problem {
            self = problem
        } else if error is BodyTimeout {
            self.init(.requestTimeout, "The request body did not arrive in time; send the request again.")
        } else {
            // The client went away and does not read this answer, but it must not count as an error of the server.
            self.init(.invalidRequest, "The request ended before its body did.", cause: "\(error)")
        }
    }
}
