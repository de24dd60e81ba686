import CPageChecksums
import Foundation
import OvationCore

/// Written beside the store (`.state`) while it is served, so that the next start can tell whether the file and its log
/// are the ones that the last server left. The log itself does not show whether it is missing, older, damaged or of
/// another store.
///
/// It never says more than what is on the disk, because it is written after the commit. After a power cut it may say
/// less.
struct StoreState: Equatable, Sendable {
    /// Made with the store. Not a secret.
    var id: String
    var isOpen: Bool
    /// The number of the start; the file has the same number (``StoreHeader``).
    var generation: UInt16
    /// The salts at the beginning of the log since it last started again; nil while they are unknown.
    var logSalts: LogSalts?
    var progress: StoreProgress
}

/// The progress of a store: none of these numbers ever decreases while a store exists.
struct StoreProgress: Equatable, Sendable {
    /// The highest id of an event that was ever given.
    var event: Int64 = 0
    /// Entries of the log of all accounts.
    var logEntry: Int64 = 0
    /// The highest id of a refused post.
    var rejection: Int64 = 0

    /// Whether this state lacks something that the other has.
    func isBehind(_ other: StoreProgress) -> Bool {
        event < other.event || logEntry < other.logEntry || rejection < other.rejection
    }
}

/// Two numbers in the header of SQLite's log. When the log starts again, the first increases by one, and the second is
/// random: https://sqlite.org/fileformat2.html#the_write_ahead_log
struct LogSalts: Equatable, Sendable {
    var first: UInt32
    var second: UInt32

    static let offset = 16
    static let count = 8

    init(first: UInt32, second: UInt32) {
        self.first = first
        self.second = second
    }

    /// Big-endian, as in the log; nil if there is no log.
    init?(_ bytes: [UInt8]) {
        guard bytes.count == LogSalts.count else { return nil }
        first = bytes[0..<4].reduce(0) { $0 << 8 | UInt32($1) }
        second = bytes[4..<8].reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// Whether a log with these salts may follow one with the others: it is the same log, or the next one.
    func follow(_ other: LogSalts) -> Bool { self == other || first == other.first &+ 1 }
}

// MARK: - As text

extension StoreState {
    /// Bytes of the file. They are fewer than a disk writes at once, so the file is never half written.
    static let size = 256

    /// One line that a person can read, and a checksum.
    var encoded: [UInt8] {
        let salts = logSalts.map { Hexadecimal.text(of: UInt64($0.first) << 32 | UInt64($0.second)) } ?? "-"
        let line = """
            ovation-store 1 id=\(id) \(isOpen ? "open" : "closed") start=\(generation) log=\(salts) \
            events=\(StoreState.digits(progress.event)) entries=\(StoreState.digits(progress.logEntry)) \
            refused=\(StoreState.digits(progress.rejection))\n
            """
        var bytes = Array(line.utf8.prefix(StoreState.size - Int(CPAGECHECKSUMS_BYTES)))
        bytes += [UInt8](repeating: 0, count: StoreState.size - bytes.count)
        cpagechecksums_put(&bytes, StoreState.size, 0)
        return bytes
    }

    /// nil: another program wrote it, or only half of it was written.
    init?(encoded bytes: [UInt8]) {
        guard bytes.count == StoreState.size, cpagechecksums_is_whole(bytes, StoreState.size, 0) == 1 else {
            return nil
        }
        // Its checksum was right, so these are the bytes of `encoded`, which are ASCII.
        let words = String(decoding: bytes.prefix { $0 != 0x0A }, as: UTF8.self).split(separator: " ")
        guard words.count == 9, words[0] == "ovation-store", words[1] == "1" else { return nil }
        func value(_ word: Int, _ name: String) -> Substring? {
            words[word].hasPrefix(name + "=") ? words[word].dropFirst(name.count + 1) : nil
        }
        guard let id = value(2, "id"), let start = value(4, "start").flatMap({ UInt16($0) }),
            let log = value(5, "log"),
            let events = value(6, "events").flatMap({ Int64($0) }),
            let entries = value(7, "entries").flatMap({ Int64($0) }),
            let refused = value(8, "refused").flatMap({ Int64($0) })
        else { return nil }
        self.id = String(id)
        isOpen = words[3] == "open"
        generation = start
        logSalts = UInt64(log, radix: 16).map {
            LogSalts(first: UInt32(truncatingIfNeeded: $0 >> 32), second: UInt32(truncatingIfNeeded: $0))
        }
        progress = StoreProgress(event: events, logEntry: entries, rejection: refused)
    }

    /// The same width for each number, so that one can be written in the place of another.
    static let digitCount = 19

    private static func digits(_ value: Int64) -> String {
        let text = String(value)
        return String(repeating: "0", count: max(0, digitCount - text.count)) + text
    }
}

// MARK: - The file

/// The state's file of a store that is being served.
///
/// `@unchecked`, since only one thread has it at a time: the one that opens the store, then the writer's, and after
/// that has ended the one that closes it. A lock would be taken for each group and never be waited for.
final class StateFile: @unchecked Sendable {
    private let path: String
    private let descriptor: CInt
    private var logDescriptor: CInt = -1
    private(set) var state: StoreState
    /// The content of the file, and the positions of its numbers.
    private var bytes: [UInt8] = []
    private var numbers = [0, 0, 0]
    /// The beginning of the log, in the machine's byte order; nil until it was read.
    private var knownSalts: UInt64?

    static func path(of store: String) -> String { store + ".state" }

