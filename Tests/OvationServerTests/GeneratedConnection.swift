import Foundation
import OvationTesting

@testable import OvationServer

/// Requests that a client sends over one connection: most of them write or read one profile, good ones, bad ones and odd ones.
struct GeneratedConnection: Sendable {
    static let keys = ["a%40b.se", "b%40b.se", "c%40b.se", "locked%40b.se"]
    static let plainBody = #"{"items":[\#(TestServer.item())]}"#

    /// With `{token}` where the token of a key stands: `{admin}`, `{reader}`, `{gone}`.
    private var requests: [String] = []
    /// Where the bytes are cut into pieces, as parts of a thousand of them all.
    private var cuts: [Int] = []
    /// The client sends nothing after the last request, and says so.
    private(set) var isCut = false
    private let number: Int
    private let basePath: String

    init(number: Int, basePath: String, using random: inout SeededGenerator) {
        self.number = number
        self.basePath = basePath
        for index in 0..<Int.random(in: 1...8, using: &random) {
            requests.append(request(index, using: &random))
        }
        end(using: &random)
        let places = (0..<Int.random(in: 0...6, using: &random)).map { _ in Int.random(in: 0..<1000, using: &random) }
        // A body can be refused before its end. If the end has not come by then, the connection is closed; so what follows would
        // depend on when the server happens to read.
        cuts = requests.contains(where: \.isRefusedEarly) ? [] : places.sorted()
    }

    func pieces(tokens: [String: String]) -> [[UInt8]] {
        var text = requests.joined()
        for (name, token) in tokens { text = text.replacing("{\(name)}", with: token) }
        let bytes = Array(text.utf8)
        var pieces: [[UInt8]] = []
        var start = 0
        for end in cuts.map({ $0 * bytes.count / 1000 }) + [bytes.count] where end > start {
            pieces.append(Array(bytes[start..<end]))
            start = end
        }
        return pieces
    }

    var text: String { requests.joined() }

    /// How the connection ends: by a request that says so, by an end in the middle, or by what is not HTTP.
    private mutating func end(using random: inout SeededGenerator) {
        let post = "POST \(basePath)\(TestServer.eventsPath()) HTTP/1.1\r\nAuthorization: Bearer {admin}\r\n"
        switch Int.random(in: 0..<10, using: &random) {
        case 0:
            requests.append("\(post)Host: h\r\nContent-Length: 900\r\nX-Request-Id: cut\r\n\r\n{\"items\":[")
            isCut = true
        case 1: isCut = true
        case 2: requests.append("\(post)Content-Length: 2\r\n\r\n{}")
        case 3: requests.append("\(post)Host: h\r\nContent-Length: x\r\n\r\n")
        case 4: requests.append("\(post)Host: h\r\nno header\r\n\r\n")
        case 5:
            requests.append(
                "\(post)Host: h\r\nConnection: close\r\nX-Request-Id: last\r\nContent-Length: "
                    + "\(Self.plainBody.utf8.count)\r\n\r\n\(Self.plainBody)")
        default: requests.append("GET /health HTTP/1.1\r\nHost: h\r\nConnection: close\r\nX-Request-Id: end\r\n\r\n")
        }
    }

    private func request(_ index: Int, using random: inout SeededGenerator) -> String {
        // Half of them are plain, so that they meet each other and what is not.
        let isPlain = Bool.random(using: &random)
        func odd(_ chance: Int) -> Bool { !isPlain && Int.random(in: 0..<chance, using: &random) == 0 }
        // Half of them are events, too.
        let write = Bool.random(using: &random) ? .events : GeneratedRequest.allCases.randomElement(using: &random)!
        let method =
            odd(8)
            ? ["GET", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "POST"].randomElement(using: &random)!
            : write.method
        let key = Self.keys.prefix(isPlain ? 3 : 4).randomElement(using: &random)!
        var path = write.path(odd(4) ? oddPath(using: &random) : TestServer.eventsPath(key))
        if write == .page { path += GeneratedRequest.query(isOdd: odd(2), using: &random) }
        let prefix = odd(3) ? "" : basePath
        var head =
            "\(method) \(prefix)\(path) HTTP/1.\(odd(20) ? 0 : 1)\r\nHost: h\r\nX-Request-Id: r\(number)-\(index)\r\n"
        head += odd(5) ? oddToken(using: &random) : "Authorization: Bearer {admin}\r\n"
        for line in Self.oddLines where odd(10) { head += line.replacing("{n}", with: "\(number % 40)") + "\r\n" }
        if write == .page, !odd(4) { return head + "\r\n" }
        let body: String =
            switch write {
            case .events, .page: odd(2) ? oddBody(using: &random) : plainBody(using: &random)
            default: write.body(isOdd: odd(2), using: &random)
            }
        guard !odd(6) else { return head + chunked(body, using: &random) }
        return head + "Content-Length: \(body.utf8.count)\r\n\r\n" + body
    }

    private static let oddLines = [
        "Idempotency-Key: k{n}", "Idempotency-Key: k", "Idempotency-Key:", "Prefer: handling=lenient",
        "Prefer: validate-only", "Prefer: something, handling=strict",
        "Content-Type: application/x-www-form-urlencoded",
        "Connection: keep-alive", "Connection: Keep-Alive", "Connection: upgrade", "Content-Encoding: identity",
        "Content-Encoding: gzip", "Content-Encoding: br", "Expect: something", "Accept: text/html",
        "Accept-Encoding: gzip",
        "Cookie: a=b; c=d", "X-Forwarded-For: 10.0.0.1",
    ]

