import OvationCore
import OvationWire

/// Reads a body of multipart/form-data (RFC 7578) as it arrives: fields before the file, and the file in pieces. It holds the
/// form without the file, and as much of the file as a boundary is long.
struct MultipartReader {
    enum Part: Equatable {
        case field(name: String, value: String)
        /// The file begins.
        case fileBegins
        case file([UInt8])
        case fileEnds
    }

    private enum State {
        /// Before the first boundary.
        case beginning
        /// Behind a boundary: a line break, or the mark of the end.
        case boundary
        case head
        case field(name: String)
        case file
        /// A part that nobody asked for.
        case other
        case end
    }

    private var state = State.beginning
    private var buffer: [UInt8] = []
    /// Where a search for a mark has to begin: before it there is none.
    private var searched = 0
    /// A line break, two dashes and the boundary.
    private let delimiter: [UInt8]
    /// Bytes of the form, without the file.
    private var formBytes = 0
    private var hasFile = false

    /// - Parameter contentType: of the request.
    init(contentType: String?) throws(Problem) {
        guard let boundary = contentType.flatMap(MultipartReader.boundary) else {
            throw MultipartReader.refused("Post a form of multipart/form-data, with its boundary in Content-Type.")
        }
        delimiter = Array("\r\n--\(boundary)".utf8)
        // The first boundary can stand at the very beginning.
        buffer = [0x0D, 0x0A]
    }

    private static func refused(_ detail: String) -> Problem { Problem(.invalidFile, detail) }

    /// Whether the last boundary has come, and a file.
    var isComplete: Bool {
        if case .end = state { return hasFile }
        return false
    }

    /// What stands behind `boundary=`, up to 70 characters (RFC 2046 §5.1.1).
    private static func boundary(_ contentType: String) -> String? {
        let parts = contentType.split(separator: ";", omittingEmptySubsequences: false)
        guard parts.first?.lowercased().filter({ $0 != " " }) == "multipart/form-data" else { return nil }
        for part in parts.dropFirst() {
            let word = part.drop { $0 == " " }
            guard word.lowercased().hasPrefix("boundary=") else { continue }
            let value = word.dropFirst("boundary=".count).filter { $0 != "\"" }
            guard (1...70).contains(value.utf8.count), value.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
                return nil
            }
            return value
        }
        return nil
    }

    /// The next bytes of the body.
    mutating func read(_ bytes: some Collection<UInt8>) throws(Problem) -> [Part] {
        buffer.append(contentsOf: bytes)
        var parts: [Part] = []
        while try step(&parts) {}
        if !isInFile, formBytes + buffer.count > Limits.uploadFormBytesMax {
            throw MultipartReader.refused("The form has more than \(Limits.uploadFormBytesMax) bytes beside the file.")
        }
        return parts
    }

    private var isInFile: Bool {
        if case .file = state { return true }
        return false
    }

    /// false: more has to come.
    private mutating func step(_ parts: inout [Part]) throws(Problem) -> Bool {
        switch state {
        case .end:
            buffer = []
            return false
        case .boundary: return try boundary()
        case .head: return try head(&parts)
        case .beginning, .other:
            guard take(upTo: delimiter) != nil else { return false }
            state = .boundary
        case .field(let name):
            guard let bytes = take(upTo: delimiter) else { return false }
            guard let value = String(validating: bytes, as: UTF8.self) else {
                throw MultipartReader.refused("A field of the form is not UTF-8.")
            }
            parts.append(.field(name: name, value: value))
            state = .boundary
        case .file:
            if let index = index(of: delimiter) {
                if index > 0 { parts.append(.file(Array(buffer[..<index]))) }
                parts.append(.fileEnds)
                remove(index + delimiter.count)
                state = .boundary
                return true
            }
            // The end may be the beginning of a boundary.
            let sure = buffer.count - (delimiter.count - 1)
            guard sure > 0 else { return false }
            parts.append(.file(Array(buffer[..<sure])))
            remove(sure)
            return false
        }
        return true
    }

    private mutating func boundary() throws(Problem) -> Bool {
        guard buffer.count >= 2 else { return false }
        if buffer.starts(with: [0x2D, 0x2D]) {
            state = .end
            return true
        }
        guard buffer.starts(with: [0x0D, 0x0A]) else { throw MultipartReader.refused("A boundary is malformed.") }
        // The line break stays: a part without headers has one more behind it.
        state = .head
        return true
    }

    private mutating func head(_ parts: inout [Part]) throws(Problem) -> Bool {
        guard let bytes = take(upTo: [0x0D, 0x0A, 0x0D, 0x0A]) else { return false }
        guard let name = MultipartReader.name(inHead: String(decoding: bytes, as: UTF8.self)) else {
            throw MultipartReader.refused("A part of the form has no name.")
        }
        if name == "file", !hasFile {
            hasFile = true
            parts.append(.fileBegins)
            state = .file
        } else {
            state = hasFile ? .other : .field(name: name)
        }
        return true
    }

    /// `name="…"` of Content-Disposition.
    private static func name(inHead head: String) -> String? {
        for line in head.split(whereSeparator: \.isNewline) {
            guard line.lowercased().hasPrefix("content-disposition:") else { continue }
            for part in line.split(separator: ";").dropFirst() {
                let word = part.drop { $0 == " " }
                guard word.lowercased().hasPrefix("name=") else { continue }
                let name = word.dropFirst("name=".count).filter { $0 != "\"" }
                return name.isEmpty ? nil : name
            }
        }
        return nil
    }

    /// What stands before a mark, which is passed over. nil: the mark has not come.
    private mutating func take(upTo mark: [UInt8]) -> [UInt8]? {
        guard let index = index(of: mark) else { return nil }
        let bytes = Array(buffer[..<index])
        formBytes += index + mark.count
        remove(index + mark.count)
        return bytes
    }

    private mutating func remove(_ count: Int) {
        buffer.removeFirst(count)
        searched = 0
    }

    /// The state, and with it the mark, changes only when something is removed.
    private mutating func index(of mark: [UInt8]) -> Int? {
        guard buffer.count >= mark.count else { return nil }
        let found = buffer.withUnsafeBufferPointer { [searched] buffer -> Int? in
            for start in searched..<(buffer.count - mark.count + 1) where buffer[start] == mark[0] {
                if buffer[start...].starts(with: mark) { return start }
            }
            return nil
        }
        if found == nil { searched = buffer.count - mark.count + 1 }
        return found
    }
}
