import OvationCore
import Testing

@Suite("Consents")
struct ConsentTests {
    @Test(
        "places and fields lead to each other", arguments: [nil, 1, 7, ConsentPlace.topicMax],
        [nil, 1, ConsentPlace.channelMax])
    func places(topic: Int64?, channel: Int64?) {
        let place = ConsentPlace(topic: topic, channel: channel)
        #expect(ConsentPlace(place.field) == place)
        #expect(place.field.kind == .consent && place.field.number <= ProfileField.numberMax)
    }

    @Test("what is no consent is none", arguments: ["", ":", "-1:x", "9:short", "x", "1"])
    func damaged(text: String) {
        #expect(Consent(ProfileValue(version: 2, value: .string(text))) == nil)
    }

    @Test("a type of another version is none, and can be overwritten")
    func unknownType() {
        let value = ProfileValue(version: 9, value: .string("0:"))
        #expect(Consent(value) == nil)
        let edit = ConsentEdit(ConsentPlace(topic: 1, channel: 1), Consent(.optIn, source: "", reason: ""))
        #expect(edit.transition(from: value) == .made)
    }

    @Test("a lift reads back, is no consent, and takes the place of an opt-out alone")
    func lifts() throws {
        for texts in [("", ""), ("a form", "ü: asked\u{0} again"), ("5:x", ":")] {
            let lift = Lift(source: texts.0, reason: texts.1)
            #expect(Lift(lift.value) == lift)
            #expect(Consent(lift.value) == nil, "no reader takes it for one")
        }
        let edit = ConsentEdit(ConsentPlace(topic: nil, channel: 1), Lift(source: "", reason: ""))
        for type in ConsentType.allCases {
            let held = Consent(type, source: "", reason: "").value
            #expect(Lift(held) == nil)
            #expect(edit.transition(from: held) == (type == .optOut ? .changed : .refused), "\(type)")
        }
        #expect(edit.transition(from: nil) == .refused)
        #expect(edit.transition(from: Lift(source: "", reason: "").value) == .refused)
        #expect(
            ConsentEdit(edit.place, Consent(.optOut, source: "", reason: ""))
                .transition(from: Lift(source: "", reason: "").value) == .made)
    }

    @Test("integrations set two types, and words lead to types")
    func types() {
        #expect(ConsentType.allCases.filter(\.isSetByIntegrations) == [.optOut, .optIn])
        #expect(ConsentType.allCases.allSatisfy { ConsentType(word: $0.word) == $0 })
        #expect(ConsentType(word: "opt_in") == nil)
    }

    @Test("which type can follow which, as the documents say")
    func table() {
        // From each type, and from none: what opt-out, opt-in, pending and confirmed make of it.
        let expected: [(ConsentType?, [ConsentTransition])] = [
            (nil, [.made, .made, .made, .made]),
            (.optOut, [.refused, .changed, .changed, .changed]),
            (.optIn, [.changed, .refused, .refused, .changed]),
            (.pendingOptIn, [.changed, .changed, .refused, .changed]),
            (.confirmedOptIn, [.changed, .refused, .refused, .refused]),
        ]
        for (from, transitions) in expected {
            let wanted: [ConsentType] = [.optOut, .optIn, .pendingOptIn, .confirmedOptIn]
            #expect(
                wanted.map { ConsentTransition(from: from, to: $0) } == transitions, "\(from?.word ?? "none")")
        }
    }

    // MARK: Sending

    private func data(
        _ consents: [(section: Int64, topic: Int64?, type: ConsentType)], state: ProfileState = .open
    ) throws -> ProfileData {
        let address = try ProfileKey("a@b.se", format: .email)
        let profile = Profile(
            id: ProfileID(1), key: Profile.Key(keyspace: 1, text: address.text),
            createdAt: Timestamp(milliseconds: 1), state: state)
        let bySection = Dictionary(grouping: consents, by: \.section)
        return ProfileData(
            profile: profile,
            sections: bySection.map { section, consents in
                ProfileData.Section(
                    section: section,
                    fields: consents.map {
                        HeldField(
                            field: ConsentPlace(topic: $0.topic, channel: 1).field,
                            value: Consent($0.type, source: "", reason: "").value,
                            setAt: Timestamp(milliseconds: 1), actor: "me", position: 1)
                    }.sorted { $0.field.number < $1.field.number })
            })
    }

    @Test("a layer above a topic speaks before it, and the topic speaks again when the layer is lifted")
    func layers() throws {
        func reason(_ consents: [(section: Int64, topic: Int64?, type: ConsentType)]) throws -> Sending.Reason {
            Sending(of: try data(consents), section: 2, topic: 7, channel: 1).reason
        }
        let optIn: (Int64, Int64?, ConsentType) = (2, 7, .optIn)
        #expect(try reason([]) == .noConsent)
        #expect(try reason([optIn]) == .optIn)
        #expect(try reason([optIn, (2, nil, .optOut)]) == .sectionOptOut)
        #expect(try reason([optIn, (2, nil, .optOut), (0, nil, .optOut)]) == .accountOptOut)
        #expect(try reason([optIn, (3, nil, .optOut), (2, 8, .optOut)]) == .optIn)
        #expect(try reason([(2, 7, .pendingOptIn)]) == .pending)
        #expect(try reason([(2, 7, .confirmedOptIn)]) == .confirmedOptIn)
        #expect(try reason([(2, 7, .optOut)]) == .optOut)
        // Above a topic only opt-outs count.
        #expect(try reason([(2, nil, .optIn)]) == .noConsent)
        #expect(try reason([(0, nil, .optIn), (2, 7, .optOut)]) == .optOut)
        let otherChannel = Sending(of: try data([optIn, (0, nil, .optOut)]), section: 2, topic: 7, channel: 2)
        #expect(otherChannel.reason == .noConsent)
        #expect(Sending(of: try data([optIn]), section: 2, topic: 7, channel: 1).held?.position == 1)
        #expect(Sending(of: try data([optIn], state: .locked), section: 2, topic: 7, channel: 1).reason == .locked)
    }

    @Test("of several profiles, the one that says no is heard")
    func strongest() {
        func strongest(_ reasons: Sending.Reason...) -> Sending.Reason {
            Sending.strongest(of: reasons.map { Sending(reason: $0) }).reason
        }
        #expect(strongest() == .noConsent)
        #expect(strongest(.optIn, .noConsent) == .optIn)
        #expect(strongest(.optIn, .optOut, .noConsent) == .optOut)
        #expect(strongest(.pending, .optIn) == .pending)
        #expect(strongest(.accountOptOut, .locked, .suppressed, .sectionOptOut) == .suppressed)
        #expect(strongest(.sectionOptOut, .accountOptOut, .locked) == .locked)
        #expect(strongest(.optOut, .sectionOptOut, .accountOptOut) == .accountOptOut)
        #expect(strongest(.optOut, .sectionOptOut) == .sectionOptOut)
        #expect(strongest(.pending, .optOut) == .optOut)
        #expect(Sending.Reason.allCases.filter(\.allows) == [.confirmedOptIn, .optIn])
    }
}
