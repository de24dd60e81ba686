package import NIOCore
package import OvationCore
import OvationWire

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Decodes and checks a post of events in one walk over simdjson's tape, straight into the bytes to store.
///
/// It accepts only what is plainly right. On anything that is wrong, or is a rare special case (a number with a
/// fraction in an integer field, a repeated member, an unknown version), it gives up, and ``EventsCheck`` reads the
/// body again, exactly, to accept it after all or to say what is wrong. So only one place explains errors, and the two
/// agree on every body that this one accepts: a property test compares them.
package struct FastEventsDecoder {
    private let tape: JSONTape
    private var rows: [EventBatch.Row] = []
    private var data: EventDataDecoder
    /// The version of the item before, since most posts have one version.
    private var version: EventVersion.ID = 0
    private var schema: EventSchema?

    package static func decode(
        _ body: ByteBuffer, for target: EventTarget, itemsMax: Int, with parsers: TapeParsers
    ) -> CheckedEvents? {
        parsers.withTape(of: body) { tape, parser in
            parser.bytes.clear()
            var decoder = FastEventsDecoder(tape: tape, bytes: parser.bytes)
            // It may have moved to larger memory.
            defer { parser.bytes = decoder.data.bytes }
            guard decoder.document(for: target, itemsMax: itemsMax) else { return nil }
            return CheckedEvents(rows: decoder.rows, data: decoder.data.bytes.array)
        }
    }

    private init(tape: JSONTape, bytes: EventBytes) {
        self.tape = tape
        data = EventDataDecoder(bytes: bytes)
    }

    /// The target is passed on and not stored: a copy of it would count a dozen references up and down.
    private mutating func document(for target: EventTarget, itemsMax: Int) -> Bool {
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
        rows.reserveCapacity(min(tape.count(items), itemsMax))
        index = items + 1
        let itemsEnd = tape.end(items)
        while index < itemsEnd {
            guard rows.count < itemsMax, item(index, for: target) else { return false }
            index = tape.next(index)
        }
        return !rows.isEmpty
    }

    private mutating func item(_ start: Int, for target: EventTarget) -> Bool {
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
            let version = tape.versionID(id), findSchema(of: version, for: target), let schema,
            self.data.append(data, of: tape, as: schema)
        else { return false }
        rows.append(EventBatch.Row(eventTime: eventTime, version: version, dataEnd: self.data.bytes.count))
        return true
    }

    private mutating func findSchema(of id: EventVersion.ID, for target: EventTarget) -> Bool {
        if id == version { return true }
        guard case .accepted(let accepted) = target.acceptance(of: id) else { return false }
        version = id
        schema = accepted
        return true
    }

    @inline(__always)
    private func equals(_ text: UnsafeBufferPointer<UInt8>, _ word: StaticString) -> Bool {
        text.count == word.utf8CodeUnitCount && memcmp(text.baseAddress!, word.utf8Start, word.utf8CodeUnitCount) == 0
    }
}

/// Events of one post that may be stored, as rows and bytes.
package struct CheckedEvents: Sendable, Equatable {
    package var rows: [EventBatch.Row] = []
    package var data: [UInt8] = []
}
