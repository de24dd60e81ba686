import HTTPTypes
import Hummingbird
import OvationCore
import OvationTesting
import Testing

@testable import OvationServer

@Suite("A prefix of all paths")
struct BasePathTests {
    @Test(
        "a prefix is segments of plain letters, and slashes at its end do not count",
        arguments: [
            ("/ovation", "/ovation"), ("/ovation/", "/ovation"), ("/tools/ovation-2", "/tools/ovation-2"), ("/", ""),
            ("//", ""), ("", ""),
        ])
    func good(text: String, expected: String) throws {
        #expect(try BasePath(text).text == expected)
    }

    @Test(
        "what no proxy could have, or what begins like a path of the server, is refused",
        arguments: ["ovation", "//a", "/a//b", "/./a", "/a/..", "/a b", "/ä", "/a?b", "/%61", "/console", "/v2/x"])
    func bad(text: String) {
        #expect(throws: Problem.self) { try BasePath(text) }
    }

    @Test("the limit is counted in bytes")
    func limit() throws {
        let longest = "/" + String(repeating: "x", count: Limits.basePathBytesMax - 1)
        #expect(try BasePath(longest).text == longest)
        #expect(throws: Problem.self) { try BasePath(longest + "x") }
    }

    @Test(
        "the prefix comes off where it ends with a segment, and nowhere else",
        arguments: [
            ("/ovation/health", "/health"), ("/ovation", "/"), ("/ovation/", "/"), ("/ovation?a=1", "/?a=1"),
            ("/ovation//health", "//health"), ("/ovation/ovation/x", "/ovation/x"), ("/health", "/health"),
            ("/ovationx/health", "/ovationx/health"), ("/OVATION/health", "/OVATION/health"), ("", ""),
        ])
    func cuts(path: String, expected: String) throws {
        #expect(try BasePath("/ovation").cut(from: path) == expected)
        #expect(BasePath.none.cut(from: path) == path)
    }

    @Test("places and cookies of this server get the prefix; addresses of others do not")
    func leaves() throws {
        let basePath = try BasePath("/ovation")
        var response = Response(status: .seeOther)
        response.headers[.location] = "/console"
        response.headers[values: .setCookie] = ["a=/; Path=/console; HttpOnly", "b=2; Path=/; Secure"]
        basePath.leave(&response)
        #expect(response.headers[.location] == "/ovation/console")
        #expect(
            response.headers[values: .setCookie] == [
                "a=/; Path=/ovation/console; HttpOnly", "b=2; Path=/ovation/; Secure",
            ])
        response.headers[.location] = "https://example.com/console"
        basePath.leave(&response)
        #expect(response.headers[.location] == "https://example.com/console")
    }
}

@Suite("The date of an answer")
struct HTTPDateTests {
    @Test(
        "days, months and hours are those of RFC 9110",
        arguments: [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (1_709_164_799, "Wed, 28 Feb 2024 23:59:59 GMT"), (1_709_164_800, "Thu, 29 Feb 2024 00:00:00 GMT"),
            (4_102_444_799, "Thu, 31 Dec 2099 23:59:59 GMT"),
        ])
    func text(second: Int64, expected: String) {
        let date = HTTPDate()
        #expect(date.text(at: Timestamp(milliseconds: second * 1000 + 999)) == expected)
        #expect(date.text(at: Timestamp(milliseconds: (second + 1) * 1000)) != expected)
    }
}
