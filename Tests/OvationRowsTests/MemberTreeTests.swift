import OvationCore
import OvationRows
import OvationTesting
import Testing

@Suite("Members of a profile")
struct MemberTreeTests {
    /// 1 is canonical; 2 and 3 were joined to it, and 4 and then 5 to 2 before.
    private static func tree() throws -> MemberTree {
        try #require(
            MemberTree([
                1: MemberTree.Member(parent: nil, joined: 0), 2: MemberTree.Member(parent: 1, joined: 30),
                3: MemberTree.Member(parent: 1, joined: 40), 4: MemberTree.Member(parent: 2, joined: 10),
                5: MemberTree.Member(parent: 2, joined: 20),
            ]))
    }

    @Test("a tree is made by its joins, and listed in their order")
    func joins() throws {
        var (one, two) = (MemberTree(alone: 1), MemberTree(alone: 2))
        two.join(MemberTree(alone: 4), at: 10)
        two.join(MemberTree(alone: 5), at: 20)
        one.join(two, at: 30)
        one.join(MemberTree(alone: 3), at: 40)
        #expect(try one == MemberTreeTests.tree())
        #expect(one.ids == [1, 4, 5, 2, 3] && one.root == 1 && one.count == 5)
    }

    @Test("what is cut off is a tree of its own, with all that was joined to it")
    func cuts() throws {
        var rest = try MemberTreeTests.tree()
        let part = rest.cut(2)
        #expect(part.ids == [2, 4, 5] && part.root == 2 && part.members[2]?.parent == nil)
        #expect(rest.ids == [1, 3])
        var leaf = part
        #expect(leaf.cut(4) == MemberTree(alone: 4) && leaf.ids == [2, 5])
    }

    @Test("the newest edge above a member is that of the newest merge by which it came")
    func findsNewest() throws {
        let tree = try MemberTreeTests.tree()
        #expect([1, 2, 3, 4, 5].map { tree.lastJoined(above: $0) } == [nil, 2, 3, 2, 2])
    }

    @Test("rows that are not those of one profile are no tree")
    func refuses() {
        #expect(MemberTree([:]) == nil)
        let two = MemberTree.Member(parent: nil, joined: 0)
        #expect(MemberTree([1: two, 2: two]) == nil)
        #expect(MemberTree([1: two, 2: MemberTree.Member(parent: 9, joined: 1)]) == nil)
        let circle: [Int64: MemberTree.Member] = [
            1: two, 2: MemberTree.Member(parent: 3, joined: 1), 3: MemberTree.Member(parent: 2, joined: 2),
        ]
        #expect(MemberTree(circle) == nil)
    }

    // MARK: Values

    /// What each member did with one field: a position, and whether it set or cleared it.
    private func holder(_ touched: [Int64: [(Int64, Bool)]]) throws -> Int64? {
        var indexes: [Int64: FieldIndex] = [:]
        for (member, edits) in touched {
            var index = FieldIndex()
            for (position, isSet) in edits {
                let edit = isSet ? Fixtures.set(7, .integer(position)) : Fixtures.clear(7)
                _ = index.apply([edit], at: position, knowing: [:])
            }
            indexes[member] = index
        }
        let held = MergedIndex(try MemberTreeTests.tree(), indexes)[.attribute(7)]
        return held.flatMap { $0.entry.isCleared ? nil : $0.member }
    }

    @Test("the canonical value counts over one from before the joining, and a newer one over both")
    func finds() throws {
        #expect(try holder([1: [(5, true)], 2: [(9, true)]]) == 1)
        #expect(try holder([1: [(5, true)], 2: [(31, true)]]) == 2)
        #expect(try holder([1: [(35, true)], 2: [(31, true)]]) == 1)
        // Behind the second joining and not the first.
        #expect(try holder([1: [(5, true)], 4: [(25, true)]]) == 1)
        #expect(try holder([2: [(5, true)], 4: [(25, true)]]) == 4)
        #expect(try holder([1: [(5, true)], 4: [(31, true)]]) == 4)
    }

    @Test("a gap is filled by what was joined first, and what was cleared since is no gap")
    func fills() throws {
        #expect(try holder([3: [(1, true)]]) == 3)
        #expect(try holder([2: [(2, true)], 3: [(1, true)]]) == 2)
        #expect(try holder([1: [(3, true), (4, false)], 3: [(1, true)]]) == 3)
        #expect(try holder([1: [(3, true), (41, false)], 2: [(2, true)], 3: [(1, true)]]) == nil)
        #expect(try holder([1: [(3, true), (35, false)], 2: [(2, true)], 3: [(1, true)]]) == 3)
        #expect(try holder([2: [(2, true), (33, false)], 3: [(1, true)]]) == 3)
        #expect(try holder([2: [(2, true), (43, false)], 3: [(1, true)]]) == nil)
        #expect(try holder([2: [(2, true), (3, false)], 3: [(1, true), (2, false)]]) == nil)
        #expect(try holder([:]) == nil)
    }

    @Test("an edit leaves a trace unless the member has the value that counts, and it is the same")
    func covers() throws {
        var own = FieldIndex()
        let applied = own.apply([Fixtures.set(7, .integer(1))], at: 5, knowing: [:])
        let first = try #require(applied)
        var other = FieldIndex()
        _ = other.apply([Fixtures.set(7, .integer(2)), Fixtures.set(8, .integer(3))], at: 50, knowing: [:])
        let merged = MergedIndex(try MemberTreeTests.tree(), [1: own, 2: other])
        func changes(_ edits: [ProfileEdit], _ member: Int64) -> [ProfileField] {
            var index = member == 1 ? own : other
            let changed = index.apply(edits, at: 60, knowing: [5: first], in: (merged, member))
            return changed?.edits.map(\.field) ?? []
        }
        #expect(changes([Fixtures.set(7, .integer(1))], 1) == [.attribute(7)], "what it has is covered")
        #expect(changes([Fixtures.clear(8)], 1) == [.attribute(8)], "it clears what another has")
        #expect(changes([Fixtures.clear(9)], 1).isEmpty)
        #expect(changes([Fixtures.clear(8), Fixtures.set(9, .integer(1))], 2) == [.attribute(8), .attribute(9)])
    }
}
