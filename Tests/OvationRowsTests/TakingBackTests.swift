import OvationCore
import OvationTesting
import Testing

@testable import OvationRows

@Suite("The index of what a profile holds")
struct TakingBackTests {
    @Test("changes are taken back from the newest to the oldest, each once, and each value counts once")
    func takesBack() throws {
        for seed in UInt64(1)...30 {
            var random = SeededGenerator(seed: seed)
            var index = FieldIndex()
            var log: [Int64: PackedEdits] = [:]
            for position in Int64(1)...40 {
                let edits = (0..<3).map { place in
                    let number = Int64(random.next() % 4) + Int64(place) * 4
                    let value = ProfileValue(version: 7, value: .integer(position))
                    let field = place == 2 ? ProfileField.tag(number) : .attribute(number)
                    return ProfileEdit(field, random.next() % 3 == 0 ? nil : value)
                }
                guard let changed = index.apply(edits, at: position, knowing: log) else { continue }
                log[position] = changed
            }
            let heldFields = index.entries.filter { !$0.isCleared }.map(\.field)
            var positions: [Int64] = []
            var held: [ProfileField] = []
            while let position = index.newestPosition {
                positions.append(position)
                held += index.takeBack(try #require(log[position]), at: position)
                // It can be stored and read at any point.
                #expect(FieldIndex(bytes: index.bytes) == index)
                #expect(positions.count <= 40, "seed \(seed)")
                guard positions.count <= 40 else { return }
            }
            #expect(positions == log.keys.sorted(by: >), "seed \(seed)")
            #expect(held.count == heldFields.count && Set(held) == Set(heldFields), "seed \(seed)")
            #expect(index.entries.isEmpty)
        }
    }

    @Test("the lock of a profile is taken back and is no value")
    func takesBackLife() {
        var index = FieldIndex()
        let edits = index.noteLife(at: 5)
        #expect(index.newestPosition == 5)
        #expect(index.takeBack(edits, at: 5) == [] && index.newestPosition == nil)
    }
}
