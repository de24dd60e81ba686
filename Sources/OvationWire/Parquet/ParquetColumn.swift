public import OvationCore

/// A column of a table in Parquet.
public struct ParquetColumn: Sendable, Equatable {
    public enum Kind: Sendable, Equatable, CaseIterable {
        /// UTF-8.
        case text
        /// 64 bits with a sign.
        case integer
        case double
        case boolean
        /// Milliseconds since 1970 in UTC.
        case timestamp
        /// Days since 1970.
        case date
    }

    public let name: String
    public let kind: Kind
    /// Whether each row has a value.
    public let isRequired: Bool

    public init(_ name: String, _ kind: Kind, isRequired: Bool = false) {
        self.name = name
        self.kind = kind
        self.isRequired = isRequired
    }
}

/// The numbers that the format gives to types, encodings and codecs (parquet.thrift).
enum ParquetNumber {
    enum Encoding {
        static let plain = 0
        static let runs = 3
        static let deltas = 5
        static let dictionary = 8
    }

    enum Page {
        static let data = 0
        static let dictionary = 2
    }
}

extension ParquetColumn {
    /// The physical type.
    var type: Int {
        switch kind {
        case .boolean: 0
        case .date: 1
        case .integer, .timestamp: 2
        case .double: 5
        case .text: 6
        }
    }

    /// A SchemaElement. The converted type says the same as the logical type, for readers from before 2018.
    var schemaElement: [UInt8] {
        ThriftWriter.structure { element in
            element.append(1, int32: type)
            element.append(3, int32: isRequired ? 0 : 1)
            element.append(4, text: name)
            switch kind {
            case .text:
                element.append(6, int32: 0)
                element.append(10) { $0.append(1) { _ in } }
            case .date:
                element.append(6, int32: 6)
                element.append(10) { $0.append(6) { _ in } }
            case .timestamp:
                element.append(6, int32: 9)
                element.append(10) { logical in
                    logical.append(8) { timestamp in
                        timestamp.append(1, bool: true)
                        timestamp.append(2) { unit in unit.append(1) { _ in } }
                    }
                }
            case .integer, .double, .boolean: break
            }
        }
    }
}

/// What the server compresses pages with: this layer links no library.
public protocol PageCompression: Sendable {
    /// As the format numbers it (CompressionCodec).
    var codec: Int { get }
    func compressed(_ page: [UInt8]) throws(Problem) -> [UInt8]
}
