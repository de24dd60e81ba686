import OvationCore
import OvationTesting
import Testing

@Suite("Which profiles can be one")
struct MergeRulesTests {
    private let rules = Fixtures.mergeRules

    private func side(
        _ keys: [(Int64, String)], _ values: [Int64: FieldValue] = [:], made seconds: Int64 = 0, id: Int64 = 1
    ) -> MergeRules.Side {
        let members = keys.enumerated().map { index, key in
            ProfileMember(
                id: ProfileID(id + Int64(index)), key: Profile.Key(keyspace: key.0, text: key.1),
                createdAt: Fixtures.now.advanced(by: .seconds(seconds)))
        }
        return MergeRules.Side(
            profile: Profile(members: members),
            values: Dictionary(
                uniqueKeysWithValues: values.map { (MergeRules.Attribute(section: 2, number: $0.key), $0.value) }))
    }

    private func expect(
        _ one: MergeRules.Side, _ other: MergeRules.Side, differ keyspace: Int64?,
        location: SourceLocation = #_sourceLocation
    ) {
        #expect(rules.difference(one, other) == keyspace, sourceLocation: location)
        #expect(rules.difference(other, one) == keyspace, "the order means nothing", sourceLocation: location)
    }

    @Test("keys and values of a person's identities must be the same")
    func differ() {
        let (mail, web) = (side([(1, "a@b.se")]), side([(4, "w")]))
        expect(mail, web, differ: nil)
        expect(web, side([(4, "v")]), differ: nil)
        expect(mail, side([(1, "c@d.se")]), differ: 1)
        expect(mail, side([(2, "46793699558")]), differ: nil)
        expect(mail, side([(4, "w")], [1: .string("A@b.se ")]), differ: nil)
        expect(mail, side([(4, "w")], [1: .string("c@d.se")]), differ: 1)
        expect(side([(2, "46793699558")]), side([(4, "w")], [2: .integer(46_793_699_558)]), differ: nil)
        expect(side([(2, "46793699558")]), side([(4, "w")], [2: .integer(46_793_699_559)]), differ: 2)
        expect(side([(4, "w")], [3: .string("x")]), side([(4, "v")], [3: .string("y")]), differ: 3)
        expect(side([(4, "w")], [3: .string("x")]), side([(4, "v")], [3: .string("x")]), differ: nil)
        // Of no identity.
        expect(side([(4, "w")], [4: .string("x")]), side([(4, "v")], [4: .string("y")]), differ: nil)
        // The first by number.
        expect(side([(1, "a@b.se"), (3, "x")]), side([(1, "c@d.se"), (3, "y")]), differ: 1)
        // A value that can be no key is compared as it is.
        expect(side([(4, "w")], [1: .string("no address")]), side([(4, "v")], [1: .string("no address")]), differ: nil)
    }

    @Test("the known profile is canonical, then the older one, then that of the lower id")
    func choose() {
        let (old, young) = (side([(4, "w")], made: 1), side([(4, "v")], made: 2, id: 9))
        #expect(rules.isCanonical(old, over: young) && !rules.isCanonical(young, over: old))
        let known = side([(1, "a@b.se")], made: 3)
        #expect(rules.isCanonical(known, over: old) && !rules.isCanonical(old, over: known))
        let byValue = side([(4, "v")], [3: .string("x")], made: 4)
        #expect(rules.isCanonical(byValue, over: old) && !rules.isCanonical(byValue, over: known))
        let twin = side([(4, "u")], made: 1, id: 2)
        #expect(rules.isCanonical(old, over: twin) && !rules.isCanonical(twin, over: old))
    }

    @Test("an account's rules come from its definitions: one attribute in each section for each identity")
    func derive() throws {
        let rules = MergeRules(try Fixtures.catalogue())
        #expect(rules.identities.map(\.keyspace) == [1, 2, 3])
        #expect(rules.identities.map(\.format) == [.email, .mobile, .text])
        #expect(rules.attributes.count == 6 && Set(rules.attributes.map(\.section)).count == 2)
    }
}
