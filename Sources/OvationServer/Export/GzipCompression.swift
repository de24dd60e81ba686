import CZlib
import OvationCore
import OvationWire

/// Pages of Parquet as gzip, which each reader of the format knows.
///
/// zlib is linked for the bodies of requests already. Snappy and Zstandard would be one more library on each machine. What they
/// are faster by matters little here: an export waits longer for the store.
struct GzipCompression: PageCompression {
    /// As the format numbers it.
    let codec = 2

    /// The fastest. More makes files a tenth smaller, and takes three times as long.
    private static let level: CInt = 1

    func compressed(_ page: [UInt8]) throws(Problem) -> [UInt8] {
        var stream = z_stream()
        // 16 asks for gzip's form.
        let began = deflateInit2_(
            &stream, GzipCompression.level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            CInt(MemoryLayout<z_stream>.size))
        guard began == Z_OK else {
            throw Problem(.internalError, "The file could not be compressed.", cause: "zlib did not start")
        }
        defer { deflateEnd(&stream) }
        var result = Z_OK
        let room = Int(deflateBound(&stream, CUnsignedLong(page.count)))
        let compressed = page.withUnsafeBytes { input in
            [UInt8](unsafeUninitializedCapacity: room) { output, count in
                // zlib does not write to its input; its C header only says so if it is asked to.
                stream.next_in = input.baseAddress.map {
                    UnsafeMutablePointer(mutating: $0.assumingMemoryBound(to: UInt8.self))
                }
                stream.avail_in = CUnsignedInt(input.count)
                stream.next_out = output.baseAddress
                stream.avail_out = CUnsignedInt(output.count)
                result = deflate(&stream, Z_FINISH)
                count = output.count - Int(stream.avail_out)
            }
        }
        guard result == Z_STREAM_END else {
            throw Problem(.internalError, "The file could not be compressed.", cause: "zlib did not finish")
        }
        return compressed
    }
}
