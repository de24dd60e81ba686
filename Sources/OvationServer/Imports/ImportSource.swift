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
            guard !isAtEnd else { return nil }
            let piece = try file.read(Limits.importPieceBytes, at: offset)
            offset += Int64(piece.count)
            if piece.isEmpty {
                isAtEnd = true
                reader.finish()
            } else {
                reader.append(piece)
            }
        }
    }

    /// Reads the whole file, so that one that is no CSV is refused whole.
    /// - Returns: the first row, and the place behind it.
    static func check(_ file: OpenFile) throws -> (header: CSVRow, delimiter: UInt8) {
        var source = ImportSource(file)
        guard let header = try source.next(), !header.isEmpty, let delimiter = source.delimiter else {
            throw Problem(.invalidFile, "The file is empty. Its first row names the columns.")
        }
        guard !header.isMalformed else { throw Problem(.invalidFile, "The first row of the file is malformed.") }
        while try source.next() != nil {}
        return (header, delimiter)
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
