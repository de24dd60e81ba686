import CLibpq
import OvationCore

/// The rows of one statement, in PostgreSQL's binary form.
final class PostgresResult {
    private let handle: OpaquePointer
    let count: Int

    /// Takes ownership of the result.
    init(_ handle: OpaquePointer) {
        self.handle = handle
        count = Int(PQntuples(handle))
    }

    deinit {
        PQclear(handle)
    }

    func isNull(_ row: Int, _ column: Int) -> Bool {
        PQgetisnull(handle, CInt(row), CInt(column)) == 1
    }

    /// A `bigint`.
    func int64(_ row: Int, _ column: Int) -> Int64 {
        withBytes(row, column) { bytes in
            assert(bytes.count == 8, "column \(column) is no bigint")
            return bytes.count == 8
                ? Int64(bigEndian: UnsafeRawBufferPointer(bytes).loadUnaligned(as: Int64.self)) : 0
        }
    }

    func int64OrNil(_ row: Int, _ column: Int) -> Int64? {
        isNull(row, column) ? nil : int64(row, column)
    }

    func bool(_ row: Int, _ column: Int) -> Bool {
        withBytes(row, column) { $0.first == 1 }
    }

    func text(_ row: Int, _ column: Int) -> String {
        withBytes(row, column) { String(decoding: $0, as: UTF8.self) }
    }

    func textOrNil(_ row: Int, _ column: Int) -> String? {
        isNull(row, column) ? nil : text(row, column)
    }

    func bytes(_ row: Int, _ column: Int) -> [UInt8] {
        withBytes(row, column) { Array($0) }
    }

    func bytesOrNil(_ row: Int, _ column: Int) -> [UInt8]? {
        isNull(row, column) ? nil : bytes(row, column)
    }

    func time(_ row: Int, _ column: Int) -> Timestamp {
        Timestamp(milliseconds: int64(row, column))
    }

    func timeOrNil(_ row: Int, _ column: Int) -> Timestamp? {
        isNull(row, column) ? nil : time(row, column)
    }

    /// The bytes are valid as long as the result.
    func withBytes<Value>(_ row: Int, _ column: Int, _ body: (UnsafeBufferPointer<UInt8>) -> Value) -> Value {
        let length = Int(PQgetlength(handle, CInt(row), CInt(column)))
        guard length > 0, let start = PQgetvalue(handle, CInt(row), CInt(column)) else {
            return body(UnsafeBufferPointer(start: nil, count: 0))
        }
        return start.withMemoryRebound(to: UInt8.self, capacity: length) {
            body(UnsafeBufferPointer(start: $0, count: length))
        }
    }
}
