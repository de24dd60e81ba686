import CZlib
import HTTPTypes
import Hummingbird
import NIOCore
import OvationCore

/// How a client compressed a body.
enum ContentCoding: String {
    case gzip, deflate

    /// What the server takes, as a header says it.
    static let accepted = "gzip, deflate"
}

extension Request {
    /// nil where the body is as it is, which nearly every one is.
    /// - Throws: `unsupported_encoding` for everything that cannot be undone here: it would pass for a broken body.
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

/// Makes a compressed body plain, in pieces of a bounded size, however much a part of it comes to.
///
/// Owned by the one request whose body it reads.
final class Inflater {
    private let coding: ContentCoding
    /// In a place of its own, since zlib remembers where it is.
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    private var isOpen = false
    /// Behind the end of a member; another one may follow in gzip.
    private var hasEnded = false
    /// What was taken filled a piece, so that there may be more without another byte.
    private var isFull = false

    init(_ coding: ContentCoding) {
        self.coding = coding
        stream.initialize(to: z_stream())
    }

    deinit {
        if isOpen { inflateEnd(stream) }
        stream.deallocate()
    }

    /// Takes from a part until a piece is full. nil: the part is used up.
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

    /// - Throws: where the body ended too early. A body without a byte is an empty one.
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

    /// RFC 1950 §2.2: method 8, a window of up to 32 kB. A first byte that no encoder of the bare form writes.
    private static func isZlib(_ first: UInt8) -> Bool { first & 0x0F == 8 && first <= 0x78 }

    private func inflate(_ part: ByteBuffer, into piece: inout ByteBuffer) -> (result: CInt, taken: Int) {
        part.withUnsafeReadableBytes { input in
            // zlib does not write to what it reads; its C says so only where it is asked to.
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
