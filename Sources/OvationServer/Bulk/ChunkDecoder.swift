import NIOCore
import OvationCore
import OvationWire

/// The lines of a chunk, checked.
struct CheckedChunk: Sendable {
    let lines: LineChunk
    /// Without the idempotency key.
    let events: EventChunk
    /// The number of events of each version.
    let versions: [EventVersion.ID: Int]
    let refused: Int
    /// The refused lines that are listed.
    let errors: [ItemError]
    let errorsOmitted: Int
}

/// Checks the lines of an upload against the definitions of one moment, and collects the accepted events in their
/// stored form.
///
/// It takes plainly right lines from simdjson's tape. It reads every other line again, exactly, as a single post would
/// be read.
struct ChunkDecoder {
    private let caller: Identity
    private let section: Section
    private let receivedAt: Timestamp
    private let closed: ClosedProfiles
    private let limits: Limits
    private var writableKeyspaces: [WritableKeyspace] = []
    private var schemas: [KnownSchema] = []
    /// The `data` of all rows.
    private var data: [UInt8] = []
    private var table: ProfileTable
    private var rows: [EventChunk.Row] = []
    private var owners: [Int32] = []
    private var versions: [EventVersion.ID: Int] = [:]
    private var refused = 0
    private var errors: [ItemError] = []
    private var errorsOmitted = 0
    private var errorsBytes = 0

    /// A keyspace that lines name and the caller may write through.
    private struct WritableKeyspace {
        let name: [UInt8]
        let target: EventTarget
    }

    /// A version that may be written through a keyspace.
    private struct KnownSchema {
        let version: EventVersion.ID
        let keyspace: Int
        let schema: EventSchema
        var events = 0
    }

    /// Lines that are checked between two points where other tasks may run.
    private static let stride = 512

    /// - Parameter closed: profiles whose lines are refused.
    static func check(
        _ lines: LineChunk, of caller: Identity, section: Section, receivedAt: Timestamp,
        closed: ClosedProfiles = ClosedProfiles(), limits: Limits, with parsers: TapeParsers
    ) async -> CheckedChunk {
        var decoder = ChunkDecoder(
            lines, of: caller, section: section, receivedAt: receivedAt, closed: closed, limits: limits)
        var index = 0
        while index < lines.lines.count {
            let end = min(index + stride, lines.lines.count)
            parsers.withParser { parser in decoder.decode(lines, index..<end, with: parser) }
            index = end
            await Task.yield()
        }
        return decoder.finish(lines)
    }

    private init(
        _ lines: LineChunk, of caller: Identity, section: Section, receivedAt: Timestamp, closed: ClosedProfiles,
        limits: Limits
    ) {
        self.closed = closed
        self.caller = caller
        self.section = section
        self.receivedAt = receivedAt
        self.limits = limits
        table = ProfileTable(profilesMax: lines.lines.count)
        rows.reserveCapacity(lines.lines.count)
        owners.reserveCapacity(lines.lines.count)
        data.reserveCapacity(lines.bytes.count)
    }

    private mutating func decode(_ chunk: LineChunk, _ indexes: Range<Int>, with parser: TapeParser) {
        chunk.bytes.withUnsafeBufferPointer { bytes in
            for index in indexes {
                let line = chunk.firstLine + index
                guard !chunk.tooLong.contains(index) else {
                    refuse(line, .lineTooLong, "The line has more than \(limits.bulkLineBytes) bytes.")
                    continue
                }
                let text = UnsafeBufferPointer(rebasing: bytes[chunk.lines[index]])
                guard !text.isBlank else { continue }
                if closed.isEmpty, let tape = parser.tape(ofPadded: text), take(tape, with: parser) { continue }
                takeExactly(text, line: line)
            }
        }
    }

    private mutating func finish(_ lines: LineChunk) -> CheckedChunk {
        for schema in schemas where schema.events > 0 { versions[schema.version, default: 0] += schema.events }
        let (profiles, sorted) = table.grouped(
            rows, owners: owners, keyspaces: writableKeyspaces.map(\.target.keyspace.number),
            account: caller.key.account)
        return CheckedChunk(
            lines: lines,
            events: EventChunk(
                account: caller.key.account, section: section.number, receivedAt: receivedAt, profiles: profiles,
                keys: table.keys, rows: sorted, data: data, idempotency: nil, refused: refused),
            versions: versions, refused: refused, errors: errors, errorsOmitted: errorsOmitted)
    }

