import Foundation
import OvationWire
import Testing

@Suite("The API against its last release")
struct ReleasedDocumentTests {
    private static let fixtures = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fixtures").path

    /// The document of the newest release that is kept here.
    private static func released() throws -> JSONValue {
        let names = try FileManager.default.contentsOfDirectory(atPath: fixtures)
            .filter { $0.hasPrefix("openapi-") && $0.hasSuffix(".json") }
        func version(_ name: String) -> [Int] {
            name.dropFirst("openapi-".count).dropLast(".json".count).split(separator: ".").compactMap { Int($0) }
        }
        let newest = try #require(names.max { version($0).lexicographicallyPrecedes(version($1)) })
        return try JSONValue(parsing: String(contentsOfFile: fixtures + "/" + newest, encoding: .utf8))
    }

    /// What breaks clients of the last release and is meant to, each with its reason. A release empties the list.
    private static let intended: Set<String> = [
        // A list of none was taken for one of all by some and for one of none by others.
        "APIKeyRequest in requests/sections: minItems is 1 now",
        "APIKeyRequest in requests/keyspaces: minProperties is 1 now",
        // Only of a change of the profile, which is given to who asks for it with 'include'.
        "StoredEvent in answers/version_id: null can be answered",
    ]

    @Test("nothing breaks for clients of the last release")
    func nothingBreaks() throws {
        let released = try Self.released()
        let changes = DocumentComparison(from: released, to: OpenAPIDocument.json(version: "next")).changes
        for change in changes { print(change) }
        let breaks = Set(changes.filter(\.isBreaking).map { "\($0.place): \($0.what)" })
        #expect(breaks.subtracting(Self.intended).sorted() == [])
        #expect(Self.intended.subtracting(breaks) == [], "these do not break anything any more")
    }

    @Test("a document does not differ from itself")
    func same() throws {
        let document = OpenAPIDocument.json(version: "next")
        #expect(DocumentComparison(from: document, to: document).changes == [])
        let released = try Self.released()
        #expect(DocumentComparison(from: released, to: released).changes == [])
    }

    /// Changes of the document of today, as text, and what is said of them.
    private static let mutations: [(from: String, to: String, found: String)] = [
        (#""/audience/keyspaces":{"get""#, #""/audience/keyspaces":{"put""#, "the endpoint is gone"),
        (#""/audience/live""#, #""/audience/alive""#, "the endpoint is gone"),
        (#""name":"cursor","in":"query""#, #""name":"page","in":"query""#, "the query parameter 'cursor' is gone"),
        (
            #""name":"cursor","in":"query","required":false"#, #""name":"cursor","in":"query","required":true"#,
            "is required"
        ),
        (#""security":[]"#, #""security":[{"bearer":[]}]"#, "it asks for a token"),
        ("audience.read\"]}", "audience.admin\"]}", "it asks for the scope audience.admin"),
        (#""required":false,"content""#, #""required":true,"content""#, "a body is required"),
        (
            #""application/x-www-form-urlencoded""#, #""application/xml""#,
            "the type application/x-www-form-urlencoded is gone"
        ),
        (#""207":"#, #""206":"#, "the answer 207 is gone"),
        (#""304":"#, #""305":"#, "the answer 304 is gone"),
        (#""text/csv""#, #""text/tsv""#, "the type text/csv is gone"),
        (#""received_at":{"type":"string""#, #""receivedAt":{"type":"string""#, "the member 'received_at' is gone"),
        (#""overlap_hours":{"#, #""overlap":{"#, "the member 'overlap_hours' is gone"),
        (#""required":["fields"]"#, #""required":["fields","draft"]"#, "the member 'draft' is required"),
        (#""required":["deleted"]"#, #""required":[]"#, "the member 'deleted' can be missing"),
        (#""event_count":{"type":"integer""#, #""event_count":{"type":"string""#, "string can be answered"),
        (
            #""next_cursor":{"type":["string","null"]"#, #""next_cursor":{"type":["string","null","integer"]"#,
            "integer can"
        ),
        (#""expires_in":{"type":"integer""#, #""expires_in":{"type":"number""#, "number can be answered"),
        (#""overlap_hours":{"type":"integer""#, #""overlap_hours":{"type":"string""#, "integer is not taken any more"),
        (#"["email","mobile","text"]"#, #"["email","mobile"]"#, "text is not taken any more"),
        (#"["email","mobile","text"]"#, #"["email","mobile","text","vat"]"#, "vat can be answered"),
        (#""maxItems":1000,"description":"The events"#, #""maxItems":10,"description":"The events"#, "maxItems is 10"),
        (#""minLength":1,"maxLength":200"#, #""minLength":2,"maxLength":200"#, "minLength is 2"),
        (#""minProperties":1"#, #""minProperties":2"#, "minProperties is 2"),
        (#""pattern":"^[!-~]+$""#, #""pattern":"^[a-z]+$""#, "pattern is"),
        (
            #"{"type":"integer","minimum":1,"maximum":999999999999999}"#, #"{"type":"boolean"}"#,
            "integer is not taken any more"
        ),
    ]

    @Test("what would break is found", arguments: mutations.indices)
    func breaks(index: Int) throws {
        let mutation = Self.mutations[index]
        let document = OpenAPIDocument.json(version: "next")
        let text = String(decoding: JSONWriter.write(document), as: UTF8.self)
        #expect(text.contains(mutation.from), "\(mutation.from)")
        let other = try JSONValue(parsing: text.replacingOccurrences(of: mutation.from, with: mutation.to))
        let breaks = DocumentComparison(from: document, to: other).changes.filter(\.isBreaking)
        #expect(breaks.contains { $0.what.contains(mutation.found) }, "\(mutation.from): \(breaks)")
    }
}
