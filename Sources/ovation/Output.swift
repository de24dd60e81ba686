import ArgumentParser
import Foundation
import OvationClient
import OvationPostgres
import OvationWire
import Synchronization

/// Standard output. Nothing else writes to it, so that what did not arrive is known before a command says that it did
/// well, and so that no text of others reaches a terminal as it is.
///
/// What is printed waits in a buffer until the command ends, but on a terminal no longer than to the end of the line.
enum Output {
    private static let buffer = Mutex<[UInt8]>([])
    private static let bufferedMax = 64 * 1024
    static let isTerminal = isatty(STDOUT_FILENO) == 1

    /// One line; line ends within it are escaped.
    static func print(_ line: String) throws(OutputFailure) {
        try put(Array((TerminalText.line(line) + "\n").utf8))
    }

    /// What others will go on with in the same line. It is written at once.
    static func print(beginning words: String) throws(OutputFailure) {
        try put(Array(TerminalText.line(words).utf8))
        try flush()
    }

    /// Text of several lines.
    static func print(lines text: String) throws(OutputFailure) {
        try put(Array((TerminalText.lines(text) + "\n").utf8))
    }

    /// JSON, which is the same value with its escapes.
    static func print(json bytes: [UInt8]) throws(OutputFailure) {
        try put(Array((TerminalText.json(bytes) + "\n").utf8))
    }

    /// A file for programs: as it is, but on a terminal.
    static func print(file text: String) throws(OutputFailure) {
        try put(Array((isTerminal ? TerminalText.lines(text) : text).utf8))
    }

    /// Writes what waits.
    static func flush() throws(OutputFailure) {
        let bytes = buffer.withLock { buffer in
            defer { buffer = [] }
            return buffer
        }
        guard !bytes.isEmpty else { return }
        if let code = bytes.withUnsafeBytes({ Descriptor.write($0, to: STDOUT_FILENO) }) {
            throw OutputFailure(code: code)
        }
    }

    /// Without the buffer.
    static func write(_ bytes: UnsafeRawBufferPointer) throws(OutputFailure) {
        if let failure = Descriptor.write(bytes, to: STDOUT_FILENO) { throw OutputFailure(code: failure) }
    }

    private static func put(_ bytes: [UInt8]) throws(OutputFailure) {
        let isFull = buffer.withLock { buffer in
            buffer += bytes
            return isTerminal || buffer.count >= bufferedMax
        }
        if isFull { try flush() }
    }

    /// Some systems say only when a file is closed that it could not be written.
    fileprivate static func close() throws(OutputFailure) {
        try flush()
        guard Foundation.close(STDOUT_FILENO) != 0, errno != EBADF, errno != EINTR else { return }
        throw OutputFailure(code: errno)
    }
}

/// Standard output took no more.
struct OutputFailure: Error, CustomStringConvertible {
    let code: Int32

    /// The reader has seen enough, as `head` has.
    var isBrokenPipe: Bool { code == EPIPE }

    var description: String {
        code == EBADF
            ? "standard output is closed, so nothing could be printed."
            : "standard output cannot be written: \(String(cString: strerror(code)))."
    }
}

/// Words for the person at the terminal that a pipe does not take along. Where nobody can read them nothing happens.
enum StandardError {
    static let isTerminal = isatty(STDERR_FILENO) == 1

    /// Line ends in the text stay.
    static func write(_ text: String) {
        put(TerminalText.lines(ConnectionSecrets.hidden(in: text)) + "\n")
    }

    /// Line ends in the text are escaped.
    static func writeLine(_ line: String) {
        write(TerminalText.line(line))
    }

    /// One value in one line, written at once, so that lines of several threads do not mix.
    static func write(jsonLine value: JSONValue) {
        put(TerminalText.json(JSONWriter.write(value)) + "\n")
    }

    /// Moves to the beginning of the line, and empties it, on a terminal.
    static func overwrite(_ line: String) {
        put("\r\u{1B}[K" + TerminalText.line(line))
    }

    private static func put(_ text: String) {
        var text = text
        text.withUTF8 { _ = Descriptor.write(UnsafeRawBufferPointer($0), to: STDERR_FILENO) }
    }
}

private enum Descriptor {
    /// - Returns: nil when all of it was written, else the system's code.
    static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Int32? {
        var done = 0
        while done < bytes.count {
            let count = Foundation.write(descriptor, bytes.baseAddress! + done, bytes.count - done)
            if count > 0 {
                done += count
                continue
            }
            switch count == 0 ? EIO : errno {
            case EINTR: continue
            case EAGAIN:
                // Somebody else made it one that does not wait.
                var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = poll(&waiting, 1, -1)
            case let code: return code
            }
        }
        return nil
    }
}

enum StandardStreams {
    /// A reader that has gone, or a file that may not grow, is an error and not the end of the process. And the numbers
    /// of the three streams are taken: the next file that is opened would otherwise be standard output, and a store
    /// could get what is printed into its middle.
    static func prepare() {
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
        // What is open for reading cannot be written, so that a closed standard output is noticed.
        for (stream, mode) in [(STDIN_FILENO, O_RDONLY), (STDOUT_FILENO, O_RDONLY), (STDERR_FILENO, O_WRONLY)]
        where fcntl(stream, F_GETFD) == -1 && errno == EBADF {
            // The lowest number that is free is this one.
            _ = open("/dev/null", mode)
        }
    }
}

extension Ovation {
    /// What a shell gives for a program that a broken pipe ended.
    private static let brokenPipeCode: Int32 = 128 + SIGPIPE

    /// Runs the command; it did well only when all that it printed has arrived.
    static func main() async {
        StandardStreams.prepare()
        var failure: (any Error)?
        do {
            try GivenWords.verify()
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            failure = (error as? ClientFailure).map { CommandFailure($0) } ?? error
        }
        await Connections.shutdown()
        Foundation.exit(end(failure))
    }

    private static func end(_ failure: (any Error)?) -> Int32 {
        do {
            if let failure, !(failure is OutputFailure), exitCode(for: failure).isSuccess {
                // Somebody asked for help.
                try Output.print(lines: fullMessage(for: failure))
            }
            try Output.close()
        } catch {
            return say(error)
        }
        return failure.map(say) ?? 0
    }

    private static func say(_ failure: any Error) -> Int32 {
        if let failure = failure as? OutputFailure, failure.isBrokenPipe { return brokenPipeCode }
        let (code, text) = (exitCode(for: failure), fullMessage(for: failure))
        if !code.isSuccess, !text.isEmpty { StandardError.write(text) }
        return code.rawValue
    }
}
