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
            (.mobile, "(0046) 79 369.95.58", "46793699558"), (.mobile, "(+46) 70/369-95.50", "46703699550"),
            (.mobile, "+46.70.369.95.00", "46703699500"), (.email, "Straße@Ünicode.DE", "straße@ünicode.de"),
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
            (.mobile, "+46 (0)70 369 95 58"), (.mobile, "0046(0)703699558"), (.mobile, "46 ( 0 ) 703699558"),
            (.mobile, "+46 (070) 369 95 58"), (.mobile, "+46 (00)703699558"), (.mobile, "(0)703699558"),
            (.mobile, "46793699558.0"), (.mobile, "+46793699558.00"), (.mobile, "4.6793699558e10"),
            (.mobile, "46793699558 \u{301}"), (.mobile, "4679369955٨"), (.mobile, "46793699558\u{200B}"),
            (.email, "ste\u{212A}@apsis.com"), (.email, "\u{0130}@apsis.com"), (.email, "steve@apsis.com \u{301}"),
            (.email, "steve@apsis.com@\u{301}"), (.email, "steve\u{FFFD}@apsis.com"),
            (.text, ""), (.text, "a\nb"), (.text, String(repeating: "å", count: 257)),
        ])
    func refuses(format: KeyFormat, raw: String) {
        #expect(throws: Problem(.invalidProfileKey, "")) { try ProfileKey(raw, format: format) }
    }

    /// Every code point there is: a table of those that come to mind would miss the next one.
    @Test("an e-mail address has no invisible and no unassigned character, in any place")
    func refusesUnseen() throws {
        let named: [UInt32] = [
            0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x17B4, 0x180E, 0x200B, 0x200C, 0x200D, 0x200E, 0x202E, 0x2060, 0x2066,
            0x2800, 0x3164, 0xFE0F, 0xFEFF, 0xFFA0, 0xFFF9, 0xFFFC, 0xFFFD, 0xE000, 0xE0041, 0xE0100, 0x378, 0xFFFE,
            0x10FFFF, 0x2028, 0x2029, 0x85, 0x7F,
        ]
        var refused = Set<UInt32>()
        var wrong: [String] = []
        // Where Unicode has few characters or none, some of them stand for all.
        let codes = Array(UInt32(0x21)..<0x20000) + stride(from: 0x20000, through: 0x10FFFF, by: 61) + named
        for code in codes {
            guard let scalar = Unicode.Scalar(code), scalar != "@" else { continue }
            let text = "a\(scalar)b@c.se"
            guard let key = try? ProfileKey(text, format: .email) else {
                refused.insert(code)
                continue
            }
            let isSeen = ![.format, .unassigned, .control].contains(scalar.properties.generalCategory)
            // What is taken differs from other addresses in something that is seen: at most in the case of letters.
            let isOther = key.text == text.lowercased() && key.text.unicodeScalars.count >= 8
            let isASCII = key.text.utf8.allSatisfy { $0 < 0x80 }
            if !isSeen || !isOther || isASCII != (code <= 0x7F) { wrong.append("U+" + String(code, radix: 16)) }
        }
        #expect(wrong == [])
        for code in named {
            #expect(refused.contains(code), "U+\(String(code, radix: 16))")
            for text in [
                "\(Unicode.Scalar(code)!)a@b.se", "a@b.se\(Unicode.Scalar(code)!)", "a@\(Unicode.Scalar(code)!)b.se",
            ]
            where ![0x85, 0x2028, 0x2029].contains(code) {
                #expect(throws: Problem(.invalidProfileKey, "")) { try ProfileKey(text, format: .email) }
            }
        }
        for taken in ["å", "é", "ß", "中", "я", "٣", "'", "\"", "😀"] {
            #expect((try? ProfileKey("a\(taken)@b.se", format: .email)) != nil, "\(taken)")
        }
    }

    @Test("what the fast reading of bytes takes is what the exact one makes of them")
    func agreesOnBytes() {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededGenerator(seed: seed)
        let alphabet = Array("aZk@.+-()/ 0123456789\t\u{0}\u{7F}Å\u{212A}\u{200B}İ٣").map(String.init)
        var taken = 0
        for _ in 0..<50_000 {
            let raw = (0..<Int.random(in: 0...16, using: &random))
                .map { _ in alphabet.randomElement(using: &random)! }.joined()
            for format in KeyFormat.allCases {
                var bytes: [UInt8] = [1, 2]
                let isTaken = Array(raw.utf8).withUnsafeBufferPointer {
                    ProfileKey.append(plain: $0, format: format, to: &bytes)
                }
                guard isTaken else {
                    #expect(bytes == [1, 2], "seed \(seed): \(raw)")
                    continue
                }
                taken += 1
                let key = try? ProfileKey(raw, format: format)
                #expect(key.map { [1, 2] + Array($0.text.utf8) } == bytes, "seed \(seed): \(format) \(raw)")
            }
        }
        #expect(taken > 1000, "seed \(seed)")
    }

    @Test("is the same key when normalised twice")
    func isIdempotent() {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededGenerator(seed: seed)
        let alphabet = Array("aZ@.+0123 \tÅßİ😀-()ΣK")
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
