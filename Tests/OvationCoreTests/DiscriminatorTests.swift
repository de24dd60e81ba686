import OvationTesting
import Testing

@testable import OvationCore

@Suite("Discriminator")
struct DiscriminatorTests {
    @Test(
        "accepts the real ones",
        arguments: [
            "com.apsis1.sections.default", "usercreated.sections.my_section-h4h3dpu3qi",
            "usercreated.sections.heartland_demo_2.0-rppfuhvt6a", "usercreated.sections.fulq3a5aou",
            "com.apsis1.events.transaction.custom-my-transaction-l9ce3syo6t",
            "com.apsis1.integrations.keyspaces.0a1b2c3d.magento",
            "usercreated.attributes.press_-_newsletter-omm8pihlcr",
        ])
    func acceptsReal(text: String) throws {
        #expect(try Discriminator<Section>(text).text == text)
    }

    @Test(
        "refuses what could not be one",
        arguments: [
            "", "a", "ab", "abc", "a..b", ".a.b", "a.b.", "a b.c", "ä.b.c", "a/b.c", "a.b%20",
            "a." + String(repeating: "b", count: 74),
        ])
    func refuses(text: String) {
        #expect(throws: Problem(.invalidDiscriminator, "")) { try Discriminator<Section>(text) }
    }

    @Test(
        "is made from a name as the vendor does",
        arguments: [
            ("my section", "usercreated.sections.my_section-"), ("Town/City", "usercreated.sections.towncity-"),
            ("Heartland Demo 2.0", "usercreated.sections.heartland_demo_2.0-"),
            ("résultat", "usercreated.sections.rsultat-"), ("日本", "usercreated.sections."),
        ])
    func makesSections(name: String, prefix: String) {
        var random = SeededGenerator(seed: 1)
        let text = Discriminator<Section>.made(fromName: name, using: &random).text
        #expect(text.hasPrefix(prefix) && text.count == prefix.count + 10)
    }

    @Test("of a custom event has the category, and hyphens for spaces")
    func makesEventTypes() {
        var random = SeededGenerator(seed: 1)
        let text = Discriminator<EventType>.made(
            fromName: "my transaction", category: .transaction, using: &random
        ).text
        #expect(text.hasPrefix("com.apsis1.events.transaction.custom-my-transaction-"))
    }

    @Test("made from any name is valid, at most 75 characters, and different each time")
    func isAlwaysValid() throws {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededGenerator(seed: seed)
        var seen: Set<String> = []
        for _ in 0..<2000 {
            let name = String(
                String.UnicodeScalarView(
                    (0..<Int.random(in: 0...120, using: &random)).map { _ in
                        let alphabet = Array("abcXYZ019 ._-/åß😀\u{0}".unicodeScalars)
                        return alphabet.randomElement(using: &random)!
                    }))
            let section = Discriminator<Section>.made(fromName: name, using: &random).text
            let category = EventCategory.allCases.randomElement(using: &random)!
            let eventType = Discriminator<EventType>.made(fromName: name, category: category, using: &random).text
            for text in [section, eventType] {
                #expect(DiscriminatorRules.isValid(text) && text.count <= 75, "seed \(seed): \(text)")
                #expect(seen.insert(text).inserted, "seed \(seed)")
            }
        }
    }
}
