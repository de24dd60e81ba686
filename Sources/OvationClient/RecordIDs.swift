import OvationCore
import OvationWire

/// Finds the ids of the events in an export that is written as text: the first, the last, and how many there are.
public struct RecordIDs: Sendable {
    public private(set) var count = 0
    public private(set) var first: Int64?
    public private(set) var last: Int64?
    private let format: SectionExport.Format
    private var csv = CSVState()

    /// Where a record of CSV stands: its first field is the id.
    private struct CSVState {
        var isQuoted = false
        /// The digits of the first field so far; nil behind it, and where it is none, as in the header.
        var id: Int64? = 0
        var digits = 0
    }

    public init(_ format: SectionExport.Format) {
        self.format = format
    }

    /// - Parameter bytes: whole lines. In CSV a record can go on in the next ones.
    public mutating func take(_ bytes: UnsafeRawBufferPointer) {
        switch format {
        case .lines: takeLines(bytes)
        case .csv: for byte in bytes { take(byte) }
        }
    }

    private mutating func takeLines(_ bytes: UnsafeRawBufferPointer) {
        let ends = bytes.indices.filter { bytes[$0] == 10 }
        guard let firstEnd = ends.first, let lastEnd = ends.last else { return }
        count += ends.count
        if first == nil { first = id(bytes[..<firstEnd]) }
        let start = ends.count > 1 ? ends[ends.count - 2] + 1 : 0
        last = id(bytes[start..<lastEnd]) ?? last
    }

    private func id(_ line: Slice<UnsafeRawBufferPointer>) -> Int64? {
        let line = (try? JSONValue(parsing: Array(line))).flatMap { try? Bodies.ExportLine(received: $0) }
        return line.flatMap { VersionID.parse($0.eventID) }
    }

    private mutating func take(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""):
            csv.isQuoted.toggle()
            csv.id = nil
        case _ where csv.isQuoted: break
        case 10: csv = CSVState()
        case UInt8(ascii: ","):
            if let id = csv.id, csv.digits > 0 {
                count += 1
                first = first ?? id
                last = id
            }
            csv.id = nil
        case 48...57 where csv.digits < 18:
            csv.id = csv.id.map { $0 * 10 + Int64(byte - 48) }
            csv.digits += 1
        default: csv.id = nil
        }
    }
}
