import OvationCore
import OvationTesting
import Testing

@testable import OvationServer

@Suite("Masking a key in a text")
struct MaskingTests {
    /// As one would write it first: each place in the text is compared with the whole key.
    private static func plainly(_ text: String, _ key: String) -> String {
        func lower(_ bytes: some Sequence<UInt8>) -> [UInt8] { bytes.map { (65...90).contains($0) ? $0 | 0x20 : $0 } }
        let (text, wanted) = (Array(text.utf8), lower(key.utf8))
        var masked: [UInt8] = []
        var index = 0
        while index < text.count {
            if text.count - index >= wanted.count, lower(text[index..<index + wanted.count]) == wanted {
                masked += Array((Visit.mask(key) ?? "").utf8)
                index += wanted.count
            } else {
                masked.append(text[index])
                index += 1
            }
        }
        return String(decoding: masked, as: UTF8.self)
    }

    @Test("finds what the plainest search finds, in texts of few letters too")
    func same() {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededGenerator(seed: seed)
        for _ in 0..<3000 {
            func text(_ length: ClosedRange<Int>) -> String {
                String((0..<Int.random(in: length, using: &random)).map { _ in "aAb@é".randomElement(using: &random)! })
            }
            let key = text(4...9)
            let whole = text(0...40) + key + text(0...20)
            #expect(Visit.masked(whole, key) == Self.plainly(whole, key), "seed \(seed): \(key) in \(whole)")
        }
    }

    @Test("a long key that almost fits everywhere takes no longer than a short one", .timeLimit(.minutes(1)))
    func linear() {
        let key = String(repeating: "a", count: 2000) + "b"
        let text = String(repeating: "a", count: 4_000_000)
        #expect(Visit.masked(text, key) == text)
        #expect(Visit.masked(text + key, key).hasSuffix(Visit.mask(key) ?? "-"))
    }

    @Test("of a key that was cut when it was kept, the beginning is masked")
    func cut() {
        let whole = String(repeating: "secret", count: 1000) + "@apsis.com"
        let kept = whole.shortened(toBytes: Limits.rejectionKeyBytesMax)
        #expect(!Visit.masked("{\"key\":\"\(whole)\"}", kept).hasPrefix("{\"key\":\"secret"))
        #expect(Visit.mask("e" + String(repeating: "\u{301}", count: 9000))?.unicodeScalars.count == 65)
    }

    @Test("a mask is as long as its key, up to a bound, and its mark tells keys apart that look the same")
    func marks() throws {
        func parts(_ key: String) throws -> (dots: String, mark: String) {
            let parts = try #require(Visit.mask(key)).split(separator: "#", omittingEmptySubsequences: false)
            try #require(parts.count == 2)
            return (String(parts[0]), String(parts[1]))
        }
        for key in ["steve@apsis.com", "0701234567", "abcd", "é••#•"] {
            let mask = try parts(key)
            #expect(mask.dots.unicodeScalars.count == key.unicodeScalars.count, "\(key)")
            #expect(mask.dots.unicodeScalars.first == key.unicodeScalars.first)
            #expect(mask.dots.dropFirst().allSatisfy { $0 == "•" } && mask.mark.utf8.count == 4)
        }
        #expect(try parts("steve@apsis.com").mark == parts("STEVE@apsis.com").mark, "the same person has the same mark")
        for short in ["a", "ab", "abc"] {
            #expect(
                try parts(short).dots == String(repeating: "•", count: short.count), "one letter would be much of it")
        }
        #expect(try parts(String(repeating: "k", count: 500)).dots.count == Limits.maskLengthMax)
        #expect(Visit.mask("") == nil)
        // Keys of one length that begin alike: of a hundred, two with one mark are a chance of one in two hundred.
        let marks = Set(try (0..<100).map { try parts("46700000\(100 + $0)").mark })
        #expect(marks.count >= 98)
    }
}
