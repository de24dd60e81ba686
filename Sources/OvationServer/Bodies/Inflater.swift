import CZlib
import HTTPTypes
import Hummingbird
import NIOCore
import OvationCore

/// The compression of a body.
enum ContentCoding: String {
    case gzip, deflate

    /// The codings that the server takes, in the form of a header.
    static let accepted = "gzip, deflate"
}

extension Request {
    /// nil if the body is not compressed, as nearly all are.
    /// - Throws: `unsupported_encoding` for every coding that cannot be undone here: the body would look like broken
    ///   JSON.
    func contentCoding() throws(Problem) -> ContentCoding? {
        if headers.contains(.transferEncoding) {
            let codings = words(of: .transferEncoding)
            guard codings == ["chunked"] else { throw Problem.unsupported("Transfer-Encoding", codings) }
        }
        guard headers.contains(.contentEncoding) else { return nil }
        let codings = words(of: .contentEncoding).filter { $0 != "identity" }
        switch codings {
        case []: return nil
        case ["gzip"], ["x-gzip"]: return .gzip
        case ["deflate"]: return .deflate
        default: throw Problem.unsupported("Content-Encoding", codings)
        }
    }

    private func words(of name: HTTPField.Name) -> [String] {
        headers[values: name].flatMap { $0.split(separator: ",") }
            .map { $0.filter { $0 != " " && $0 != "\t" }.lowercased() }.filter { !$0.isEmpty }
    }
}

extension Problem {
    fileprivate static func unsupported(_ header: String, _ codings: [String]) -> Problem {
        let name = codings.joined(separator: ", ").prefix(100)
        return Problem(
            .unsupportedEncoding,
            "A body with '\(header): \(name)' cannot be read here; send it with 'Content-Encoding: gzip', or as it is.")
    }
}

/// Decompresses a body, in pieces of a bounded size, however large a part becomes.
///
/// It belongs to the one request that reads the body.
final class Inflater {
    private let coding: ContentCoding
    /// Allocated separately, since zlib keeps its address.
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    private var isOpen = false
    /// After the end of a member; in gzip another one may follow.
    private var hasEnded = false
    /// The last input filled a piece, so there may be more output without another byte of input.
    private var isFull = false

    init(_ coding: ContentCoding) {
        self.coding = coding
        stream.initialize(to: z_stream())
    }

    deinit {
        if isOpen { inflateEnd(stream) }
        stream.deallocate()
    }

    /// Reads from a part until a piece is full. nil: the part is used up.
    func take(from part: inout ByteBuffer) throws(Problem) -> ByteBuffer? {
        while part.readableBytes > 0 || isFull {
            try beginMember(with: part)
            var piece = ByteBuffer()
            let (result, taken) = inflate(part, into: &piece)
            part.moveReaderIndex(forwardBy: taken)
            isFull = piece.readableBytes == Limits.inflatedPieceBytes
            switch result {
            case Z_OK, Z_BUF_ERROR: break
            case Z_STREAM_END: hasEnded = true
            default: throw broken("it is damaged")
            }
            if hasEnded { isFull = false }
            if piece.readableBytes > 0 { return piece }
        }
        return nil
    }

    /// - Throws: if the body ended too early. A body without a byte is an empty one.
    func finish() throws(Problem) {
        guard hasEnded || !isOpen else { throw broken("it ends too early") }
    }

    private func beginMember(with part: ByteBuffer) throws(Problem) {
        if hasEnded {
            // RFC 1952 §2.2: a file of gzip can have several members.
            guard coding == .gzip, inflateReset(stream) == Z_OK else { throw broken("something follows its end") }
            hasEnded = false
        } else if !isOpen {
            let bits: CInt =
                switch coding {
                case .gzip: 15 + 16
                // RFC 9110 §8.4.1.2 means zlib's form, and some clients send it without zlib's head.
                case .deflate: Inflater.isZlib(part.readableBytesView.first ?? 0) ? 15 : -15
                }
            guard inflateInit2_(stream, bits, ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size)) == Z_OK else {
                throw Problem(.internalError, "The body could not be read.", cause: "zlib did not start")
            }
            isOpen = true
        }
    }

    /// RFC 1950 §2.2: method 8, a window of up to 32 kB. No encoder of the bare form writes this first byte.
    private static func isZlib(_ first: UInt8) -> Bool { first & 0x0F == 8 && first <= 0x78 }

    private func inflate(_ part: ByteBuffer, into piece: inout ByteBuffer) -> (result: CInt, taken: Int) {
        part.withUnsafeReadableBytes { input in
            // zlib does not write to its input; its C header only says so if it is asked to.
            stream.pointee.next_in = input.baseAddress.map {
                UnsafeMutablePointer(mutating: $0.assumingMemoryBound(to: UInt8.self))
            }
            stream.pointee.avail_in = CUnsignedInt(input.count)
            var result = Z_OK
            piece.writeWithUnsafeMutableBytes(minimumWritableBytes: Limits.inflatedPieceBytes) { output in
                stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
                stream.pointee.avail_out = CUnsignedInt(Limits.inflatedPieceBytes)
                result = CZlib.inflate(stream, Z_NO_FLUSH)
                return Limits.inflatedPieceBytes - Int(stream.pointee.avail_out)
            }
            return (result, input.count - Int(stream.pointee.avail_in))
        }
    }

    private func broken(_ why: String) -> Problem {
        Problem(.invalidEncoding, "The body is not \(coding.rawValue), as Content-Encoding says: \(why).")
    }
}
