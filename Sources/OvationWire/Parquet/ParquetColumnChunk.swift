import OvationCore

/// One column of one row group, as it stands in the file: a dictionary where the column is smaller with one, and then pages of
/// values.
struct ParquetColumnChunk {
    private(set) var bytes: [UInt8] = []
    private let column: ParquetColumn
    private let buffer: ParquetColumnBuffer
    private let compression: any PageCompression
    private let dictionary: ParquetDictionary?
    private let rows: Int
    private var levels: [UInt32] = []
    private var uncompressedCount = 0
    private var dataStart = 0
    private var encodings: Set<Int> = []

    init(
        _ column: ParquetColumn, _ buffer: ParquetColumnBuffer, rows: Int, _ compression: any PageCompression
    ) throws(Problem) {
        self.column = column
        self.buffer = buffer
        self.rows = rows
        self.compression = compression
        switch column.kind {
        case .text: dictionary = ParquetDictionary(texts: buffer.texts, ends: buffer.textEnds)
        case .double: dictionary = ParquetDictionary(doubles: buffer.words)
        case .integer, .boolean, .timestamp, .date: dictionary = nil
        }
        if !column.isRequired { levels = buffer.levels(rows: rows) }
        if let dictionary { try append(dictionaryPage: dictionary) }
        dataStart = bytes.count
        try appendDataPages()
    }

    // MARK: Pages

    private mutating func append(dictionaryPage dictionary: ParquetDictionary) throws(Problem) {
        encodings.insert(ParquetNumber.Encoding.plain)
        try append(page: ParquetNumber.Page.dictionary, dictionary.page) { header in
            header.append(7) { page in
                page.append(1, int32: dictionary.count)
                page.append(2, int32: ParquetNumber.Encoding.plain)
            }
        }
    }

    private mutating func appendDataPages() throws(Problem) {
        if !column.isRequired { encodings.insert(ParquetNumber.Encoding.runs) }
        var row = 0
        var value = 0
        while row < rows {
            let (rowEnd, valueEnd) = end(ofPageFrom: row, value)
            var content: [UInt8] = []
            if !column.isRequired {
                var encoded: [UInt8] = []
                PackedIntegers.appendRuns(levels[row..<rowEnd], width: 1, to: &encoded)
                content.append(littleEndian: UInt32(encoded.count))
                content += encoded
            }
            let encoding = append(values: value..<valueEnd, to: &content)
            encodings.insert(encoding)
            try append(page: ParquetNumber.Page.data, content) { header in
                header.append(5) { page in
                    page.append(1, int32: rowEnd - row)
                    page.append(2, int32: encoding)
                    page.append(3, int32: ParquetNumber.Encoding.runs)
                    page.append(4, int32: ParquetNumber.Encoding.runs)
                }
            }
            (row, value) = (rowEnd, valueEnd)
        }
    }

    /// A page ends at a number of rows, or at a number of bytes; it has one row at least.
    private func end(ofPageFrom row: Int, _ value: Int) -> (row: Int, value: Int) {
        var (row, value) = (row, value)
        let rowMax = min(rows, row + Limits.parquetPageRows)
        var size = 0
        while row < rowMax, size < Limits.parquetPageBytes {
            if column.isRequired || levels[row] == 1 {
                size += dictionary != nil ? 4 : column.kind == .text ? textRange(value).count + 4 : 8
                value += 1
            }
            row += 1
        }
        return (row, value)
    }

    private mutating func append(
        page kind: Int, _ content: [UInt8], _ header: (inout ThriftWriter) -> Void
    ) throws(Problem) {
        let compressed = try compression.compressed(content)
        let head = ThriftWriter.structure { writer in
            writer.append(1, int32: kind)
            writer.append(2, int32: content.count)
            writer.append(3, int32: compressed.count)
            header(&writer)
        }
        uncompressedCount += head.count + content.count
        bytes += head
        bytes += compressed
    }

    // MARK: Values

    private func textRange(_ value: Int) -> Range<Int> {
        (value == 0 ? 0 : buffer.textEnds[value - 1])..<buffer.textEnds[value]
    }

