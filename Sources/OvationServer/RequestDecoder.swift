import HTTPTypes
import NIOCore
import NIOHTTP1
import OvationCore

/// Reads requests as NIO's decoder does, but does not stop at a request that offers another protocol.
///
/// NIO's decoder takes a request with `Connection: Upgrade`, and a `CONNECT`, for the last one in HTTP: it reads
/// nothing after it and keeps all following bytes, without a limit. This server speaks no other protocol. So it ignores
/// an offer (RFC 9110 §7.8), and a new decoder continues after it. If it is not certain that HTTP follows, the bytes
/// are dropped, and the connection ends with the answer.
final class RequestDecoder: ByteToMessageDecoder {
    typealias InboundOut = HTTPServerRequestPart

    /// The bytes after a request.
    enum Rest {
        /// Another one, which the same decoder reads.
        case request
        /// Another one, at which NIO's decoder stops.
        case requestBehindOffer
        /// Nothing that is read.
        case nothing
    }

    private var decoder = RequestDecoder.makeDecoder()
    /// After the request that is being read.
    private var rest = Rest.request
    private var hasStopped = false
    private var isDropping = false

    /// Call it for each head of a request, while the head is passed on.
    func didRead(_ request: HTTPRequest) -> Rest {
        rest = Rest(behind: request)
        return rest
    }

    /// Call it for each end of a request, while the end is passed on.
    func didReadEnd() {
        switch rest {
        case .request: break
        case .requestBehindOffer: hasStopped = true
        case .nothing: isDropping = true
        }
    }

    func decode(context: ChannelHandlerContext, buffer: inout ByteBuffer) throws -> DecodingState {
        while !isDropping {
            _ = try decoder.decode(context: context, buffer: &buffer)
            guard hasStopped else { break }
            hasStopped = false
            decoder.decoderRemoved(context: context)
            decoder = RequestDecoder.makeDecoder()
            decoder.decoderAdded(context: context)
            guard buffer.readableBytes > 0 else { break }
        }
        if isDropping { buffer.moveReaderIndex(to: buffer.writerIndex) }
        return .needMoreData
    }

    func decodeLast(context: ChannelHandlerContext, buffer: inout ByteBuffer, seenEOF: Bool) throws -> DecodingState {
        _ = try decode(context: context, buffer: &buffer)
        guard !isDropping else { return .needMoreData }
        return try decoder.decodeLast(context: context, buffer: &buffer, seenEOF: seenEOF)
    }

    func decoderAdded(context: ChannelHandlerContext) { decoder.decoderAdded(context: context) }

    func decoderRemoved(context: ChannelHandlerContext) { decoder.decoderRemoved(context: context) }

    private static func makeDecoder() -> HTTPRequestDecoder {
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = Limits.headBytesMax
        limits.maxHeaderListSize = Limits.headBytesMax
        limits.maxHeaderFieldCount = Limits.headFieldsMax
        return HTTPRequestDecoder(limitConfiguration: limits)
    }
}

extension RequestDecoder.Rest {
    /// Runs for every request, so the cheap check comes first.
    fileprivate init(behind request: HTTPRequest) {
        let fields = request.headerFields
        if request.method == .connect {
            self = .nothing
        } else if !fields.contains(.upgrade) {
            self = .request
        } else {
            // Only what every parser recognises as an offer; after any other form it is unknown where the request ends.
            let offers = fields[values: .upgrade]
            let connection = fields[values: .connection]
            let options = (connection.first ?? "").split(separator: ",", omittingEmptySubsequences: false).map {
                $0.drop { $0 == " " }.lowercased()
            }
            let arePlain = options.allSatisfy { option in
                !option.isEmpty
                    && option.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 45 }
            }
            let isOffer =
                offers.count == 1 && offers.first?.isEmpty == false && connection.count == 1
                && arePlain && options.contains("upgrade") && !options.contains("close")
            self = isOffer ? .requestBehindOffer : .nothing
        }
    }
}
