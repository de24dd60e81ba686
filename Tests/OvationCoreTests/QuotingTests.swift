import OvationCore
import Testing

@Suite("What messages and pointers repeat of a request")
struct QuotingTests {
    @Test("is left as it is up to the limit, and cut and marked beyond it")
    func limit() {
        let exact = String(repeating: "å", count: Limits.quotedLengthMax)
        #expect(exact.quoted == "'\(exact)'")
        #expect((exact + "x").quoted == "'\(exact)…'")
        #expect("".quoted == "''" && "a b"[...].quoted == "'a b'")
    }

    @Test("is counted in scalars, since one character can be a megabyte of marks")
    func scalars() {
        let character = "e" + String(repeating: "\u{301}", count: 100_000)
        #expect(character.count == 1)
        #expect(character.quoted.unicodeScalars.count == Limits.quotedLengthMax + 3)
        #expect(JSONPointer.escaped(character).unicodeScalars.count == Limits.quotedLengthMax + 1)
        #expect(
            Problem(.invalidRequest, character).detail.unicodeScalars.count == Limits.messageLengthMax + 1)
    }

    @Test("is cut to bytes at a whole scalar", arguments: [1999, 2000, 2001, 2002, 2003, 5000])
    func bytes(count: Int) {
        let text = String(repeating: "x", count: count % 4) + String(repeating: "😀", count: count / 4)
        let cut = text.shortened(toBytes: 2000)
        #expect(cut.utf8.count <= 2000 && (cut == text) == (text.utf8.count <= 2000))
        #expect(cut == text || (cut.hasSuffix("…") && cut.utf8.count > 1990 && text.hasPrefix(cut.dropLast())))
    }

    @Test("is escaped in pointers, also where a mark makes another character of a slash")
    func pointers() {
        #expect(JSONPointer.escaped("a/b~c") == "a~1b~0c")
        let marked = JSONPointer.escaped("a/\u{301}b~\u{301}")
        #expect(Array(marked.unicodeScalars) == Array("a~1\u{301}b~0\u{301}".unicodeScalars))
    }

    @Test("errors are listed up to a number and up to a number of bytes")
    func listed() {
        let short = ItemError(index: 0, pointer: "/a", code: .unknownField, detail: "b")
        #expect(Array(repeating: short, count: 150).listed().count == Limits.errorsListedMax)
        #expect([short, short].listed().count == 2)
        let long = ItemError(
            index: 0, pointer: "/" + String(repeating: "\u{1}", count: 900), code: .unknownField, detail: "b")
        let listed = Array(repeating: long, count: 150).listed()
        #expect(listed.count == Limits.errorsBytesMax / long.bytes && listed.count < 20)
    }
}
