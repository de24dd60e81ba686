import OvationCore
import OvationTesting
import OvationWire
import Testing

@Suite("Paths")
struct PathTests {
    @Test(
        "percent-decoding happens once",
        arguments: [
            ("steve%40apsis.com", "steve@apsis.com"), ("a%2540b", "a%40b"), ("a+b", "a+b"), ("%C3%A5", "å"),
            ("a%2Fb", "a/b"), ("%c3%a5", "å"), ("", ""),
        ])
    func decodes(encoded: String, text: String) {
        #expect(PercentEncoding.decode(encoded) == text)
    }

    @Test("broken escapes and bytes that are not UTF-8 are refused", arguments: ["%", "%4", "%4x", "%ff", "%c3", "a%"])
    func refuses(encoded: String) {
        #expect(PercentEncoding.decode(encoded) == nil)
    }

    @Test("what is encoded decodes to the same text")
    func roundTrips() {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededGenerator(seed: seed)
        let alphabet = Array("aZ09-._~ %/?#&=+@å😀\n")
        for _ in 0..<2000 {
            let text = String(
                (0..<Int.random(in: 0...30, using: &random)).map { _ in alphabet.randomElement(using: &random)! })
            let encoded = PercentEncoding.encode(segment: text)
            #expect(PercentEncoding.decode(encoded) == text, "seed \(seed)")
            #expect(!encoded.contains("/") && !encoded.contains("?") && !encoded.contains("&"))
        }
    }

    @Test("forms are decoded as browsers and PHP write them")
    func forms() throws {
        let fields = try #require(PercentEncoding.decode(form: "grant_type=client_credentials&a=b+c%2B&empty=&flag"))
        #expect(fields.map(\.name) == ["grant_type", "a", "empty", "flag"])
        #expect(fields.map(\.value) == ["client_credentials", "b c+", "", ""])
    }

    @Test("version ids are digits and nothing else")
    func versionIDs() {
        #expect(VersionID.parse("2565266") == 2_565_266)
        for text in ["", "0", "01", "-1", "+1", "1.0", "1e3", " 1", "９", "99999999999999999999"] {
            #expect(VersionID.parse(text) == nil, "\(text)")
        }
    }

    @Test("every endpoint fits its own filled-in path, and no two share method and path")
    func endpoints() {
        var seen: Set<String> = []
        for endpoint in Endpoint.allCases {
            let path = endpoint.path([
                "section": "a.b/c", "keyspace": "k k", "key": "ä@b", "event": "e", "version": "1", "attribute": "a",
                "tag": "t", "channel": "c", "folder": "f", "consent_list": "f", "topic": "t", "import_id": "i",
                "job": "j", "export_key": "00", "account": "1",
            ])
            #expect(endpoint.matches(path: path), "\(path)")
            #expect(seen.insert("\(endpoint.method) \(endpoint.path)").inserted)
        }
    }

    @Test("the table finds each endpoint by its own path, with what stands in its braces")
    func table() throws {
        let table = EndpointTable(Endpoint.allCases)
        let values: KeyValuePairs = [
            "section": "a.b/c", "keyspace": "k k", "key": "ä@b", "event": "e", "version": "1", "id": "7",
            "profile_id": "00", "client_id": "x-y", "attribute": "a.b", "tag": "c.d",
            "channel": "e.f", "folder": "g.h", "consent_list": "i.j", "topic": "k.l",
        ]
        for endpoint in Endpoint.allCases {
            let (found, path) = try #require(table.find(endpoint.method, endpoint.path(values)), "\(endpoint)")
            #expect(found == endpoint)
            for (name, value) in values where endpoint.path.contains("{\(name)}") {
                #expect(try path.text(name) == value, "\(endpoint)")
            }
            #expect(throws: Problem(.invalidPath, "")) { _ = try path.text("nothing") }
        }
    }

    @Test(
        "the table leaves to others what is not exactly a path of an endpoint",
        arguments: [
            "", "audience", "/audience", "/audience/", "/audience/sections/", "//audience/sections",
            "/audience//sections", "/audience/sections/a/", "/audience/sections//events", "/nothing", "/console",
        ])
    func tableFindsNothing(path: String) {
        #expect(EndpointTable(Endpoint.allCases).find(Endpoint.health.method, path) == nil)
        #expect(EndpointTable([.health]).find(Endpoint.health.method, "/ready") == nil)
        #expect(EndpointTable([.health]).find(Endpoint.postEvents.method, "/health") == nil)
    }

    @Test("a cursor names its place, and nothing else is one")
    func cursors() throws {
        for (time, id) in [(0, 1), (1_602_668_614_471, Int64.max), (Int64.min, 0)] as [(Int64, Int64)] {
            let position = EventPosition(eventTime: Timestamp(milliseconds: time), id: id)
            #expect(try EventCursor.parse(EventCursor.write(position)) == position)
        }
        for text in ["", "e", "e1", "e1.", "e.1", "x1.1", "e1.1.1", "e!.1", "t1.1.1"] {
            #expect(throws: Problem(.invalidCursor, "")) { try EventCursor.parse(text) }
        }
    }

    @Test("a cursor of events and changes names both places, and one of events alone leads on there too")
    func timelineCursors() throws {
        for (time, id, before) in [(0, 1, 1), (1_602_668_614_471, Int64.max, Int64.max), (Int64.min, 0, 7)]
            as [(Int64, Int64, Int64)]
        {
            let place = EventPosition(eventTime: Timestamp(milliseconds: time), id: id)
            let position = TimelinePosition(place: place, changesBefore: before)
            #expect(try TimelineCursor.parse(TimelineCursor.write(position)) == position)
            #expect(try TimelineCursor.parse(EventCursor.write(place)) == TimelinePosition(behind: place))
        }
        for text in ["", "t", "t1.1", "t1.1.0", "t1.1.-1", "t.1.1", "t1..1", "t1.1.1.1", "e1.1.1", "c7"] {
            #expect(throws: Problem(.invalidCursor, "")) { try TimelineCursor.parse(text) }
        }
    }
}
