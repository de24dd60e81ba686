import HTTPTypes
import NIOHTTP1
import NIOHTTPTypesHTTP1
import OvationTesting
import Testing

@testable import OvationServer

@Suite("RequestCodec")
struct RequestCodecTests {
    private static let targets = [
        "/", "/health", "/audience/keyspaces/com.apsis1.keyspaces.email/profiles/a%40b.se?limit=5&x=%C3%A5", "//a//b",
        "/a:b",
        "/?", "/a?b?c#d", "/%", "/%zz", "/a b", "/å", "/a[1]", "http://h/a?b", "http://h", "http://h?b",
        "HTTPS://u@h:8/a", "*", "h:80",
        "a", "?a", "", "mailto:x", "file:///a", "http:///a",
    ]
    private static let fields = [
        ("Host", "h:8080"), ("host", "second"), ("HOST", ""), ("Accept", "*/*"), ("accept", "a, b"),
        ("Cookie", "a=b; c=d"),
        ("Content-Length", "12"), ("Authorization", "Bearer x"), ("X-Request-Id", " r "), ("no name", "x"), ("", "x"),
        ("X-Å", "x"),
    ]

    @Test("converts each request as the library's codec does")
    func equalToTheLibrary() throws {
        var choices = SeededGenerator(seed: 7)
        for target in RequestCodecTests.targets {
            for _ in 0..<40 {
                let count = Int.random(in: 0...8, using: &choices)
                let fields = (0..<count).compactMap { _ in RequestCodecTests.fields.randomElement(using: &choices) }
                let method: HTTPMethod = [.GET, .POST, .PATCH, .OPTIONS, .CONNECT, .RAW(value: "BREW")].randomElement(
                    using: &choices)!
                let head = HTTPRequestHead(
                    version: .http1_1, method: method, uri: target, headers: HTTPHeaders(fields))
                let converted = try RequestCodec.request(head)
                #expect(try converted == HTTPRequest(head, secure: false, splitCookie: false), "\(target) \(fields)")
            }
        }
    }

    @Test("finds a header's value as asking by its name does, in one field or in several")
    func textOfHeader() {
        let fields: HTTPFields = [.accept: "a", .contentLength: "", .authorization: "x"]
        for name in [HTTPField.Name.accept, .contentLength, .authorization, .requestID] {
            #expect(fields.text(of: name) == fields[name])
        }
        var repeated = fields
        for value in ["b", "", "c"] { repeated.append(HTTPField(name: .accept, value: value)) }
        repeated.append(HTTPField(name: .authorization, value: "y"))
        for name in [HTTPField.Name.accept, .contentLength, .authorization] {
            #expect(repeated.text(of: name) == repeated[name])
        }
    }
}
