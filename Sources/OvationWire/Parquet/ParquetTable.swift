public import OvationCore

/// Writes a table as a file of Apache Parquet, one row group at a time.
///
/// It writes the part of the format that a table of single values needs: pages of the first version, definition levels as runs,
/// texts and doubles with a dictionary where that is smaller, integers and times as differences, and statistics of each column
/// chunk. A row group is in memory until it has a number of bytes. What is written waits in ``take()``.
///
/// Source: the specification at github.com/apache/parquet-format.
public struct ParquetTable: Sendable {
    public let columns: [ParquetColumn]
    private let compression: any PageCompression
    private var buffers: [ParquetColumnBuffer]
    private var bytes = Array("PAR1".utf8)
    /// Bytes that were taken.
    private var takenCount = 0
    /// Rows of the row group, and the bytes of its values.
    private var groupRows = 0
    private var groupBytes = 0
    private var rowCount = 0
    /// What the footer says of each row group.
    private var groups: [UInt8] = []
    private var groupCount = 0

    /// - Parameter columns: up to ``Limits/parquetColumnsMax``, each with a name of its own.
    public init(columns: [ParquetColumn], compression: any PageCompression) {
        self.columns = columns
        self.compression = compression
        buffers = columns.map { _ in ParquetColumnBuffer() }
    }

    // MARK: Rows

    /// A value of the present row. A column without one is null there.
    /// - Parameter text: UTF-8.
    public mutating func append(text: some Collection<UInt8>, to column: Int) {
        groupBytes += buffers[column].append(text: text, row: groupRows)
    }

    public mutating func append(integer: Int64, to column: Int) {
        groupBytes += buffers[column].append(word: integer, row: groupRows)
    }

    public mutating func append(double: Double, to column: Int) {
        groupBytes += buffers[column].append(word: Int64(bitPattern: double.bitPattern), row: groupRows)
    }

    public mutating func append(boolean: Bool, to column: Int) {
        groupBytes += buffers[column].append(word: boolean ? 1 : 0, row: groupRows)
    }

    public mutating func append(timestamp: Timestamp, to column: Int) {
        groupBytes += buffers[column].append(word: timestamp.milliseconds, row: groupRows)
    }

    /// - Parameter days: since 1970-01-01.
    public mutating func append(days: Int32, to column: Int) {
        groupBytes += buffers[column].append(word: Int64(days), row: groupRows)
    }

    public mutating func endRow() {
        groupRows += 1
    }

    /// Whether the row group has as many bytes as it may have. The caller ends it then, where that may take its time.
    public var isRowGroupFull: Bool { groupBytes >= Limits.parquetRowGroupBytes }

    // MARK: The file

    /// Encodes and compresses the rows since the last row group; that takes some ten milliseconds for each megabyte.
    /// - Throws: `limit_exceeded` where the footer has ``Limits/parquetFooterBytesMax`` bytes.
    public mutating func endRowGroup() throws(Problem) {
        guard groupRows > 0 else { return }
        var chunks: [UInt8] = []
        var uncompressedBytes = 0
        let start = takenCount + bytes.count
        for (index, column) in columns.enumerated() {
            let buffer = buffers[index]
            buffers[index] = ParquetColumnBuffer()
            let chunk = try ParquetColumnChunk(column, buffer, rows: groupRows, compression)
            chunks += chunk.metadata(at: takenCount + bytes.count)
            uncompressedBytes += chunk.uncompressedBytes
            bytes += chunk.bytes
        }
        groups += ThriftWriter.structure { group in
            group.append(1, structures: chunks, count: columns.count)
            group.append(2, int64: uncompressedBytes)
            group.append(3, int64: groupRows)
            group.append(5, int64: start)
            group.append(6, int64: takenCount + bytes.count - start)
        }
        groupCount += 1
        rowCount += groupRows
        (groupRows, groupBytes) = (0, 0)
        guard groups.count <= Limits.parquetFooterBytesMax else {
            throw Problem(.limitExceeded, "The footer of the file is too large; export in parts.")
        }
    }

    /// Writes the last row group and the footer.
    /// - Parameter metadata: keys and values that programs show beside the schema.
    public mutating func finish(metadata: [(key: String, value: String)]) throws(Problem) {
        try endRowGroup()
        let root = ThriftWriter.structure { element in
            element.append(4, text: "schema")
            element.append(5, int32: columns.count)
        }
        let pairs = metadata.map { key, value in
            ThriftWriter.structure { pair in
                pair.append(1, text: key)
                pair.append(2, text: value)
            }
        }
        // A column order: that of the type.
        let order = ThriftWriter.structure { $0.append(1) { _ in } }
        let footer = ThriftWriter.structure { file in
            file.append(1, int32: 1)
            file.append(2, structures: root + columns.flatMap(\.schemaElement), count: columns.count + 1)
            file.append(3, int64: rowCount)
            file.append(4, structures: groups, count: groupCount)
            file.append(5, structures: Array(pairs.joined()), count: pairs.count)
            file.append(6, text: "ovation")
            file.append(7, structures: Array(repeatElement(order, count: columns.count).joined()), count: columns.count)
        }
        bytes += footer
        bytes.append(littleEndian: UInt32(footer.count))
        bytes += "PAR1".utf8
    }

    /// Bytes that wait to be taken.
    public var waitingCount: Int { bytes.count }

    /// What was written since the last time.
    public mutating func take() -> [UInt8] {
        defer { bytes = [] }
        takenCount += bytes.count
        return bytes
    }
}