    /// - Returns: the encoding. A page without a value has none to speak of.
    private func append(values range: Range<Int>, to content: inout [UInt8]) -> Int {
        guard !range.isEmpty else { return ParquetNumber.Encoding.plain }
        if let dictionary {
            content.append(UInt8(dictionary.width))
            PackedIntegers.appendRuns(dictionary.indices[range], width: dictionary.width, to: &content)
            return ParquetNumber.Encoding.dictionary
        }
        switch column.kind {
        case .integer, .timestamp:
            PackedIntegers.appendDeltas(buffer.words[range], to: &content)
            return ParquetNumber.Encoding.deltas
        case .text:
            for value in range {
                let text = textRange(value)
                content.append(littleEndian: UInt32(text.count))
                content += buffer.texts[text]
            }
        case .double: for word in buffer.words[range] { content.append(littleEndian: word) }
        case .date: for word in buffer.words[range] { content.append(littleEndian: Int32(truncatingIfNeeded: word)) }
        case .boolean: appendBits(buffer.words[range], to: &content)
        }
        return ParquetNumber.Encoding.plain
    }

    private func appendBits(_ words: ArraySlice<Int64>, to content: inout [UInt8]) {
        var byte: UInt8 = 0
        for (index, word) in words.enumerated() {
            if word == 1 { byte |= 1 << (index % 8) }
            if index % 8 == 7 || index == words.count - 1 {
                content.append(byte)
                byte = 0
            }
        }
    }

    // MARK: What the footer says

    /// A ColumnChunk.
    /// - Parameter offset: where the chunk begins in the file.
    func metadata(at offset: Int) -> [UInt8] {
        ThriftWriter.structure { chunk in
            chunk.append(2, int64: 0)
            chunk.append(3) { metadata in
                metadata.append(1, int32: column.type)
                metadata.append(2, int32s: encodings.sorted())
                metadata.append(3, texts: [column.name])
                metadata.append(4, int32: compression.codec)
                metadata.append(5, int64: rows)
                metadata.append(6, int64: uncompressedCount)
                metadata.append(7, int64: bytes.count)
                metadata.append(9, int64: offset + dataStart)
                if dictionary != nil { metadata.append(11, int64: offset) }
                metadata.append(12, structure: appendStatistics)
            }
        }
    }

    var uncompressedBytes: Int { uncompressedCount }

    private func appendStatistics(_ statistics: inout ThriftWriter) {
        let range = valueRange()
        statistics.append(3, int64: rows - buffer.valueCount)
        if let range {
            statistics.append(5, binary: range.max)
            statistics.append(6, binary: range.min)
        }
    }

    /// The smallest and the largest value, as they stand in the file. nil: there is none, or it is too long to repeat.
    private func valueRange() -> (min: [UInt8], max: [UInt8])? {
        func bytes(_ word: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: word.littleEndian) { Array($0) } }
        switch column.kind {
        case .text: return textValueRange()
        case .double:
            let values = buffer.words.lazy.map { Double(bitPattern: UInt64(bitPattern: $0)) }
            guard let least = values.min(), let most = values.max(), !values.contains(where: \.isNaN) else {
                return nil
            }
            // Both zeros are equal, so a range has them both.
            return (
                bytes((least == 0 ? -0.0 : least).bitPattern), bytes((most == 0 ? 0.0 : most).bitPattern)
            )
        case .integer, .timestamp, .date, .boolean:
            guard let least = buffer.words.min(), let most = buffer.words.max() else { return nil }
            switch column.kind {
            case .date: return (bytes(Int32(truncatingIfNeeded: least)), bytes(Int32(truncatingIfNeeded: most)))
            case .boolean: return (bytes(UInt8(least)), bytes(UInt8(most)))
            default: return (bytes(least), bytes(most))
            }
        }
    }

    /// By their bytes without a sign, which is the order of texts in the format.
    private func textValueRange() -> (min: [UInt8], max: [UInt8])? {
        guard !buffer.textEnds.isEmpty else { return nil }
        return buffer.texts.withUnsafeBufferPointer { texts in
            func precedes(_ left: Range<Int>, _ right: Range<Int>) -> Bool {
                texts[left].lexicographicallyPrecedes(texts[right])
            }
            var least = textRange(0)
            var most = least
            for value in 1..<max(1, buffer.textEnds.count) {
                let text = textRange(value)
                if precedes(text, least) { least = text }
                if precedes(most, text) { most = text }
            }
            guard max(least.count, most.count) <= Limits.parquetStatisticsBytesMax else { return nil }
            return (Array(texts[least]), Array(texts[most]))
        }
    }
}
