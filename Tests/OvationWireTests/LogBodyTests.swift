import Foundation
import OvationCore
import OvationTesting
import OvationWire
import Testing

@Suite("The log on the wire")
struct LogBodyTests {
    /// A line of the stored log, and what goes out of it.
    private static let golden: [(stored: String, change: String)] =
        [
            (
                #"{"kind":"section.created","section":{"discriminator":"a.shop","name":"Shop","number":2}}"#,
                #"{"section_discriminator":"a.shop","name":"Shop"}"#
            ),
            (
                #"{"kind":"section.renamed","name":"N","section":"a.shop"}"#,
                #"{"section_discriminator":"a.shop","name":"N"}"#
            ),
            (
                #"{"keyspace":{"discriminator":"a.card","keyFormat":"email","managesSubscriptions":true,"name":"C","number":6},"#
                    + #""kind":"keyspace.created"}"#,
                #"{"keyspace_discriminator":"a.card","name":"C","key_format":"email","manage_subscriptions":true}"#
            ),
            (
                #"{"keyspace":"a.card","kind":"keyspace.changed","managesSubscriptions":false,"name":"D"}"#,
                #"{"keyspace_discriminator":"a.card","name":"D","manage_subscriptions":false}"#
            ),
            (
                #"{"eventType":{"category":"signal","description":"d","discriminator":"a.order","name":"order","#
                    + #""permissions":{"a.card":{"read":true,"write":false}},"section":"a.shop"},"kind":"event_type.changed"}"#,
                #"{"section_discriminator":"a.shop","event_discriminator":"a.order","name":"order","description":"d","#
                    + #""category":"signal","keyspace_permissions":[{"keyspace_discriminator":"a.card","read":true,"write":false}]}"#
            ),
            (
                #"{"at":"2026-11-23T12:00:00.000Z","eventType":"a.order","kind":"event_type.removed"}"#,
                #"{"event_discriminator":"a.order","removed_at":"2026-11-23T12:00:00.000Z"}"#
            ),
            (
                #"{"kind":"version.added","version":{"eventType":"a.order","fields":[{"name":"cups","required":true,"#
                    + #""type":"integer"}],"id":1000001,"state":"draft","validFrom":"2026-11-23T12:00:00.000Z"}}"#,
                #"{"event_discriminator":"a.order","version_id":"1000001","fields":{"cups":{"type":"integer","required":true}},"#
                    + #""draft":true,"valid_from":"2026-11-23T12:00:00.000Z"}"#
            ),
            (
                #"{"at":"2026-11-23T12:00:00.000Z","kind":"version.published","version":7}"#,
                #"{"version_id":"7","published_at":"2026-11-23T12:00:00.000Z"}"#
            ),
            (
                #"{"at":"2026-11-23T12:00:00.000Z","kind":"version.republished","version":7}"#,
                #"{"version_id":"7","published_at":"2026-11-23T12:00:00.000Z"}"#
            ),
            (
                #"{"at":"2026-11-23T12:00:00.000Z","kind":"version.deprecated","version":7}"#,
                #"{"version_id":"7","deprecated_at":"2026-11-23T12:00:00.000Z"}"#
            ),
            (#"{"kind":"version.discarded","version":7}"#, #"{"version_id":"7"}"#),
        ] + fields + consentDefinitions

    private static let fields: [(stored: String, change: String)] = [
        (
            #"{"keyspace":"a.card","kind":"keyspace.changed","managesSubscriptions":false,"mapping":"a.cake","name":"D"}"#,
            #"{"keyspace_discriminator":"a.card","name":"D","manage_subscriptions":false,"mapped_attribute":"a.cake"}"#
        ),
        (
            #"{"attribute":{"description":"d","discriminator":"a.cake","name":"Cake","permissions":{"a.card":{"read":true,"#
                + #""write":false}},"section":"a.shop"},"kind":"attribute.created","number":10000,"version":{"#
                + #""attribute":"a.cake","id":7,"renderHint":"date_YYYY-MM-DD","section":"a.shop","state":"published","#
                + #""type":"string","validFrom":"2026-11-23T12:00:00.000Z"}}"#,
            #"{"section_discriminator":"a.shop","attribute_discriminator":"a.cake","version_id":"7","name":"Cake","#
                + #""description":"d","keyspace_permissions":[{"keyspace_discriminator":"a.card","read":true,"write":false}"#
                + #"],"type":"string","render_hint":"date_YYYY-MM-DD","draft":false,"#
                + #""valid_from":"2026-11-23T12:00:00.000Z"}"#
        ),
        (
            #"{"at":"2026-11-23T12:00:00.000Z","attribute":"a.cake","kind":"attribute.removed","section":"a.shop"}"#,
            #"{"section_discriminator":"a.shop","attribute_discriminator":"a.cake","removed_at":"2026-11-23T12:00:00.000Z"}"#
        ),
        (
            #"{"at":"2026-11-23T12:00:00.000Z","kind":"attribute_version.republished","version":7}"#,
            #"{"version_id":"7","published_at":"2026-11-23T12:00:00.000Z"}"#
        ),
        (
            #"{"id":8,"kind":"tag.created","number":1,"tag":{"description":"","discriminator":"a.vip","isHidden":true,"#
                + #""name":"VIP","permissions":{},"section":"a.shop"},"validFrom":"2026-11-23T12:00:00.000Z"}"#,
            #"{"section_discriminator":"a.shop","tag_discriminator":"a.vip","version_id":"8","name":"VIP","description":"","#
                + #""keyspace_permissions":[],"is_hidden":true,"valid_from":"2026-11-23T12:00:00.000Z"}"#
        ),
        (
            #"{"at":"2026-11-23T12:00:00.000Z","kind":"tag.removed","section":"a.shop","tag":"a.vip"}"#,
            #"{"section_discriminator":"a.shop","tag_discriminator":"a.vip","removed_at":"2026-11-23T12:00:00.000Z"}"#
        ),
    ]

    private static let consentDefinitions: [(stored: String, change: String)] = [
        (
            #"{"channel":{"discriminator":"a.push","keyspace":"a.card","name":"Push","number":100},"kind":"channel.created"}"#,
            #"{"keyspace_discriminator":"a.card","channel_discriminator":"a.push","name":"Push"}"#
        ),
        (
            #"{"channel":"a.push","kind":"channel.changed","name":"N"}"#,
            #"{"channel_discriminator":"a.push","name":"N"}"#
        ),
        (
            #"{"at":"2026-11-23T12:00:00.000Z","channel":"a.push","kind":"channel.removed"}"#,
            #"{"channel_discriminator":"a.push","removed_at":"2026-11-23T12:00:00.000Z"}"#
        ),
        (
            #"{"folder":{"description":"d","discriminator":"a.news","name":"News","section":"a.shop"},"kind":"folder.created"}"#,
            #"{"section_discriminator":"a.shop","folder_discriminator":"a.news","name":"News","description":"d"}"#
        ),
        (
            #"{"at":"2026-11-23T12:00:00.000Z","folder":"a.news","kind":"folder.removed","section":"a.shop"}"#,
            #"{"section_discriminator":"a.shop","folder_discriminator":"a.news","removed_at":"2026-11-23T12:00:00.000Z"}"#
        ),
        (
            #"{"kind":"topic.created","number":1,"topic":{"channel":"a.push","description":"d","discriminator":"a.offers","#
                + #""folder":"a.news","name":"Offers","section":"a.shop"}}"#,
            #"{"section_discriminator":"a.shop","channel_discriminator":"a.push","folder_discriminator":"a.news","#
                + #""topic_discriminator":"a.offers","name":"Offers","description":"d"}"#
        ),
        (
            #"{"kind":"topic.changed","topic":{"description":"","discriminator":"a.offers","folder":"a.news","#
                + #""name":"Offers","section":"a.shop"}}"#,
            #"{"section_discriminator":"a.shop","folder_discriminator":"a.news","topic_discriminator":"a.offers","#
                + #""name":"Offers","description":""}"#
        ),
        (
            #"{"at":"2026-11-23T12:00:00.000Z","kind":"topic.removed","section":"a.shop","topic":"a.offers"}"#,
            #"{"section_discriminator":"a.shop","topic_discriminator":"a.offers","removed_at":"2026-11-23T12:00:00.000Z"}"#
        ),
    ]

    private func entry(_ content: AuditEntry.Content) -> AuditEntry {
        AuditEntry(number: 17, at: Fixtures.now, actor: "me", content: content)
    }

    @Test("each kind of change goes out in the words of the API, and reads back")
    func changes() throws {
        for (stored, change) in Self.golden {
            let parsed = try JSONDecoder().decode(CatalogueChange.self, from: Data(stored.utf8))
            let body = Bodies.LogEntry(entry(.definition(parsed)))
            #expect(
                String(decoding: JSONWriter.write(body.json), as: UTF8.self)
                    == #"{"sequence":17,"at":"2026-11-23T12:00:00.000Z","actor":"me","kind":""#
                    + parsed.kind + #"","change":"# + change + "}")
            #expect(try Bodies.LogEntry(json: body.json).json == body.json)
            // A definition that is made is called by its discriminator, also where it comes with a version.
            if parsed.kind.hasSuffix(".created") { #expect(!body.subject.isEmpty && Int64(body.subject) == nil) }
            // A topic names its folder and its channel, and a channel its keyspace.
            if stored.contains(#"a.offers"#) { #expect(body.subject == "a.offers") }
            if parsed.kind.hasPrefix("folder.") { #expect(body.subject == "a.news") }
            if parsed.kind.hasPrefix("channel.") { #expect(body.subject == "a.push") }
        }
    }

    @Test("an act says what it was done to, also one that only a newer version knows")
    func acts() throws {
        let act = Act(Act.Kind(rawValue: "profile.erased"), subject: "s", detail: "d")
        let json = Bodies.LogEntry(entry(.act(act))).json
        #expect(json["kind"] == "profile.erased")
        #expect(json["change"] == .object([.init("subject", "s"), .init("detail", "d")]))
    }
}
