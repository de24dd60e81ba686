import OvationCore
import Testing

@testable import OvationRows

@Suite("Rows that are copied")
struct RowBatchTests {
    private func batch(_ rows: [(Int64?, String, [UInt8])]) -> RowBatch {
        // Number, name, made at: the columns of an account do for any.
        var batch = RowBatch(.account)
        for (number, text, bytes) in rows {
            batch.append(number)
            batch.append(text)
            bytes.withUnsafeBytes { batch.append(bytes: $0) }
        }
        return batch
    }

    private func tally(_ batches: RowBatch...) -> RowTally {
        var tally = RowTally()
        for batch in batches { tally.add(batch) }
        return tally
    }

    @Test("come out as they went in")
    func values() {
        let rows = batch([(.min, "", [0]), (nil, "åä\u{0}", []), (-1, "x", [255, 0])])
        #expect(rows.count == 3)
        #expect((0..<3).map { rows.integer($0, 0) } == [.min, nil, -1])
        #expect((0..<3).map { rows.text($0, 1) } == ["", "åä\u{0}", "x"])
        #expect((0..<3).map { row in rows.content(row, 2).map { Array(rows.bytes[$0]) } } == [[0], [], [255, 0]])
        #expect(rows.lastPosition == RowPosition(first: .min, second: -1, text: ""))
    }

    @Test("have the encoding that PostgreSQL has")
    func encoding() {
        let rows = batch([(1, "a", [])])
        #expect(rows.bytes == [0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 97, 0, 0, 0, 0])
        var null = RowBatch(.account)
        null.appendNull()
        #expect(null.bytes == [255, 255, 255, 255])
    }

    @Test("have a checksum that no order changes, and each difference does")
    func checksums() {
        let (one, other): ((Int64?, String, [UInt8]), (Int64?, String, [UInt8])) = ((1, "ab", [3]), (2, "b", [1, 2]))
        let both = tally(batch([one, other]))
        #expect(tally(batch([other]), batch([one])) == both)
        #expect(both.count == 2 && both.checksum.count == 32)
        let different = [
            batch([one]), batch([one, one]), batch([one, other, other]), batch([(1, "a", [98, 3]), other]),
            batch([(1, "ab", []), other]), batch([(nil, "ab", [3]), other]), batch([(1, "aB", [3]), other]),
            batch([(1, "b", [3]), (2, "ab", [1, 2])]), batch([(1, "ab", [3, 0]), other]),
            batch([(2, "ab", [3]), (1, "b", [1, 2])]),
        ]
        let checksums = Set(different.map { tally($0).checksum } + [both.checksum, RowTally().checksum])
        #expect(checksums.count == different.count + 2)
    }

    /// Of a release: what somebody wrote down must be comparable with what a later version says.
    @Test("have the checksum that they always had")
    func checksumStays() {
        #expect(tally(batch([(1, "ab", [3]), (nil, "", [])])).checksum == "9659ef9517d6fe5a228b75075372778a")
    }
}

@Suite("How far a copy is")
struct CopyNoteTests {
    private var note: CopyNote {
        CopyNote(
            RowOrigin(
                serverSecret: [1, 2, 3], state: [5, -1], lastEventID: 7, lastRejectionID: 0, eventCount: 4))
    }

    @Test(
        "is read as it was written",
        arguments: [
            nil, RowPosition.start, RowPosition(first: -1, second: .max, text: "k é\n\u{0} \"'"),
        ])
    func roundTrip(_ position: RowPosition?) {
        var note = note
        (note.kind, note.position, note.rows, note.events) = (.event, position, 12, 3)
        #expect(CopyNote(note.encoded) == note)
        (note.kind, note.position, note.finishedAt) = (nil, nil, Timestamp(milliseconds: -5))
        #expect(CopyNote(note.encoded) == note)
    }

    @Test("keeps a server away until it is finished, and when it cannot be read")
    func refusal() {
        #expect(CopyNote.refusal(toServe: nil) == nil)
        var note = note
        #expect(CopyNote.refusal(toServe: note.encoded)?.code == .unusable)
        note.finishedAt = Timestamp(milliseconds: 1)
        #expect(CopyNote.refusal(toServe: note.encoded) == nil)
        #expect(CopyNote.refusal(toServe: Array("copy 2\n".utf8))?.code == .unusable)
        #expect(CopyNote([]) == nil)
    }

    @Test("tells stores and their states apart")
    func origins() {
        func origin(_ secret: [UInt8], _ state: [Int64], _ event: Int64, _ rejection: Int64) -> RowOrigin {
            RowOrigin(
                serverSecret: secret, state: state, lastEventID: event, lastRejectionID: rejection, eventCount: 0)
        }
        let origins = [
            origin([1], [1, 2], 3, 4), origin([1], [1, 3], 3, 4), origin([1], [1, 2], 4, 4), origin([1], [1, 2], 3, 5),
        ]
        #expect(Set(origins.map(\.state)).count == 4 && Set(origins.map(\.identity)).count == 1)
        #expect(origin([2], [1, 2], 3, 4).identity != origins[0].identity)
    }
}
