import OvationCore
import OvationTesting
import Testing

@Suite("What a merge would do")
struct MergePreviewTests {
    private let rules = Fixtures.mergeRules

    private func held(_ field: ProfileField, _ value: FieldValue, at position: Int64 = 1) -> HeldField {
        HeldField(
            field: field, value: ProfileValue(version: 7, value: value), setAt: Fixtures.now, actor: "me",
            position: position)
    }

    private func data(
        _ key: (Int64, String), _ fields: [HeldField] = [], section: Int64 = 2, id: Int64, made seconds: Int64 = 0,
        members: Int = 1, state: ProfileState = .open
    ) -> ProfileData {
        let list = (0..<members).map { index in
            ProfileMember(
                id: ProfileID(id + Int64(index)), key: index == 0 ? Profile.Key(keyspace: key.0, text: key.1) : nil,
                createdAt: Fixtures.now.advanced(by: .seconds(seconds)))
        }
        return ProfileData(
            profile: Profile(members: list, state: state),
            sections: fields.isEmpty ? [] : [ProfileData.Section(section: section, fields: fields)])
    }

    @Test("the canonical profile's values win, the other's fill the gaps, and tags are united")
    func sections() {
        let known = data(
            (1, "a@b.se"),
            [
                held(.attribute(4), .string("Ada")), held(.attribute(5), .string("Lovelace")),
                held(.tag(1), .boolean(true)),
            ], id: 1, made: 9)
        let other = data(
            (4, "w"),
            [
                held(.attribute(4), .string("Steve")), held(.attribute(5), .string("Lovelace")),
                held(.attribute(6), .string("1815-12-10")), held(.tag(1), .boolean(true)),
                held(.tag(2), .boolean(true)),
            ], id: 100)
        let preview = MergePreview(known, other, rules)
        #expect(preview.outcome == .merged && preview.isFirstCanonical)
        #expect(preview.keys.map(\.text) == ["a@b.se", "w"])
        let fields = preview.sections.first?.fields ?? []
        #expect(preview.sections.count == 1 && preview.sections.first?.section == 2)
        #expect(
            fields.map(\.held.field) == [.attribute(4), .attribute(5), .attribute(6), .tag(1), .tag(2)])
        #expect(fields.map(\.owner) == [.canonical, .both, .other, .both, .other])
        #expect(fields[0].held.value.value == .string("Ada") && fields[0].hidden?.value == .string("Steve"))
        #expect(fields.dropFirst().allSatisfy { $0.hidden == nil })
    }

    @Test("several profiles are checked as they are merged one after the other")
    func several() {
        let mail = data((1, "a@b.se"), id: 1)
        let web = data((4, "w"), id: 10)
        let otherMail = data((1, "c@b.se"), id: 20)
        func refusal(_ profiles: [ProfileData], _ fields: Int = 0) -> MergePreview.Refusal? {
            let set = Set((0..<Int64(fields)).map { ProfileField.tag(1000 + $0) })
            return rules.refusal(merging: profiles, thenSetting: set, in: 2)
        }
        #expect(refusal([mail]) == nil && refusal([mail, web]) == nil && refusal([mail, web, mail, web]) == nil)
        #expect(refusal([mail, web, otherMail]) == .different(keyspace: 1))
        // Neither differs from the first one, but they do from each other.
        #expect(refusal([web, mail, otherMail]) == .different(keyspace: 1))
        #expect(refusal([mail, data((4, "v"), id: 30, state: .locked)]) == .locked)
        let many = data((4, "many"), id: 100, members: Limits.profileMembersMax - 1)
        #expect(refusal([mail, many]) == nil && refusal([mail, web, many]) == .tooManyMembers)
        #expect(refusal([mail, web], Limits.profileFieldsMax) == nil)
        let tagged = data((4, "t"), [held(.tag(1), .boolean(true))], id: 40)
        #expect(refusal([mail, tagged], Limits.profileFieldsMax) == .full)
    }

    @Test("the order of the two has no meaning")
    func order() {
        let known = data((1, "a@b.se"), [held(.attribute(4), .string("Ada"))], id: 1, made: 9)
        let other = data((4, "w"), [held(.attribute(4), .string("Steve"))], section: 3, id: 100)
        let (one, two) = (MergePreview(known, other, rules), MergePreview(other, known, rules))
        #expect(one.sections == two.sections && one.keys == two.keys && one.outcome == two.outcome)
        #expect(one.sections.map(\.section) == [2, 3])
        #expect(one.isFirstCanonical && !two.isFirstCanonical)
    }

    @Test("it says what would not be merged, and why")
    func refusals() {
        let mail = data((1, "a@b.se"), [held(.attribute(4), .string("Ada"))], id: 1)
        func outcome(_ other: ProfileData) -> MergePreview.Outcome {
            let preview = MergePreview(mail, other, rules)
            #expect(preview.outcome == MergePreview(other, mail, rules).outcome)
            #expect(preview.outcome == .merged || (preview.sections.isEmpty && preview.keys.isEmpty))
            return preview.outcome
        }
        #expect(outcome(mail) == .unchanged)
        #expect(outcome(data((1, "c@d.se"), id: 100)) == .refused(.different(keyspace: 1)))
        #expect(
            outcome(data((4, "w"), [held(.attribute(1), .string("c@d.se"))], id: 100))
                == .refused(.different(keyspace: 1)))
        // In another section it is another attribute, and none of an identity.
        #expect(outcome(data((4, "w"), [held(.attribute(1), .string("c@d.se"))], section: 3, id: 100)) == .merged)
        #expect(outcome(data((4, "w"), id: 100, members: Limits.profileMembersMax - 1)) == .merged)
        #expect(outcome(data((4, "w"), id: 100, members: Limits.profileMembersMax)) == .refused(.tooManyMembers))
        let many = (1000..<1000 + Int64(Limits.profileFieldsMax)).map { held(.attribute($0), .string("x")) }
        #expect(outcome(data((4, "w"), Array(many.dropFirst()), id: 100)) == .merged)
        #expect(outcome(data((4, "w"), many, id: 100)) == .refused(.full))
        // That one is locked says more than that they differ.
        #expect(outcome(data((1, "c@d.se"), id: 100, state: .locked)) == .locked)
        let locked = [data((1, "a@b.se"), id: 1, state: .locked), data((4, "w"), id: 100, state: .locked)]
        #expect(MergePreview(locked[0], locked[1], rules).outcome == .refused(.locked))
        #expect(MergePreview(locked[0], locked[0], rules).outcome == .unchanged)
    }

    @Test("a key is added to a profile as the whole change leaves it")
    func adding() {
        let profile = data((1, "a@b.se"), [held(.attribute(1), .string("a@b.se"))], id: 1)
        let (own, new) = (Profile.Key(keyspace: 1, text: "a@b.se"), Profile.Key(keyspace: 1, text: "c@d.se"))
        let move = ProfileEdit(.attribute(1), ProfileValue(version: 7, value: .string("c@d.se")))
        #expect(rules.difference(adding: Profile.Key(keyspace: 4, text: "w"), to: profile) == nil)
        #expect(rules.difference(adding: new, to: profile) == 1)
        #expect(rules.difference(adding: new, to: profile, without: own) == 1, "the value is still there")
        #expect(rules.difference(adding: new, to: profile, after: [(2, [move])]) == 1, "the key is still there")
        #expect(rules.difference(adding: new, to: profile, without: own, after: [(2, [move])]) == nil)
        #expect(rules.difference(adding: new, to: profile, without: own, after: [(3, [move])]) == 1)
        let cleared = ProfileEdit(.attribute(1), nil)
        #expect(rules.difference(adding: new, to: profile, without: own, after: [(2, [cleared])]) == nil)
    }
}
