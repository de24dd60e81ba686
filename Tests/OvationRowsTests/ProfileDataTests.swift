import OvationCore
import OvationTesting
import Testing

@testable import OvationRows

@Suite("Packed edits")
struct PackedEditsTests {
    typealias Edit = PackedEdits.Edit

    static func value(_ version: VersionID, _ value: FieldValue) -> ProfileValue {
        ProfileValue(version: version, value: value)
    }

    @Test("have the bytes that stores hold for good")
    func goldenBytes() {
        let builtIn = BuiltInAttribute.firstVersion(ofAttribute: 3)
        let edits = PackedEdits([
            Edit(field: .attribute(1), previous: nil, value: Self.value(7, .string("a"))),
            Edit(field: .tag(2), previous: 5, value: Self.value(300, .boolean(true))),
            Edit(field: .attribute(200), previous: 1000, value: nil),
            Edit(field: .attribute(3), previous: nil, value: Self.value(builtIn, .integer(-2))),
            Edit(field: .attribute(4), previous: nil, value: Self.value(1, .double(0.5))),
            Edit(field: .attribute(5), previous: nil, value: Self.value(1, .boolean(false))),
        ])
        let bytes: [UInt8] = [
            1, 4, 0, 1, 7, 1, 97, 9, 5, 5, 0xAC, 2, 0xA0, 6, 0xE8, 7, 0, 12, 0, 2, 0, 3, 16, 0, 3, 1, 0, 0, 0, 0, 0, 0,
            0xE0, 0x3F, 20, 0, 4, 1,
        ]
        #expect(edits.bytes == bytes)
        #expect(PackedEdits(bytes: bytes) == edits)
        // The first change of a profile as a whole: migrations write these bytes for the locks of older versions.
        var index = FieldIndex()
        let first = index.noteLife(at: 9)
        #expect(first.bytes == [1, 3, 0, 0])
        #expect(index.bytes == [1, 3, 9, 1])
    }

    @Test("come back as they were, whatever they hold")
    func roundTrip() {
        var random = SeededGenerator(seed: 5)
        let numbers = [0, 1, 31, 32, 127, 128, 1 << 20, ProfileField.numberMax]
        let versions = [1, 127, 128, Limits.versionIDMax, Int64.max]
        let kinds: [ProfileField.Kind] = [.attribute, .tag]
        for _ in 0..<300 {
            let edits = (0..<Int.random(in: 0...9, using: &random)).map { _ in
                let field = ProfileField(
                    kinds.randomElement(using: &random) ?? .tag, numbers.randomElement(using: &random) ?? 0)
                let value = StoreContract.awkwardValues.randomElement(using: &random).map {
                    Self.value(versions.randomElement(using: &random) ?? 1, $0)
                }
                return Edit(
                    field: field, previous: [nil, 1, 127, 128, .max].randomElement(using: &random) ?? nil,
                    value: Bool.random(using: &random) ? value : nil)
            }
            #expect(PackedEdits(bytes: PackedEdits(edits).bytes) == PackedEdits(edits))
        }
    }

    @Test(
        "are not read from bytes that are none",
        arguments: [
            [], [0], [2, 4, 0, 0], [1, 4], [1, 4, 0], [1, 4, 0, 1], [1, 4, 0, 1, 7], [1, 4, 0, 1, 7, 2, 97],
            // A kind of field and a kind of value that this version does not know.
            [1, 4, 0, 6, 1],
            // Text that is no UTF-8, with more bytes than there are, and with more than a number can say.
            [1, 4, 0, 1, 7, 1, 0xFF], [1, 4, 0, 1, 7, 2, 0xC3, 0x28], [1, 4, 0, 1, 7, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F],
            [1, 4, 0, 1, 7, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 97],
            // Numbers above what they can be: of a field, of a position, of bits.
            [1, 0x84, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1, 0, 0],
            [1, 4, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 0],
            [1, 4, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 2, 0],
            [1, 4, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0, 0],
            // A double with too few bytes.
            [1, 4, 0, 3, 1, 0, 0, 0, 0, 0, 0, 0],
        ] as [[UInt8]])
    func refusesOthers(bytes: [UInt8]) {
        #expect(PackedEdits(bytes: bytes) == nil)
    }

