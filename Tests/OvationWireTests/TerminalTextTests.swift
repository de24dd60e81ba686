import OvationWire
import Testing

@Suite("Text on its way to a terminal")
struct TerminalTextTests {
    /// C0, DEL and C1, what turns the direction of writing, the line ends of Unicode.
    private static let obeyed: [ClosedRange<UInt32>] = [
        0...0x1F, 0x7F...0x9F, 0x61C...0x61C, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x2069,
    ]

    @Test("of all characters of Unicode those are escaped that are obeyed, and no others")
    func all() throws {
        for number in UInt32(0)...0x10FFFF {
            guard let scalar = Unicode.Scalar(number) else { continue }
            let text = "a" + String(Character(scalar)) + "b"
            let isObeyed = Self.obeyed.contains { $0.contains(number) }
            let shown = TerminalText.line(text)
            guard (shown != text) != isObeyed || (isObeyed && !shown.utf8.allSatisfy { (0x20..<0x7F).contains($0) })
            else { continue }
            Issue.record("U+\(String(number, radix: 16)) became \(shown)")
        }
    }

    @Test("an escape is that of JSON")
    func escapes() throws {
        #expect(TerminalText.line("\u{1B}[2J\u{9B}\u{202E}\n\r\t") == #"\u001b[2J\u009b\u202e\n\r\t"#)
        #expect(TerminalText.lines("a\n\tb\rc\r\nd\n") == "a\n\tb\\rc\r\nd\n")
        let json = JSONWriter.write(.string("\u{7F}\u{85}\u{2028}\u{2066}é"))
        #expect(TerminalText.json(json) == #""\u007f\u0085\u2028\u2066é""#)
        #expect(try JSONValue(parsing: Array(TerminalText.json(json).utf8)).string == "\u{7F}\u{85}\u{2028}\u{2066}é")
    }

    @Test("a text that ends within a character is not read past its end")
    func ends() {
        for bytes: [UInt8] in [[0xC2], [0xE2], [0xE2, 0x80], [0xD8], [0x61, 0xE2, 0x81], []] {
            #expect(bytes.withUnsafeBytes { TerminalText.lines($0) } == nil)
        }
    }
}