    private mutating func refuse(_ line: Int, _ code: Problem.Code, _ detail: String) {
        refuse(line, [ItemError(index: nil, pointer: "", code: code, detail: detail)])
    }

    private mutating func refuse(_ line: Int, _ reasons: [ItemError]) {
        refused += 1
        for reason in reasons {
            guard errors.count < Limits.bulkErrorsMax, errorsBytes + reason.bytes <= Limits.bulkErrorsBytesMax else {
                errorsOmitted += 1
                continue
            }
            errorsBytes += reason.bytes
            var error = reason
            error.line = line
            errors.append(error)
        }
    }
}

// MARK: - Plainly right lines

extension ChunkDecoder {
    private mutating func take(_ tape: JSONTape, with parser: TapeParser) -> Bool {
        guard tape.kind(JSONTape.root) == JSONTape.Kind.object, let members = Members(tape),
            tape.kind(members.keyspace) == JSONTape.Kind.string, tape.kind(members.key) == JSONTape.Kind.string,
            tape.kind(members.time) == JSONTape.Kind.string,
            let keyspace = keyspace(named: tape.string(members.keyspace)),
            let time = Timestamp(rfc3339: tape.string(members.time)), writableKeyspaces[keyspace].target.accepts(time),
            let version = tape.versionID(members.version), let schema = schema(of: version, through: keyspace)
        else { return false }
        var decoder = EventDataDecoder(bytes: parser.bytes)
        decoder.bytes.clear()
        // It may have moved to larger memory.
        defer { parser.bytes = decoder.bytes }
        // The key comes last, so that a line that fails leaves no profile without events.
        guard decoder.append(members.data, of: tape, as: schemas[schema].schema),
            let profile = table.count(
                tape.string(members.key), keyspace: keyspace,
                format: writableKeyspaces[keyspace].target.keyspace.keyFormat)
        else { return false }
        schemas[schema].events += 1
        let start = data.count
        data.append(contentsOf: decoder.bytes.buffer)
        add(profile, time, version, from: start)
        return true
    }

    private mutating func add(_ profile: Int, _ time: Timestamp, _ version: EventVersion.ID, from start: Int) {
        rows.append(EventChunk.Row(eventTime: time, version: version, data: start..<data.count))
        owners.append(Int32(profile))
    }

    /// The places of the members of a line. nil if one is missing or occurs twice.
    private struct Members {
        private(set) var keyspace = 0
        private(set) var key = 0
        private(set) var time = 0
        private(set) var version = 0
        private(set) var data = 0

        init?(_ tape: JSONTape) {
            var index = JSONTape.root + 1
            let end = tape.end(JSONTape.root)
            while index < end {
                let name = tape.string(index)
                let value = index + 1
                switch name.count {
                case 4 where name.isWord("data"):
                    guard data == 0 else { return nil }
                    data = value
                case 8 where name.isWord("keyspace"):
                    guard keyspace == 0 else { return nil }
                    keyspace = value
                case 10 where name.isWord("event_time"):
                    guard time == 0 else { return nil }
                    time = value
                case 10 where name.isWord("version_id"):
                    guard version == 0 else { return nil }
                    version = value
                case 11 where name.isWord("profile_key"):
                    guard key == 0 else { return nil }
                    key = value
                default: break
                }
                index = tape.next(value)
            }
            guard keyspace > 0, key > 0, time > 0, version > 0, data > 0 else { return nil }
        }
    }

    private mutating func keyspace(named name: UnsafeBufferPointer<UInt8>) -> Int? {
        // Most uploads have one keyspace; no upload has many.
        for index in writableKeyspaces.indices where writableKeyspaces[index].name.elementsEqual(name) { return index }
        return try? keyspace(named: String(decoding: name, as: UTF8.self))
    }