    /// nil: there is no state file, or it cannot be read.
    static func read(of store: String) -> StoreState? {
        StoreState(encoded: StoreFile.beginning(path(of: store), StoreState.size))
    }

    /// Writes it and syncs it with its folder.
    init(of store: String, _ state: StoreState) throws(StoreFailure) {
        path = StateFile.path(of: store)
        self.state = state
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw StoreFailure(.unusable, "\(path) cannot be written: \(StoreFile.reason(errno))")
        }
        try write(state)
        try Folder.sync(Folder.of(path))
    }

    deinit {
        Foundation.close(descriptor)
        if logDescriptor >= 0 { Foundation.close(logDescriptor) }
    }

    /// On the disk when this returns.
    func write(_ state: StoreState) throws(StoreFailure) {
        guard put(state), fdatasync(descriptor) == 0 else { throw failure(errno) }
        self.state = state
    }

    /// The log exists from here on, and is the same file as long as the store is open.
    func beginLog(of store: String) throws(StoreFailure) {
        logDescriptor = open(store + "-wal", O_RDONLY | O_CLOEXEC)
        guard logDescriptor >= 0 else { throw failure(errno) }
        var state = state
        state.logSalts = LogSalts(StoreFile.bytes(logDescriptor, at: LogSalts.offset, LogSalts.count))
        try write(state)
    }

    /// Called after a commit and before its answer. It does not sync, except when the log starts again: after the salts
    /// on the disk only the next ones may follow. It runs for each group, so it reuses everything that stays the same.
    func noteCommit(_ progress: StoreProgress) throws(StoreFailure) {
        var salts: UInt64 = 0
        let count = pread(logDescriptor, &salts, LogSalts.count, off_t(LogSalts.offset))
        if count == LogSalts.count, salts != knownSalts {
            var state = state
            state.progress = progress
            state.logSalts = withUnsafeBytes(of: salts) { LogSalts(Array($0)) }
            try write(state)
            knownSalts = salts
        } else if progress != state.progress {
            if progress.event != state.progress.event { set(progress.event, at: numbers[0]) }
            if progress.logEntry != state.progress.logEntry { set(progress.logEntry, at: numbers[1]) }
            if progress.rejection != state.progress.rejection { set(progress.rejection, at: numbers[2]) }
            cpagechecksums_put(&bytes, StoreState.size, 0)
            guard pwrite(descriptor, bytes, StoreState.size, 0) == StoreState.size else { throw failure(errno) }
            state.progress = progress
        }
    }

    private func set(_ value: Int64, at place: Int) {
        bytes.withUnsafeMutableBufferPointer { bytes in
            var rest = UInt64(value)
            for index in stride(from: place + StoreState.digitCount - 1, through: place, by: -1) {
                let quotient = rest / 10
                bytes[index] = UInt8(truncatingIfNeeded: 48 + rest - quotient * 10)
                rest = quotient
            }
        }
    }

    /// The log is about to be emptied for good: there must be none any more.
    func endLog() throws(StoreFailure) {
        var state = state
        state.logSalts = nil
        try write(state)
    }

    /// After the last connection is closed.
    func close() { StateFile.noteClosed(path: path, log: String(path.dropLast(".state".count)) + "-wal") }

    /// The store is complete without a log. If a log is left, the next start examines it.
    static func noteClosed(of store: String) { noteClosed(path: path(of: store), log: store + "-wal") }

    /// Called before anything is written to a store: its log may have any salts from here on. A caller that fails then
    /// calls ``noteClosed(of:)``, or ``restore(_:of:)`` if nothing was changed.
    static func noteOpened(of store: String) {
        note(path: path(of: store), isOpen: true)
    }

    /// Writes the state back unchanged.
    static func restore(_ state: StoreState?, of store: String) {
        if let state { put(state, path(of: store)) }
    }

    /// The state of a backup that replaces the store it came from.
    static func remove(of store: String) throws(StoreFailure) {
        guard unlink(path(of: store)) == 0 || errno == ENOENT else {
            throw StoreFailure(.unusable, "\(path(of: store)) cannot be removed: \(StoreFile.reason(errno))")
        }
        try Folder.sync(Folder.of(store))
    }

    private static func noteClosed(path: String, log: String) {
        guard StoreFile.size(log) ?? 0 == 0 else { return }
        note(path: path, isOpen: false)
    }

    private static func note(path: String, isOpen: Bool) {
        guard var state = StoreState(encoded: StoreFile.beginning(path, StoreState.size)) else { return }
        (state.isOpen, state.logSalts) = (isOpen, nil)
        put(state, path)
    }

    private static func put(_ state: StoreState, _ path: String) {
        let descriptor = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return }
        defer { Foundation.close(descriptor) }
        // If that fails, the file keeps its old state, and the next start compares it.
        _ = pwrite(descriptor, state.encoded, StoreState.size, 0)
        _ = fdatasync(descriptor)
    }

    private func put(_ state: StoreState) -> Bool {
        bytes = state.encoded
        numbers = ["events=", "entries=", "refused="].map { name in
            (bytes.firstRange(of: Array(name.utf8))?.upperBound ?? 0)
        }
        // The next commit reads the beginning of the log again.
        knownSalts = nil
        return pwrite(descriptor, bytes, StoreState.size, 0) == StoreState.size
    }

    private func failure(_ code: CInt) -> StoreFailure {
        StoreFailure(
            [ENOSPC, EDQUOT].contains(code) ? .full : .unavailable,
            "\(path) cannot be written: \(StoreFile.reason(code))")
    }
}
