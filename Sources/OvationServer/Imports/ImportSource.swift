import OvationCore

/// The file of an import, row by row from a place on.
struct ImportSource: Sendable {
    private let file: OpenFile
    private var reader: CSVReader
    private var offset: Int64
    private var isAtEnd = false

    /// - Parameter delimiter: nil: from the beginning, where the first row tells.
    init(_ file: OpenFile, delimiter: UInt8? = nil, at place: Job.Place = Job.Place()) {
        self.file = file
        reader = CSVReader(delimiter: delimiter, offset: place.bytes, line: place.line)
        offset = place.bytes
    }

    var delimiter: UInt8? { reader.delimiter }

    /// The next row; nil: there is none. Blocks.
    mutating func next() throws -> CSVRow? {
        while true {
            do throws(CSVFailure) {
                if let row = try reader.next() { return row }
            } catch {
                throw error.problem
            }
            guard try readMore() else { return nil }
        }
    }

    /// false: there is no more.
    private mutating func readMore() throws -> Bool {
        guard !isAtEnd else { return false }
        let piece = try file.read(Limits.importPieceBytes, at: offset)
        offset += Int64(piece.count)
        if piece.isEmpty {
            isAtEnd = true
            reader.finish()
        } else {
            reader.append(piece)
        }
        return true
    }

    /// The first row, which names the columns. Blocks.
    mutating func header() throws -> CSVRow {
        try ImportSource.header(try next())
    }

    /// - Throws: where the first row of a file does not name its columns.
    static func header(_ row: CSVRow?) throws(Problem) -> CSVRow {
        guard let header = row, !header.isEmpty else {
            throw Problem(.invalidFile, "The file is empty. Its first row names the columns.")
        }
        guard !header.isMalformed else { throw Problem(.invalidFile, "The first row of the file is malformed.") }
        return header
    }

    /// Passes over the rows of the next pieces: a file that is no CSV is refused whole, before anything of it is stored.
    /// Blocks.
    /// - Returns: false: that was the end of the file.
    mutating func check(pieces: Int) throws -> Bool {
        for _ in 0..<pieces {
            do throws(CSVFailure) {
                while try reader.skip() {}
            } catch {
                throw error.problem
            }
            guard try readMore() else { return false }
        }
        return true
    }
}

extension CSVFailure {
    /// Of the file as a whole.
    var problem: Problem {
        switch self {
        case .rowTooLong(let line):
            Problem(
                .invalidFile,
                "The row in line \(line) has more than \(Limits.csvRowBytesMax) bytes; a quote may not be closed.")
        case .tooManyFields(let line):
            Problem(.invalidFile, "The row in line \(line) has more than \(Limits.csvColumnsMax) fields.")
        case .openQuotes(let line):
            Problem(.invalidFile, "The quotes that begin in line \(line) are not closed.")
        case .encoding(let line):
            Problem(.invalidFile, "Line \(line) is not UTF-8. Save the file as UTF-8.")
        case .binary(let line):
            Problem(.invalidFile, "Line \(line) has a NUL byte, so the file is no CSV.")
        }
    }
}