    private mutating func keyspace(named name: String) throws(Problem) -> Int {
        if let index = writableKeyspaces.firstIndex(where: { $0.name.elementsEqual(name.utf8) }) { return index }
        let keyspace = try caller.keyspaceForWriting(Discriminator(name))
        writableKeyspaces.append(
            WritableKeyspace(
                name: Array(name.utf8),
                target: EventTarget(
                    catalogue: caller.account.catalogue, section: section, keyspace: keyspace,
                    callerIsAdmin: caller.isAdmin,
                    receivedAt: receivedAt, limits: limits)))
        return writableKeyspaces.count - 1
    }

    /// The index of a version; nil if it may not be written through the keyspace.
    private mutating func schema(of version: EventVersion.ID, through keyspace: Int) -> Int? {
        for index in schemas.indices where schemas[index].version == version && schemas[index].keyspace == keyspace {
            return index
        }
        guard case .accepted(let schema) = writableKeyspaces[keyspace].target.acceptance(of: version) else {
            return nil
        }
        schemas.append(KnownSchema(version: version, keyspace: keyspace, schema: schema))
        return schemas.count - 1
    }
}

// MARK: - All other lines

extension ChunkDecoder {
    private mutating func takeExactly(_ text: UnsafeBufferPointer<UInt8>, line: Int) {
        let value: JSONValue
        do {
            value = try JSONValue(parsing: text)
        } catch {
            refuse(line, error.code, "The line" + error.detail.dropFirst("The body".count))
            return
        }
        var reasons: [ItemError] = []
        let address = address(of: value, &reasons)
        guard let keyspace = address.keyspace else {
            reasons += PostedEvent(value, index: 0).errors.map(ChunkDecoder.withoutItem)
            refuse(line, reasons)
            return
        }
        let check = EventsCheck(PostEventsRequest(item: value), for: writableKeyspaces[keyspace].target)
        reasons += check.errors.map(ChunkDecoder.withoutItem)
        guard reasons.isEmpty, let key = address.key, let row = check.accepted.rows.first else {
            refuse(line, reasons)
            return
        }
        let place = writableKeyspaces[keyspace].target.keyspace.number
        if let problem = closed.problem(of: key, keyspace: place) {
            refuse(line, problem.code, problem.detail)
            return
        }
        let start = data.count
        data.append(contentsOf: check.accepted.data)
        versions[row.version, default: 0] += 1
        add(table.count(key, keyspace: keyspace), row.eventTime, row.version, from: start)
    }

    /// The profile of the event, as far as it is known.
    private mutating func address(
        of value: JSONValue, _ reasons: inout [ItemError]
    ) -> (keyspace: Int?, key: ProfileKey?) {
        // A line that is not an object is refused with its other errors.
        guard let reader = try? ObjectReader(value) else { return (nil, nil) }
        var keyspace: Int?
        var key: ProfileKey?
        do {
            let name = try reader.required("keyspace", reader.string("keyspace"))
            do {
                keyspace = try self.keyspace(named: name)
            } catch {
                reasons.append(ItemError(index: nil, pointer: "/keyspace", code: error.code, detail: error.detail))
            }
        } catch {
            reasons += error.errors
        }
        do {
            let raw = try reader.required("profile_key", reader.string("profile_key"))
            guard let keyspace else { return (nil, nil) }
            do {
                key = try ProfileKey(raw, format: writableKeyspaces[keyspace].target.keyspace.keyFormat)
            } catch {
                reasons.append(ItemError(index: nil, pointer: "/profile_key", code: error.code, detail: error.detail))
            }
        } catch {
            reasons += error.errors
        }
        return (keyspace, key)
    }

    /// A line is one item.
    private static func withoutItem(_ error: ItemError) -> ItemError {
        ItemError(
            index: nil, pointer: String(error.pointer.dropFirst("/items/0".count)), code: error.code,
            detail: error.detail)
    }
}

extension UnsafeBufferPointer<UInt8> {
    /// Only characters that are white space in JSON.
    fileprivate var isBlank: Bool {
        allSatisfy { $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }
    }
}

extension Limits {
    /// Bytes of one line of a bulk upload.
    var bulkLineBytes: Int { max(Limits.bulkLineBytesMax, 2 * bodyBytesMax) }
}
