import OvationCore
import OvationTesting
import Testing

@Suite("ProfileKey")
struct ProfileKeyTests {
    @Test(
        "is normalised by the keyspace's format",
        arguments: [
            (KeyFormat.email, " Steve@APSIS.com\n", "steve@apsis.com"), (.email, "ÅSA@example.se", "åsa@example.se"),
            (.email, "a+b@c.se", "a+b@c.se"), (.mobile, "+46 793-699 558", "46793699558"),
            (.mobile, "0046793699558", "46793699558"), (.mobile, "46(79)3699558", "46793699558"),
            (.text, " As Given ", " As Given "), (.text, "a%40b/ü", "a%40b/ü"),
        ])
    func normalises(format: KeyFormat, raw: String, key: String) throws {
        #expect(try ProfileKey(raw, format: format).text == key)
    }

    @Test(
        "is refused when it cannot be one",
        arguments: [
            (KeyFormat.email, ""), (.email, "   "), (.email, "steve"), (.email, "@apsis.com"), (.email, "steve@"),
            (.email, "a@b@c"), (.email, "st eve@apsis.com"), (.email, "a\u{0}@b.se"),
            (.email, String(repeating: "a", count: 250) + "@b.se"), (.mobile, "12ab"), (.mobile, "1234"),
            (.mobile, "0793699558"), (.mobile, "1234567890123456"), (.mobile, "+"), (.mobile, "+4+6793699558"),
            (.text, ""), (.text, "a\nb"), (.text, String(repeating: "å", count: 257)),
        ])
    func refuses(format: KeyFormat, raw: String) {
        #expect(throws: Problem(.invalidProfileKey, "")) { try ProfileKey(raw, format: format) }
    }

    @Test("is the same key when normalised twice")
    func isIdempotent() {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededGenerator(seed: seed)
        let alphabet = Array("aZ@.+0123 \tÅßİ😀-")
        for _ in 0..<5000 {
            let raw = String(
                (0..<Int.random(in: 1...20, using: &random)).map { _ in alphabet.randomElement(using: &random)! })
            for format in KeyFormat.allCases {
                guard let key = try? ProfileKey(raw, format: format) else { continue }
                #expect((try? ProfileKey(key.text, format: format)) == key, "seed \(seed): \(raw)")
            }
        }
    }

    @Test("does not print")
    func isRedacted() throws {
        let key = try ProfileKey("steve@apsis.com", format: .email)
        #expect(!"\(key) \(String(reflecting: key))".contains("steve"))
    }
}
