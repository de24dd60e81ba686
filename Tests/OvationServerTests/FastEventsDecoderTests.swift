import NIOCore
import OvationCore
import OvationTesting
import OvationWire
import Testing

@testable import OvationServer

/// The fast path and the exact one are two readings of one body; where they could differ, events would.
@Suite("FastEventsDecoder")
struct FastEventsDecoderTests {
    private let target: EventTarget
    private let parsers = TapeParsers()

    init() throws {
        let catalogue = try Fixtures.catalogue()
        target = EventTarget(
            catalogue: catalogue, section: try #require(catalogue.section(Discriminator(Fixtures.section))),
            keyspace: try #require(catalogue.keyspace(Discriminator(Fixtures.emailKeyspace))), callerIsAdmin: false,
            receivedAt: Fixtures.now, limits: Limits())
    }

    private func fast(_ body: String) -> CheckedEvents? {
        FastEventsDecoder.decode(ByteBuffer(string: body), for: target, itemsMax: 1000, with: parsers)
    }

    private func exact(_ body: String) -> CheckedEvents? {
        guard let request = try? PostEventsRequest(parsing: body.utf8, itemsMax: 1000) else { return nil }
        let check = EventsCheck(request, for: target)
        return check.errors.isEmpty ? check.accepted : nil
    }

    @Test("takes the article's body itself")
    func takesArticle() {
        let data =
            #"{"myNumberField": 27183, "myNumberWithDecimalField": 213.21, "myTextField": "some transaction", "#
            + #""myTrueFalseField": false, "source": "some web shop"}"#
        let events = fast(TestServer.items(TestServer.item(data)))
        #expect(events?.rows.count == 1)
        #expect(events == exact(TestServer.items(TestServer.item(data))))
    }

    @Test("takes nothing that the exact reading refuses, and stores the same bytes for what it takes")
    func agrees() {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededGenerator(seed: seed)
        var taken = 0
        for _ in 0..<20_000 {
            let body = RandomBody.make(using: &random)
            guard let events = fast(body) else { continue }
            taken += 1
            #expect(events == exact(body), "seed \(seed): \(body)")
        }
        #expect(taken > 1000, "seed \(seed): only \(taken) bodies were plainly right, which tests little")
    }

    @Test("takes a text of any length with anything in any place as the exact reading does")
    func agreesOnTexts() {
        let special = [
            #"\""#, #"\\"#, #"\n"#, #"\u0000"#, #"\u001f"#, "\u{7F}", "å", "퟿", "가", "😀", "!", "#", "[", "]",
        ]
        for length in 0...40 {
            for place in 0...length {
                for piece in special {
                    let text =
                        String(repeating: "x", count: place) + piece + String(repeating: " ", count: length - place)
                    let body = TestServer.items(TestServer.item("{\"source\":\"\(text)\"}"))
                    let events = fast(body)
                    #expect(events != nil && events == exact(body), "\(text)")
                }
            }
        }
        for text in ["\\udc00", "x\\ud800", "xxxxxxxxxxxxxxxx\\udfff", "가가가가가\\udc00"] {
            #expect(fast(TestServer.items(TestServer.item("{\"source\":\"\(text)\"}"))) == nil, "\(text)")
        }
    }

    @Test("takes fields in any order, each once")
    func takesAnyOrder() {
        var random = SeededGenerator(seed: 3)
        var fields = ["\"myNumberField\":1", "\"myTextField\":\"a\"", "\"myTrueFalseField\":true", "\"source\":null"]
        for _ in 0..<50 {
            fields.shuffle(using: &random)
            let body = TestServer.items(TestServer.item("{\(fields.joined(separator: ","))}"))
            #expect(fast(body) != nil && fast(body) == exact(body), "\(body)")
            let twice = TestServer.items(TestServer.item("{\((fields + fields.prefix(1)).joined(separator: ","))}"))
            #expect(fast(twice) == nil && exact(twice) == nil)
        }
    }