    @Test("and indexes never trap, whatever bytes they are read from")
    func survivesAnyBytes() {
        var random = SeededGenerator(seed: 9)
        let edits = StoreContract.awkwardValues.enumerated().map {
            Edit(field: .attribute(Int64($0.offset)), previous: 9, value: Self.value(7, $0.element))
        }
        var index = FieldIndex()
        _ = index.apply(edits.map { ProfileEdit($0.field, $0.value) }, at: 77, knowing: [:])
        for whole in [PackedEdits(edits).bytes, index.bytes] {
            for end in 0..<min(whole.count, 300) {
                _ = PackedEdits(bytes: whole[..<end])
                _ = FieldIndex(bytes: whole[..<end])
            }
            for _ in 0..<2000 {
                var bytes = whole
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
                // What is read can be written and read again.
                if let read = PackedEdits(bytes: bytes) { #expect(PackedEdits(bytes: read.bytes)?.bytes == read.bytes) }
                if let read = FieldIndex(bytes: bytes) { #expect(FieldIndex(bytes: read.bytes) == read) }
            }
        }
    }
}

@Suite("The index over what a profile holds")
struct FieldIndexTests {
    private func set(_ number: Int64, _ value: FieldValue, version: VersionID = 7) -> ProfileEdit {
        Fixtures.set(number, value, version: version)
    }

    @Test("has the bytes that stores hold for good, digests included")
    func goldenBytes() {
        var index = FieldIndex()
        let edits = [
            set(1, .string("a")), set(200, .string("")),
            ProfileEdit(.tag(2), ProfileValue(version: 300, value: .boolean(true))),
            set(3, .integer(-2), version: 1), set(4, .double(0.5), version: 1),
        ]
        _ = index.apply(edits, at: 300, knowing: [:])
        _ = index.apply([Fixtures.clear(200)], at: 301, knowing: [:])
        let bytes: [UInt8] = [
            1, 4, 0xAC, 2, 188, 9, 0xAC, 2, 13, 12, 0xAC, 2, 48, 16, 0xAC, 2, 195, 0xA0, 6, 0xAD, 2, 0,
        ]
        #expect(index.bytes == bytes)
        #expect(FieldIndex(bytes: bytes) == index)
        #expect(index.heldCount == 4 && index.entries.count == 5)
    }

    @Test(
        "is not read from bytes that are none",
        arguments: [
            [], [0], [2], [1, 4], [1, 4, 1], [1, 4, 0, 1],
            // Fields that fall, or are there twice.
            [1, 9, 1, 1, 4, 1, 1], [1, 4, 1, 1, 4, 2, 1],
            [1, 4, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 1],
        ] as [[UInt8]])
    func refusesOthers(bytes: [UInt8]) {
        #expect(FieldIndex(bytes: bytes) == nil)
    }

    /// What a field has had, in plain words.
    private struct Plain: Equatable {
        var position: Int64
        var value: ProfileValue?
    }

    @Test(
        "agrees with a plain dictionary, and asks for no more than it needs", arguments: 1...20 as ClosedRange<UInt64>)
    func agrees(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var (index, copy) = (FieldIndex(), FieldIndex())
        var plain: [ProfileField: Plain] = [:]
        var log: [Int64: PackedEdits] = [:]
        var position: Int64 = 0
        for _ in 0..<80 {
            position += Int64.random(in: 1...200, using: &random)
            let fields = (0..<12).map { $0.isMultiple(of: 3) ? ProfileField.tag($0) : .attribute($0 * 40) }
                .shuffled(using: &random).prefix(Int.random(in: 0...4, using: &random))
            let edits = fields.map { field in
                let value =
                    [nil, FieldValue.integer(1), .integer(2), .string("1"), .string("é"), .string("e\u{301}")]
                    .randomElement(using: &random) ?? nil
                return ProfileEdit(
                    field, value.map { ProfileValue(version: Bool.random(using: &random) ? 1 : 2, value: $0) })
            }
            let changing = edits.filter { edit in
                guard let held = plain[edit.field]?.value else { return edit.value != nil }
                return edit.value.map { "\($0)".utf8.elementsEqual("\(held)".utf8) } != true
            }
            let unsure = index.unsure(of: edits)
            let surelyChanging = changing.count
            #expect(unsure.count >= edits.count { edit in edit.value != nil && !changing.contains { $0 == edit } })
            let known = Dictionary(uniqueKeysWithValues: Set(unsure).map { ($0, log[$0] ?? PackedEdits([])) })
            let changed = index.apply(edits, at: position, knowing: known)
            #expect(changed?.edits.count ?? 0 == surelyChanging, "seed \(seed)")
            if let changed {
                log[position] = changed
                #expect(changed.edits.map(\.field) == changing.map(\.field))
                for edit in changed.edits { #expect(edit.previous == plain[edit.field]?.position) }
                let follows = copy.replay(changed, at: position)
                #expect(follows)
            }
            for edit in changing { plain[edit.field] = Plain(position: position, value: edit.value) }
            #expect(copy == index && FieldIndex(bytes: index.bytes) == index)
            for (field, held) in plain {
                #expect(index[field]?.position == held.position && index[field]?.isCleared == (held.value == nil))
            }
            #expect(index.entries.count == plain.count)
            #expect(index.heldCount == plain.values.count { $0.value != nil })
        }
    }

    @Test("knows two spellings of a letter apart, whatever their digests are")
    func comparesBytes() {
        for number in 0..<1000 {
            var index = FieldIndex()
            let first = index.apply([set(1, .string("\(number)é"))], at: 1, knowing: [:])
            let known = [Int64(1): first ?? PackedEdits([])]
            let (same, other) = (
                index.apply([set(1, .string("\(number)é"))], at: 2, knowing: known),
                index.apply([set(1, .string("\(number)e\u{301}"))], at: 2, knowing: known)
            )
            #expect(same == nil && other != nil, "\(number)")
        }
    }

    @Test("is made anew from changes in their order, and from no others")
    func replays() {
        var index = FieldIndex()
        let one = index.apply([set(1, .integer(1))], at: 3, knowing: [:]) ?? PackedEdits([])
        let two = index.apply([Fixtures.clear(1), set(2, .integer(1))], at: 5, knowing: [:]) ?? PackedEdits([])
        var replayed = FieldIndex()
        #expect(!FieldIndex().replays(two, at: 5))
        #expect(replayed.replays(one, at: 3))
        _ = replayed.replay(one, at: 3)
        #expect(!replayed.replays(one, at: 4))
        #expect(!replayed.replays(two, at: 3))
        #expect(!replayed.replays(PackedEdits([]), at: 5))
        #expect(replayed.replays(two, at: 5))
        _ = replayed.replay(two, at: 5)
        let again = PackedEdits([PackedEdits.Edit(field: .attribute(1), previous: 5, value: nil)])
        // What is cleared can be cleared again: another member of the profile may have it meanwhile.
        #expect(replayed.replays(again, at: 6))
        #expect(replayed == index)
        let lives = (index.noteLife(at: 7), index.noteLife(at: 9))
        #expect(lives.1.edits.map(\.previous) == [7])
        let follow = [replayed.replay(lives.0, at: 7), replayed.replay(lives.1, at: 9)]
        #expect(follow == [true, true] && replayed == index)
    }

    @Test("leads to all changes, newest first, each once")
    func trail() {
        var random = SeededGenerator(seed: 3)
        var (indexes, log): ([FieldIndex], [Int64: PackedEdits]) = (.init(repeating: FieldIndex(), count: 3), [:])
        for position in Int64(1)...300 {
            let section = Int.random(in: 0..<3, using: &random)
            let edits = (0..<Int64.random(in: 1...3, using: &random)).map { set($0 * 7, .integer(position)) }
            log[position * 3] = indexes[section].apply(edits, at: position * 3, knowing: [:])
        }
        var (trail, seen) = (ChangeTrail(indexes), [Int64]())
        while let position = trail.next() {
            seen.append(position)
            trail.follow(log[position] ?? PackedEdits([]))
        }
        #expect(seen == log.keys.sorted(by: >))
        var none = ChangeTrail([FieldIndex()])
        let next = none.next()
        #expect(next == nil)
    }
}

extension FieldIndex {
    /// Whether the change could come next; changes nothing.
    fileprivate func replays(_ change: PackedEdits, at position: Int64) -> Bool {
        var copy = self
        return copy.replay(change, at: position)
    }
}
