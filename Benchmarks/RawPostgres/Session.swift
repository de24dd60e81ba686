import CLibpq
import Foundation

/// A connection of libpq that waits for each answer: as little as a program can put between its rows and PostgreSQL.
// Made on one thread and then used by one other alone.
final class Session: @unchecked Sendable {
    private let handle: OpaquePointer

    init(_ target: String) {
        guard let handle = PQconnectdb(target), PQstatus(handle) == CONNECTION_OK else {
            fail("no connection to PostgreSQL")
        }
        self.handle = handle
    }

    deinit {
        PQfinish(handle)
    }

    func execute(_ sql: String) {
        PQclear(checked(PQexec(handle, sql)))
    }

    /// The first column, numbers.
    func numbers(_ sql: String) -> [Int64] {
        let result = checked(PQexec(handle, sql))
        defer { PQclear(result) }
        return (0..<PQntuples(result)).map { row in
            Int64(String(cString: PQgetvalue(result, row, 0))) ?? 0
        }
    }

    func prepare(_ name: String, _ sql: String) {
        PQclear(checked(PQprepare(handle, name, sql, 0, nil)))
    }

    /// Values in and out in PostgreSQL's binary form. Gives the number of rows of the answer.
    @discardableResult
    func run(_ name: String, _ values: [[UInt8]]) -> Int {
        let lengths = values.map { CInt($0.count) }
        let formats = [CInt](repeating: 1, count: values.count)
        let flat = values.flatMap { $0 }
        let result = flat.withUnsafeBytes { bytes in
            var start = 0
            let pointers = values.map { value in
                defer { start += value.count }
                return bytes.baseAddress.map { ($0 + start).assumingMemoryBound(to: CChar.self) }
            }
            return PQexecPrepared(handle, name, CInt(values.count), pointers, lengths, formats, 1)
        }
        let rows = checked(result)
        defer { PQclear(rows) }
        return Int(PQntuples(rows))
    }

    private func checked(_ result: OpaquePointer?) -> OpaquePointer {
        let status = PQresultStatus(result)
        guard let result, status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK else {
            fail(String(cString: PQerrorMessage(handle)))
        }
        return result
    }
}

/// A benchmark that goes on after an error measures nothing.
func fail(_ message: String) -> Never {
    print("raw-postgres: \(message)")
    exit(1)
}

// MARK: - Binary form

func binary(_ number: Int64) -> [UInt8] {
    withUnsafeBytes(of: number.bigEndian) { Array($0) }
}

/// `bigint[]`
func binary(_ numbers: [Int64]) -> [UInt8] {
    var bytes = header(of: 20, count: numbers.count)
    bytes.reserveCapacity(bytes.count + 12 * numbers.count)
    for number in numbers {
        withUnsafeBytes(of: Int32(8).bigEndian) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: number.bigEndian) { bytes.append(contentsOf: $0) }
    }
    return bytes
}

/// `text[]`, the same text so many times.
func binary(_ text: [UInt8], times count: Int) -> [UInt8] {
    var bytes = header(of: 25, count: count)
    bytes.reserveCapacity(bytes.count + (4 + text.count) * count)
    for _ in 0..<count {
        withUnsafeBytes(of: Int32(text.count).bigEndian) { bytes.append(contentsOf: $0) }
        bytes.append(contentsOf: text)
    }
    return bytes
}

/// One dimension, no NULLs, the type's number, the length, the first index.
private func header(of type: Int32, count: Int) -> [UInt8] {
    [1, 0, type, Int32(count), 1].flatMap { word in withUnsafeBytes(of: word.bigEndian) { Array($0) } }
}
