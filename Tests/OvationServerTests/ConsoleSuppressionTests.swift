import Foundation
import HTTPTypes
import OvationCore
import OvationTesting
import OvationWire
import Testing

@testable import OvationServer

@Suite("Suppressions in the console")
struct ConsoleSuppressionTests {
    private static let page = "/console/channels/com.apsis1.channels.email/suppressions"
    private static let addresses = "/audience/channels/com.apsis1.channels.email/addresses/"

    private static func form(_ address: String, _ reason: String = "") -> [(String, String)] {
        [("address", address), ("reason", reason)]
    }

    @Test("an address is looked up, suppressed and released after a question, and its history is shown")
    func acts() async throws {
        try await TestServer.run { server async throws in
            var client = try await ConsoleClient.signedIn(to: server)
            #expect(try await client.get("/console/channels").text.contains(Self.page))
            #expect(try await client.get(Self.page).text.contains("No address is suppressed"))
            let unknown = try await client.post(Self.page + "/look-up", Self.form("steve@apsis.com"))
            #expect(unknown.status == .ok && unknown.text.contains("This address is not suppressed."))
            // Without an answer to the question nothing is done.
            #expect(try await client.post(Self.page, Self.form("steve@apsis.com", "spam")).isQuestion)
            #expect(try await client.get(Self.page).text.contains("No address is suppressed"))
            let done = try await client.confirm(Self.page, Self.form("Steve@apsis.com", "spam"))
            #expect(done.text.contains("The address is suppressed.") && done.text.contains("spam"))
            #expect(!done.text.contains("apsis.com<"), "a list has hashes alone")
            let known = try await client.post(Self.page + "/look-up", Self.form("steve@apsis.com"))
            #expect(known.text.contains("This address is suppressed.") && known.text.contains("Console"))
            let kept = try await server.send(.get, Self.addresses + "steve%40apsis.com/suppression").json
            #expect(kept["reason"]?.string == "spam" && kept["source"]?.string == "Console")
            let lifted = try await client.confirm(Self.page + "/lift", Self.form("steve@apsis.com", "a mistake"))
            #expect(
                lifted.text.contains("The suppression is lifted.") && lifted.text.contains("No address is suppressed"))
            let history = try await client.post(Self.page + "/look-up", Self.form("steve@apsis.com"))
            #expect(history.text.contains("a mistake") && history.text.contains("spam"))
            #expect(history.text.contains("This address is not suppressed."))
        }
    }

    @Test("what cannot be done is said at the form, before any question")
    func refuses() async throws {
        try await TestServer.run { server async throws in
            var client = try await ConsoleClient.signedIn(to: server)
            _ = try await client.get(Self.page)
            for path in [Self.page, Self.page + "/lift", Self.page + "/look-up"] {
                let wrong = try await client.post(path, Self.form("no address"))
                #expect(wrong.status == .badRequest && wrong.text.contains("id=\"address-error\""), "\(path)")
                #expect(wrong.text.contains("value=\"no address\""), "\(path)")
            }
            let none = try await client.post(Self.page + "/lift", Self.form("steve@apsis.com"))
            #expect(none.status == .notFound && none.text.contains("is not suppressed in this channel"))
            let long = String(repeating: "x", count: Limits.consentTextLengthMax + 1)
            let wordy = try await client.post(Self.page, Self.form("steve@apsis.com", long))
            #expect(wordy.status == .badRequest && wordy.text.contains("id=\"reason-error\""))
            _ = try await client.confirm(Self.page, Self.form("steve@apsis.com"))
            let wordyLift = try await client.post(Self.page + "/lift", Self.form("steve@apsis.com", long))
            #expect(wordyLift.status == .badRequest && wordyLift.text.contains("id=\"reason-error\""))
        }
    }

    @Test("a page of many suppressions leads to the next, and a masked one shows no reasons")
    func pages() async throws {
        try await TestServer.run { server async throws in
            var client = try await ConsoleClient.signedIn(to: server)
            for number in 0..<60 {
                let path = Self.addresses + "a\(number)%40b.se/suppression"
                #expect(try await server.send(.put, path, body: #"{"reason":"number \#(number)."}"#).status == .created)
            }
            let first = try await client.get(Self.page).text
            let start = try #require(first.firstRange(of: "rel=\"next\" href=\"")?.upperBound)
            let second = try await client.get(String(first[start...].prefix { $0 != "\"" })).text
            #expect(!second.contains("rel=\"next\"") && second.contains("Back to the first page"))
            for number in 0..<60 {
                let reason = "number \(number)."
                #expect(first.contains(reason) != second.contains(reason), "\(reason)")
            }
            _ = try await client.post("/console/mask", [("masked", "on"), ("back", Self.page)])
            let masked = try await client.get(Self.page).text
            #expect(!masked.contains("number 1"))
            let found = try await client.post(Self.page + "/look-up", Self.form("a1@b.se"))
            #expect(found.text.contains("This address is suppressed.") && !found.text.contains("number 1."))
        }
    }
}