    @Test("grows over what one post makes of its numbers, and keeps nothing of the post before")
    func grows() {
        let long = TestServer.items(
            (0..<400).map { _ in TestServer.item(#"{"myNumberWithDecimalField":1e22}"#) }.joined(separator: ","))
        let short = TestServer.items(TestServer.item())
        for body in [short, long, short] { #expect(fast(body) != nil && fast(body) == exact(body)) }
    }

    @Test("keeps what is near to zero, or leaves it to the exact reading, which refuses it")
    func agreesNearZero() {
        func body(_ number: String, _ text: String = "") -> String {
            TestServer.items(
                TestServer.item("{\"myNumberWithDecimalField\":\(number),\"source\":\"\(text)\"}"), TestServer.item())
        }
        // The usual ways to write a zero stay fast, whatever stands beside them.
        for zero in ["0.0", "-0.0", "0e0", "0.000E-10"] {
            for text in ["", "e-10", "e-x", "100"] {
                #expect(fast(body(zero, text)) == exact(body(zero, text)), "\(zero)")
            }
            #expect(fast(body(zero)) != nil, "\(zero)")
        }
        var random = SeededGenerator(seed: 11)
        for _ in 0..<3000 {
            let digits = (0..<Int.random(in: 1...20, using: &random)).map { _ in
                String(Int.random(in: 0...9, using: &random))
            }.joined()
            let number =
                switch Int.random(in: 0..<3, using: &random) {
                case 0: "0.\(digits)e-\(Int.random(in: 280...330, using: &random))"
                case 1: "1.\(digits)E-0\(Int.random(in: 300...330, using: &random))"
                default:
                    "0.\(String(repeating: "0", count: Int.random(in: 200...340, using: &random)))\(digits)e-\(Int.random(in: 0...99, using: &random))"
                }
            let judged = exact(body(number))
            if let taken = fast(body(number)) { #expect(taken == judged, "\(number)") }
            let isZero = number.prefix { $0 != "e" && $0 != "E" }.allSatisfy { "0.".contains($0) }
            if !isZero, let value = Double(number), value == 0 { #expect(judged == nil, "\(number)") }
        }
    }

    @Test("survives any damage to a body")
    func survivesDamage() {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededGenerator(seed: seed)
        for _ in 0..<5000 {
            var bytes = Array(RandomBody.make(using: &random).utf8)
            for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[index] = .random(in: .min ... .max, using: &random)
                case 1: bytes.remove(at: index)
                default: bytes = Array(bytes[..<index])
                }
            }
            let buffer = ByteBuffer(bytes: bytes)
            guard let events = FastEventsDecoder.decode(buffer, for: target, itemsMax: 1000, with: parsers) else {
                continue
            }
            let request = try? PostEventsRequest(parsing: bytes, itemsMax: 1000)
            #expect(request.map { EventsCheck($0, for: target).accepted } == events, "seed \(seed)")
        }
    }
}

/// Bodies that are right, nearly right, and wrong in the ways that clients are.
enum RandomBody {
    static func make(using random: inout SeededGenerator) -> String {
        let items = (0..<Int.random(in: 0...3, using: &random)).map { _ in item(using: &random) }
        let body = "{\"items\":[\(items.joined(separator: ","))]}"
        return Int.random(in: 0..<20, using: &random) == 0 ? "[\(body)]" : body
    }

    private static func item(using random: inout SeededGenerator) -> String {
        let times = [
            "\"2020-10-14T09:43:34.471Z\"", "\"2021-05-20T10:00:00+02:00\"", "\"2021-05-20\"", "1602668614",
            "\"1969-01-01T00:00:00Z\"", "\"\\u0032020-10-14T09:43:34Z\"",
        ]
        let versions = [
            "2565266", "\"2565266\"", "2565266.0", "\"+2565266\"", "1", "-1", "18446744073709551615", "null",
        ]
        let fields = (0..<Int.random(in: 0...5, using: &random)).map { _ in field(using: &random) }
        // Mostly right, so that most of a body is looked at.
        let time = Int.random(in: 0..<4, using: &random) == 0 ? times.randomElement(using: &random)! : times[0]
        let version = Int.random(in: 0..<4, using: &random) == 0 ? versions.randomElement(using: &random)! : versions[0]
        var members = [
            "\"event_time\":\(time)", "\"version_id\":\(version)", "\"data\":{\(fields.joined(separator: ","))}",
        ]
        if Int.random(in: 0..<10, using: &random) == 0 { members.append(members.randomElement(using: &random)!) }
        if Int.random(in: 0..<10, using: &random) == 0 { members.append("\"extra\":{\"a\":[1,{\"data\":2}]}") }
        members.shuffle(using: &random)
        return "{\(members.joined(separator: ", "))}"
    }

    private static func field(using random: inout SeededGenerator) -> String {
        let right = [
            ("myNumberField", ["0", "-1", "9223372036854775807", "-9223372036854775808", "-0"]),
            (
                "myNumberWithDecimalField",
                ["213.21", "1e300", "5", "0.1", "-0.0", "-0", "0", "1E-7", "9007199254740993"]
            ),
            ("myTextField", ["\"\"", "\"å😀\"", "\"\\u00e5\\n\\\"\"", "\"\\ud83d\\ude00\"", "\"\\u0000\""]),
            ("myTrueFalseField", ["true", "false"]), ("source", ["\"some web shop\"", "null"]),
        ]
        let any = [
            "1", "1.5", "27183.0", "9223372036854775808", "18446744073709551616", "1e400", "\"text\"", "\"\\udc00\"",
            "true", "null", "{}", "[1]",
        ]
        let (name, values) = right.randomElement(using: &random)!
        if Int.random(in: 0..<25, using: &random) == 0 { return "\"unknown\":1" }
        let value =
            Int.random(in: 0..<8, using: &random) == 0
            ? any.randomElement(using: &random)! : values.randomElement(using: &random)!
        return "\"\(name)\":\(value)"
    }
}
