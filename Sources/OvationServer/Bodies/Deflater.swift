import CZlib
import OvationCore

/// Compresses an answer as gzip, piece by piece. It belongs to the one answer that is written, which uses it from one thread at a
/// time.
///
/// Unchecked, since a pointer is not `Sendable`: pieces are compressed on threads that may block, and the answer waits for each
/// before it gives the next.
final class Deflater: @unchecked Sendable {
    /// Allocated separately, since zlib keeps its address.
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    private let isOpen: Bool

    init() {
        stream.initialize(to: z_stream())
        // 16 more: with the head and the end of gzip.
        isOpen =
            deflateInit2_(
                stream, Z_BEST_SPEED, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
                CInt(MemoryLayout<z_stream>.size)) == Z_OK
    }

    deinit {
        if isOpen { deflateEnd(stream) }
        stream.deallocate()
    }

    /// - Parameter isLast: whether nothing follows.
    func compress(_ bytes: [UInt8], isLast: Bool = false) throws -> [UInt8] {
        guard isOpen else {
            throw Problem(.internalError, "The answer cannot be compressed.", cause: "zlib did not start")
        }
        return bytes.withUnsafeBufferPointer { input in
            // zlib does not write to its input; its C header only says so if it is asked to.
            stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
            stream.pointee.avail_in = CUnsignedInt(input.count)
            var output: [UInt8] = []
            var isFull = true
            while isFull {
                let piece = [UInt8](unsafeUninitializedCapacity: Limits.inflatedPieceBytes) { buffer, count in
                    stream.pointee.next_out = buffer.baseAddress
                    stream.pointee.avail_out = CUnsignedInt(buffer.count)
                    _ = deflate(stream, isLast ? Z_FINISH : Z_NO_FLUSH)
                    count = buffer.count - Int(stream.pointee.avail_out)
                }
                isFull = piece.count == Limits.inflatedPieceBytes
                output += piece
            }
            return output
        }
    }
}
