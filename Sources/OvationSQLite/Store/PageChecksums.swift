import CPageChecksums
import Foundation
import GRDB
import GRDBSQLite
import OvationCore

/// What the first bytes of a file say: https://sqlite.org/fileformat2.html#the_database_header
struct StoreHeader: Equatable, Sendable {
    let pageSize: Int
    /// Bytes at the end of each page that SQLite leaves alone.
    let reserved: Int
    /// `PRAGMA user_version`: tells who wrote the pages.
    let mark: UInt32
    /// `PRAGMA application_id`.
    let application: UInt32

    /// The high half of the mark, when every page has its checksum; the low half is the number of the start. No single
    /// wrong byte makes it 0.
    private static let sealed: UInt32 = 0x4F56_0000

    /// The mark of a file that no server has opened since it was made, such as a backup.
    static let neverServed = sealed

    static func mark(ofStart generation: UInt16) -> UInt32 { sealed | UInt32(generation) }

    /// nil: the file is not a database, or is empty.
    init?(_ bytes: [UInt8]) {
        guard bytes.count >= 100, bytes.starts(with: "SQLite format 3\0".utf8) else { return nil }
        let size = Int(bytes[16]) << 8 | Int(bytes[17])
        pageSize = size == 1 ? 65_536 : size
        reserved = Int(bytes[20])
        mark = bytes[60..<64].reduce(0) { $0 << 8 | UInt32($1) }
        application = bytes[68..<72].reduce(0) { $0 << 8 | UInt32($1) }
    }

    var hasRoomForChecksums: Bool { reserved == Int(CPAGECHECKSUMS_BYTES) }
    /// Whether every page has its checksum.
    var isSealed: Bool { hasRoomForChecksums && mark & 0xFFFF_0000 == StoreHeader.sealed }
    /// The number of the server start that wrote the file last; nil if the file has no such number.
    var generation: UInt16? { isSealed ? UInt16(truncatingIfNeeded: mark) : nil }
}

/// Each page of the file has a checksum in its last bytes, written on its way to the disk and checked on its way back
/// (`CPageChecksums`). See rule 25 of DESIGN.md.
enum PageChecksums {
    /// Before anything is opened.
    static func register() throws(StoreFailure) {
        guard registered == SQLITE_OK else {
            throw StoreFailure(.unusable, "SQLite took no layer for checksums (code \(registered))")
        }
    }

    private static let registered = cpagechecksums_register()

    static func keepLog(_ database: Database, _ isKept: Bool) {
        cpagechecksums_keep_log(UnsafeMutableRawPointer(database.sqliteConnection), isKept ? 1 : 0)
    }

    /// A new file gets room for them.
    static func reserve(_ database: Database) {
        cpagechecksums_reserve(UnsafeMutableRawPointer(database.sqliteConnection))
    }

    /// Gives each page of a file its checksum, and the file its mark. No process may have the file open, and there must
    /// be no log.
    /// - Parameter mark: nil keeps the mark that the file has, if there is one.
    /// - Returns: the number of pages that had no checksum or another one.
    @discardableResult
    static func seal(_ path: String, as mark: UInt32? = nil) throws(StoreFailure) -> Int {
        let descriptor = open(path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(path) }
        defer { close(descriptor) }
        guard let header = StoreHeader(StoreFile.bytes(descriptor, at: 0, 100)), header.hasRoomForChecksums,
            header.pageSize >= 512
        else { throw StoreFailure(.unusable, "\(path) has no room for checksums") }
        let size = header.pageSize
        var page = [UInt8](repeating: 0, count: size)
        var number: UInt32 = 0
        var changed = 0
        // The mark is written last, with the first page: work that was cut off starts again.
        while pread(descriptor, &page, size, off_t(number) * off_t(size)) == size {
            number += 1
            guard number > 1, cpagechecksums_is_whole(page, size, number) == 0 else { continue }
            try put(&page, number, descriptor, path)
            changed += 1
        }
        guard fsync(descriptor) == 0 else { throw failure(path) }
        let mark = mark ?? (header.isSealed ? header.mark : StoreHeader.mark(ofStart: 1))
        try put(mark, pageSize: size, descriptor, path)
        return changed
    }

    /// Gives a file that has its checksums another mark. No process may have it open, and there must be no log.
    static func mark(_ path: String, as mark: UInt32, pageSize: Int) throws(StoreFailure) {
        let descriptor = open(path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(path) }
        defer { close(descriptor) }
        try put(mark, pageSize: pageSize, descriptor, path)
    }

    private static func put(
        _ mark: UInt32, pageSize: Int, _ descriptor: CInt, _ path: String
    ) throws(StoreFailure) {
        var page = [UInt8](repeating: 0, count: pageSize)
        guard pread(descriptor, &page, pageSize, 0) == pageSize else { throw failure(path) }
        for byte in 0..<4 { page[60 + byte] = UInt8(truncatingIfNeeded: mark >> (24 - 8 * UInt32(byte))) }
        try put(&page, 1, descriptor, path)
        guard fsync(descriptor) == 0 else { throw failure(path) }
    }

    private static func put(
        _ page: inout [UInt8], _ number: UInt32, _ descriptor: CInt, _ path: String
    ) throws(StoreFailure) {
        cpagechecksums_put(&page, page.count, number)
        guard pwrite(descriptor, page, page.count, off_t(number - 1) * off_t(page.count)) == page.count else {
            throw failure(path)
        }
    }

    private static func failure(_ path: String) -> StoreFailure {
        let reason = errno
        return StoreFailure(
            [ENOSPC, EDQUOT].contains(reason) ? .full : .unavailable, "\(path): \(StoreFile.reason(reason))")
    }

    static func isWhole(_ page: [UInt8], _ number: UInt32) -> Bool {
        cpagechecksums_is_whole(page, page.count, number) == 1
    }

    /// Rewrites a store of an older version with room for checksums. It needs the same disk space again for a while. No
    /// process may have the store open.
    static func add(to path: String, _ database: Database) throws -> String {
        let copy = path + ".new"
        let descriptor = open(copy, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure(copy) }
        close(descriptor)
        reserve(database)
        do {
            try database.execute(sql: "VACUUM INTO ?", arguments: [copy])
            try seal(copy)
        } catch {
            // This is asked first, because anything done next may fail too.
            let failure = StoreFailure(error, on: database)
            try? FileManager.default.removeItem(atPath: copy)
            throw failure
        }
        return copy
    }
}
