import NIOCore
import OvationCore
import OvationWire

/// Decodes and checks a post of events in one walk over simdjson's tape, straight into the bytes to store.
///
/// It takes only what is plainly right. Anything that is wrong, or rare enough to need thought (a number with a
/// fraction in an integer field, a repeated member, an unknown version), makes it give up, and ``EventsCheck`` reads
/// the body again, exactly, to accept it after all or to say what is wrong. So there is one place that explains, and
/// the two agree on every body that this one takes: a property test holds them together.
struct FastEventsDecoder {
    private let tape: JSONTape
    private let target: EventTarget
    private var rows: [EventBatch.Row] = []
    private var writer = JSONWriter()
    /// The version of the item before, since most posts have one version.
    private var version: EventVersion.ID = 0
    private var schema: EventSchema?

    static func decode(
        _ body: ByteBuffer, for target: EventTarget, itemsMax: Int, with parsers: TapeParsers
    ) -> CheckedEvents? {
        parsers.withTape(of: body) { tape in
            var decoder = FastEventsDecoder(tape: tape, target: target)
            // The data is never longer than the body it came in, but for escapes and exponents.
            decoder.writer.bytes.reserveCapacity(body.readableBytes)
            guard decoder.document(itemsMax: itemsMax) else { return nil }
            return CheckedEvents(rows: decoder.rows, data: decoder.writer.bytes)
        }
    }

    private init(tape: JSONTape, target: EventTarget) {
        self.tape = tape
        self.target = target
    }

    private mutating func document(itemsMax: Int) -> Bool {
        guard tape.kind(JSONTape.root) == JSONTape.Kind.object else { return false }
        var items: Int?
        var index = JSONTape.root + 1
        let end = tape.end(JSONTape.root)
        while index < end {
            if equals(tape.string(index), "items") {
                guard items == nil, tape.kind(index + 1) == JSONTape.Kind.array else { return false }
                items = index + 1
            }
            index = tape.next(index + 1)
        }
        guard let items else { return false }
        index = items + 1
        let itemsEnd = tape.end(items)
        while index < itemsEnd {
            guard rows.count < itemsMax, item(index) else { return false }
            index = tape.next(index)
        }
        return !rows.isEmpty
    }

    private mutating func item(_ start: Int) -> Bool {
        guard tape.kind(start) == JSONTape.Kind.object else { return false }
        var time: Int?
        var id: Int?
        var data: Int?
        var index = start + 1
        let end = tape.end(start)
        while index < end {
            let name = tape.string(index)
            if equals(name, "event_time") {
                guard time == nil else { return false }
                time = index + 1
            } else if equals(name, "version_id") {
                guard id == nil else { return false }
                id = index + 1
            } else if equals(name, "data") {
                guard data == nil else { return false }
                data = index + 1
            }
            index = tape.next(index + 1)
        }
        guard let time, let id, let data, tape.kind(time) == JSONTape.Kind.string,
            let eventTime = Timestamp(rfc3339: tape.string(time)), target.accepts(eventTime),
            let version = versionID(id), let schema = schema(of: version),
            fields(data, schema)
        else { return false }
        rows.append(EventBatch.Row(eventTime: eventTime, version: version, dataEnd: writer.bytes.count))
        return true
    }

    private func versionID(_ index: Int) -> EventVersion.ID? {
        switch tape.kind(index) {
        case JSONTape.Kind.int64:
            let id = tape.int64(index)
            return id > 0 ? id : nil
        case JSONTape.Kind.string: return VersionID.parse(String(decoding: tape.string(index), as: UTF8.self))
        default: return nil
        }
    }

    private mutating func schema(of id: EventVersion.ID) -> EventSchema? {
        if id == version { return schema }
        guard case .accepted(let accepted) = target.acceptance(of: id) else { return nil }
        version = id
        schema = accepted
        return accepted
    }

    private mutating func fields(_ start: Int, _ schema: EventSchema) -> Bool {
        // Sixty-four fields fit the mask; wider event types take the exact path.
        guard tape.kind(start) == JSONTape.Kind.object, schema.fields.count <= 64 else { return false }
        var seen: UInt64 = 0
        var present: UInt64 = 0
        var expected = 0
        var isFirst = true
        writer.bytes.append(UInt8(ascii: "{"))
        var index = start + 1
        let end = tape.end(start)
        while index < end {
            guard let field = schema.index(ofField: tape.string(index), expecting: expected) else { return false }
            expected = field + 1
            let bit: UInt64 = 1 << UInt64(field)
            guard seen & bit == 0 else { return false }
            seen |= bit
            let value = index + 1
            if tape.kind(value) != JSONTape.Kind.null {
                present |= bit
                if !isFirst { writer.bytes.append(UInt8(ascii: ",")) }
                isFirst = false
                writer.bytes.append(contentsOf: schema.quotedNames[field])
                guard append(value, as: schema.fields[field].type) else { return false }
            }
            index = tape.next(value)
        }
        writer.bytes.append(UInt8(ascii: "}"))
        return schema.requiredMask & ~present == 0
    }

    private mutating func append(_ index: Int, as type: FieldType) -> Bool {
        switch (type, tape.kind(index)) {
        case (.string, JSONTape.Kind.string):
            let text = tape.string(index)
            // Scalars are at most as many as bytes.
            guard text.count <= Limits.textLengthMax, !holdsHalfSurrogate(text) else { return false }
            writer.append(string: text)
        case (.integer, JSONTape.Kind.int64): writer.append(tape.int64(index))
        case (.double, JSONTape.Kind.double):
            let value = tape.double(index)
            writer.append(value == 0 ? 0 : value)
        case (.double, JSONTape.Kind.int64): writer.append(Double(tape.int64(index)))
        case (.boolean, JSONTape.Kind.true): writer.append(true)
        case (.boolean, JSONTape.Kind.false): writer.append(false)
        default: return false
        }
        return true
    }

    /// simdjson writes a lone `\udc00` as three bytes that are no UTF-8: ED A0…BF.
    private func holdsHalfSurrogate(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        var index = 0
        while index + 1 < text.count {
            if text[index] == 0xED, text[index + 1] >= 0xA0 { return true }
            index += 1
        }
        return false
    }

    private func equals(_ text: UnsafeBufferPointer<UInt8>, _ word: StaticString) -> Bool {
        text.elementsEqual(UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount))
    }
}

extension EventSchema {
    /// Fields mostly come in the order of the definition: look there first.
    func index(ofField name: UnsafeBufferPointer<UInt8>, expecting expected: Int) -> Int? {
        if expected < fieldNames.count, fieldNames[expected].elementsEqual(name) { return expected }
        return fieldNames.firstIndex { $0.elementsEqual(name) }
    }
}

/// Events of one post that may be stored, as rows and bytes.
struct CheckedEvents: Sendable, Equatable {
    var rows: [EventBatch.Row] = []
    var data: [UInt8] = []
}
