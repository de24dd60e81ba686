/// The values of one execution, in PostgreSQL's binary form and in one buffer.
///
/// Lists are passed as arrays, so that a statement has one text for any number of rows.
struct Arguments {
    /// Numbers that PostgreSQL gives its types (`pg_type.oid`), fixed for good.
    enum Element: Int32 {
        case bytes = 17
        case integer = 20
        case text = 25
    }

    private(set) var bytes: [UInt8] = []
    /// The position of each value; nil is NULL.
    private(set) var values: [Range<Int>?] = []

    init() {}

    mutating func addNull() { values.append(nil) }

    mutating func add(_ value: Int64?) {
        guard let value else { return addNull() }
        add { append(value, to: &$0) }
    }

    mutating func add(_ value: Bool) {
        add { $0.append(value ? 1 : 0) }
    }

    mutating func add(_ text: String) {
        add { $0.append(contentsOf: text.utf8) }
    }

    mutating func add(_ value: [UInt8]) {
        add { $0.append(contentsOf: value) }
    }

    mutating func add(orNull text: String?) {
        if let text { add(text) } else { addNull() }
    }

    mutating func add(orNull value: [UInt8]?) {
        if let value { add(value) } else { addNull() }
    }

    mutating func add(orNull numbers: [Int64]?) {
        if let numbers { add(numbers) } else { addNull() }
    }

    mutating func add(_ numbers: [Int64]) {
        addList(of: .integer, count: numbers.count) { $0.append(numbers) }
    }

    mutating func add(_ texts: [String]) {
        addList(of: .text, count: texts.count) { list in
            for text in texts { list.append(text) }
        }
    }

    /// An array, filled with exactly as many elements as announced.
    mutating func addList(of type: Element, count: Int, _ fill: (inout List) -> Void) {
        let start = bytes.count
        // Dimensions, whether there are NULLs (PostgreSQL ignores that), the type; then the length and the first index.
        for word in count == 0 ? [0, 0, type.rawValue] : [1, 1, type.rawValue, Int32(count), 1] {
            append(word, to: &bytes)
        }
        var list = List(bytes: bytes)
        bytes = []
        fill(&list)
        bytes = list.bytes
        values.append(start..<bytes.count)
    }

    private mutating func add(_ write: (inout [UInt8]) -> Void) {
        let start = bytes.count
        write(&bytes)
        values.append(start..<bytes.count)
    }

    struct List {
        fileprivate var bytes: [UInt8]

        /// Each as its length and its eight bytes. A group has seven such columns, so they are written in one go.
        fileprivate mutating func append(_ numbers: [Int64]) {
            let size = 12
            let block = [UInt8](unsafeUninitializedCapacity: numbers.count * size) { buffer, count in
                let raw = UnsafeMutableRawBufferPointer(buffer)
                for (index, number) in numbers.enumerated() {
                    raw.storeBytes(of: Int32(8).bigEndian, toByteOffset: index * size, as: Int32.self)
                    raw.storeBytes(of: number.bigEndian, toByteOffset: index * size + 4, as: Int64.self)
                }
                count = numbers.count * size
            }
            bytes.append(contentsOf: block)
        }

        mutating func append(_ text: String) {
            OvationPostgres.append(Int32(text.utf8.count), to: &bytes)
            bytes.append(contentsOf: text.utf8)
        }

        /// Values that already have their length.
        mutating func append(encoded value: ArraySlice<UInt8>) {
            bytes.append(contentsOf: value)
        }

        mutating func append(bytes value: some Collection<UInt8>) {
            OvationPostgres.append(Int32(value.count), to: &bytes)
            bytes.append(contentsOf: value)
        }
    }
}

private func append(_ value: some FixedWidthInteger, to bytes: inout [UInt8]) {
    withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
}
