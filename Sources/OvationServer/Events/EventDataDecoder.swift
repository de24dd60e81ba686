import OvationCore
import OvationWire

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Checks the `data` of events against their versions, and writes it in its stored form, in one walk over simdjson's
/// tape. ``EventsCheck`` decides about everything that this does not accept.
struct EventDataDecoder {
    var bytes: EventBytes
    private var plainZeros: Bool?

    /// For one tape.
    init(bytes: EventBytes) {
        self.bytes = bytes
    }

    /// - Returns: false when it is not plainly right; the caller then removes what was written of it.
    mutating func append(_ start: Int, of tape: JSONTape, as schema: EventSchema) -> Bool {
        let table = schema.table
        // Sixty-four fields fit the mask; wider event types take the exact path.
        guard tape.kind(start) == JSONTape.Kind.object, table.entries.count <= 64 else { return false }
        let present: UInt64? = table.entries.withUnsafeBufferPointer { entries in
            table.names.withUnsafeBufferPointer { names in fields(of: start, tape, entries, names) }
        }
        return present.map { schema.requiredMask & ~$0 == 0 } ?? false
    }

    /// - Returns: a bit for each field that is there and not null; nil if the data are not plainly right.
    private mutating func fields(
        of start: Int, _ tape: JSONTape, _ entries: UnsafeBufferPointer<FieldTable.Entry>,
        _ names: UnsafeBufferPointer<UInt8>
    ) -> UInt64? {
        var seen: UInt64 = 0
        var present: UInt64 = 0
        var expected = 0
        bytes.reserve(1)
        bytes.append(UInt8(ascii: "{"))
        var index = start + 1
        let end = tape.end(start)
        while index < end {
            let name = tape.string(index)
            // Fields mostly come in the order of the definition: look there first.
            if expected >= entries.count || !matches(name, entries[expected], names) {
                guard let found = entries.firstIndex(where: { matches(name, $0, names) }) else { return nil }
                expected = found
            }
            let entry = entries[expected]
            let bit: UInt64 = 1 << UInt64(expected)
            expected += 1
            guard seen & bit == 0 else { return nil }
            seen |= bit
            let value = index + 1
            if tape.kind(value) != JSONTape.Kind.null {
                // The first field has no comma before it. The rest of the field makes room for its comma or brace.
                let skipped = present == 0 ? 1 : 0
                present |= bit
                bytes.reserve(entry.nameCount + 4 + 8)
                bytes.append(names.baseAddress! + entry.start + skipped, count: entry.nameCount + 4 - skipped)
                guard append(value, of: tape, as: entry.type) else { return nil }
            }
            index = tape.next(value)
        }
        bytes.reserve(1)
        bytes.append(UInt8(ascii: "}"))
        return present
    }

    private func matches(
        _ name: UnsafeBufferPointer<UInt8>, _ entry: FieldTable.Entry, _ names: UnsafeBufferPointer<UInt8>
    ) -> Bool {
        // After a comma and a quote.
        name.count == entry.nameCount
            && memcmp(name.baseAddress!, names.baseAddress! + entry.start + 2, name.count) == 0
    }

    /// Looked up once for any number of zeros.
    private mutating func areZerosPlain(on tape: JSONTape) -> Bool {
        if let known = plainZeros { return known }
        let arePlain = tape.isZeroPlain
        plainZeros = arePlain
        return arePlain
    }

    private mutating func append(_ index: Int, of tape: JSONTape, as type: FieldType) -> Bool {
        switch (type, tape.kind(index)) {
        case (.string, JSONTape.Kind.string):
            let text = tape.string(index)
            // There are at most as many scalars as bytes.
            return text.count <= Limits.textLengthMax && bytes.append(string: text)
        case (.integer, JSONTape.Kind.int64): bytes.append(tape.int64(index))
        case (.double, JSONTape.Kind.double):
            let value = tape.double(index)
            guard value.isNormal || (value == 0 && areZerosPlain(on: tape)) else { return false }
            bytes.append(value == 0 ? 0 : value)
        case (.double, JSONTape.Kind.int64): bytes.append(Double(tape.int64(index)))
        case (.boolean, JSONTape.Kind.true): bytes.append("true")
        case (.boolean, JSONTape.Kind.false): bytes.append("false")
        default: return false
        }
        return true
    }
}

extension JSONTape {
    /// nil if it is not a time, or is in a form that only the exact reading accepts.
    func versionID(_ index: Int) -> EventVersion.ID? {
        switch kind(index) {
        case Kind.int64:
            let id = int64(index)
            return id > 0 ? id : nil
        case Kind.string: return VersionID.parse(String(decoding: string(index), as: UTF8.self))
        default: return nil
        }
    }
}

extension UnsafeBufferPointer<UInt8> {
    func isWord(_ word: StaticString) -> Bool {
        elementsEqual(UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount))
    }

    /// simdjson writes a lone `\udc00` as three bytes that are not UTF-8: ED A0…BF.
    var holdsHalfSurrogate: Bool {
        zip(self, dropFirst()).contains { $0 == 0xED && $1 >= 0xA0 }
    }
}