    private func oddPath(using random: inout SeededGenerator) -> String {
        let path = TestServer.eventsPath()
        return [
            path + "/", path + "?x=1", path + "?x=%zz", "/" + path, path.replacing("/events", with: "//events"),
            TestServer.eventsPath("%zz"), TestServer.eventsPath(""), TestServer.eventsPath("a%2Fb%40b.se"),
            TestServer.eventsPath("not-an-address"),
            TestServer.eventsPath(String(repeating: "k", count: 2000) + "%40b.se"),
            TestServer.eventsPath("A%40B.se"), TestServer.eventsPath("%00%40b.se"),
            TestServer.eventsPath(keyspace: "none"),
            TestServer.eventsPath(keyspace: "com.apsis1.keyspaces.mobile"),
            path.replacing(Fixtures.section, with: "usercreated.sections.none"),
            path.replacing(Fixtures.section, with: "com.apsis1.sections.default"), "http://h" + path,
            path.replacing("steve%40apsis.com", with: "%73teve@apsis.com"), TestServer.definitionsPath, "/nothing", "*",
        ].randomElement(using: &random)!
    }

    private func oddToken(using random: inout SeededGenerator) -> String {
        [
            "", "Authorization: Bearer {reader}\r\n", "Authorization: Bearer {gone}\r\n", "Authorization: Bearer x\r\n",
            "Authorization: bearer  {admin}\r\n", "Authorization: Basic {admin}\r\n", "Authorization: Bearer\r\n",
            "Authorization: Bearer {admin}x\r\n", "Authorization: Bearer {admin}\r\nAuthorization: Bearer {admin}\r\n",
        ].randomElement(using: &random)!
    }

    private func plainBody(using random: inout SeededGenerator) -> String {
        let items = (0..<Int.random(in: 1...4, using: &random)).map { _ in
            let data = [
                "{}", #"{"myNumberField":1}"#, #"{"myTextField":"é \"x\" 😀","myTrueFalseField":true}"#,
                #"{"myNumberWithDecimalField":1.5,"source":"s"}"#,
            ].randomElement(using: &random)!
            return TestServer.item(data, time: "2020-10-14T09:43:\(Int.random(in: 10...59, using: &random)).471Z")
        }
        return "{\"items\":[" + items.joined(separator: ",") + "]}"
    }

    private func oddBody(using random: inout SeededGenerator) -> String {
        let good = TestServer.item()
        return [
            "", "{", "[]", "null", "{}", #"{"items":[]}"#, #"{"items":{}}"#, #"{"items":[1]}"#,
            "\u{FEFF}" + Self.plainBody,
            #"{"items":[\#(good)],"items":[\#(good)]}"#, #"{"more":1,"items":[\#(good)]}"#, Self.plainBody + " \n",
            Self.plainBody + "x", TestServer.items(TestServer.item(#"{"unknown":1}"#)),
            TestServer.items(good, TestServer.item(#"{"myNumberField":"1"}"#)),
            TestServer.items(TestServer.item(#"{"myNumberField":1,"myNumberField":2}"#)),
            TestServer.items(TestServer.item(version: "1")), TestServer.items(TestServer.item(version: #""2565266""#)),
            TestServer.items(TestServer.item(time: "yesterday")),
            TestServer.items(TestServer.item(time: "2999-01-01T00:00:00Z")),
            "{\"items\":[" + Array(repeating: good, count: 20).joined(separator: ",") + "]}",
            "{\"items\":[" + Array(repeating: good, count: 21).joined(separator: ",") + "]}",
            Self.plainBody + String(repeating: " ", count: 8 * 1024 - Self.plainBody.utf8.count),
            Self.plainBody + String(repeating: " ", count: 8 * 1024 + 1 - Self.plainBody.utf8.count),
            Self.plainBody + String(repeating: " ", count: 20 * 1024),
            String(repeating: "[", count: 2000), TestServer.items(TestServer.item(#"{"myTextField":"\u0000"}"#)),
        ].randomElement(using: &random)!
    }

    private func chunked(_ body: String, using random: inout SeededGenerator) -> String {
        var rest = Array(body.utf8)[...]
        var text = "Transfer-Encoding: \(Int.random(in: 0..<6, using: &random) == 0 ? "gzip, " : "")chunked\r\n\r\n"
        while !rest.isEmpty {
            // A character is cut in no chunk, so that the text stays one.
            var size = Int.random(in: 1...max(rest.count, 1), using: &random)
            while size < rest.count, rest[rest.startIndex + size] & 0xC0 == 0x80 { size += 1 }
            text += String(size, radix: 16) + "\r\n" + String(decoding: rest.prefix(size), as: UTF8.self) + "\r\n"
            rest = rest.dropFirst(size)
        }
        return text + "0\r\n\r\n"
    }
}

extension String {
    /// Whether the request has a body that its beginning may be reason enough to refuse.
    fileprivate var isRefusedEarly: Bool { utf8.count > 8 * 1024 || contains("Content-Encoding:") }
}
