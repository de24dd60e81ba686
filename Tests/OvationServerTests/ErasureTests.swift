import HTTPTypes
import OvationCore
import OvationTesting
import OvationWire
import Testing

@testable import OvationServer

/// Profiles that are deleted over HTTP, and their receipts.
@Suite("Deleted profiles")
struct ErasureTests {
    private static func profile(_ key: String = "steve%40apsis.com", keyspace: String = Fixtures.emailKeyspace)
        -> String
    {
        "/audience/keyspaces/\(keyspace)/profiles/\(key)"
    }

    private static let attributes = profile() + "/sections/\(Fixtures.section)/attributes"
    private static let one = TestServer.items(TestServer.item())

    /// A profile with two events and an attribute.
    private func fill(_ server: TestServer) async throws {
        let two = TestServer.items(TestServer.item(), TestServer.item())
        #expect(try await server.post(two).status == .noContent)
        let name = #"{"com.apsis1.attributes.firstname":"Steve"}"#
        #expect(try await server.send(.patch, "/v2" + Self.attributes, body: name).status == .noContent)
    }

    private func receipt(_ server: TestServer, _ id: String) async throws -> JSONValue {
        var receipt = JSONValue.null
        try await waitUntil {
            let answer = try await server.send(.get, "/audience/erasures/" + id)
            #expect(answer.status == .ok && answer.header("Cache-Control") == "no-store", "\(answer.text)")
            receipt = answer.json
            return receipt["completed_at"]?.string != nil
        }
        return receipt
    }

    @Test("a deleted profile is gone with the answer, its receipt counts what was there, and its key is free")
    func deletes() async throws {
        try await TestServer.run { server async throws in
            try await fill(server)
            #expect(
                try await server.post(TestServer.items(TestServer.item(#"{"x":1}"#)), key: "STEVE%40apsis.com").status
                    == .badRequest)
            let before = try await server.send(.get, Self.profile()).json["profile_id"]?.string ?? ""
            // Clients send null, or nothing.
            let answer = try await server.send(.delete, Self.profile("Steve%40Apsis.com"), body: "null")
            #expect(answer.status == .noContent && answer.text.isEmpty, "\(answer.text)")
            let id = try #require(answer.header("Erasure-Id"))
            for path in [Self.profile(), Self.attributes, TestServer.eventsPath()] {
                #expect(try await server.send(.get, path).code == "profile_not_found", "\(path)")
            }
            #expect(try await server.send(.get, "/audience/profiles/" + before).code == "profile_not_found")
            #expect(try await server.send(.get, "/audience/profiles?key=steve").json["items"]?.array?.count == 0)
            #expect(try await server.send(.get, "/audience/rejections").json["items"]?.array?.count == 0)
            let receipt = try await receipt(server, id)
            let removed = receipt["removed"]
            #expect(removed?["events"]?.int == 2 && removed?["attributes"]?.int == 1)
            #expect(removed?["tags"]?.int == 0 && removed?["changes"]?.int == 1)
            #expect(removed?["refused_posts"]?.int == 1)
            #expect(receipt["requested_by"]?.string == TestServer.clientID && receipt["erasure_id"]?.string == id)
            let listed = try await server.send(.get, "/audience/erasures")
            #expect(listed.json["items"]?.array == [receipt] && listed.json["next_cursor"] == .null)
            #expect(!listed.text.lowercased().contains("steve"))
            #expect(try await server.send(.delete, Self.profile()).code == "profile_not_found")

            #expect(try await server.post(Self.one).status == .noContent)
            #expect(try await server.stored().count == 1)
            let after = try await server.send(.get, Self.profile()).json["profile_id"]?.string
            #expect(after != nil && after != before)
            let log = try await server.send(.get, "/audience/log?before=1000&limit=1")
            let entry = log.json["items"]?.array?.first
            #expect(
                entry?["kind"]?.string == "profile.erased" && entry?["actor"]?.string == TestServer.clientID,
                "\(log.text)")
            #expect(!log.text.lowercased().contains("steve") && log.text.contains(id))
        }
    }

    @Test("a check deletes nothing, and a filter is refused")
    func checks() async throws {
        try await TestServer.run { server async throws in
            let check = [("Prefer", "validate-only")]
            #expect(try await server.send(.delete, Self.profile(), headers: check).code == "profile_not_found")
            try await fill(server)
            let answer = try await server.send(.delete, Self.profile(), headers: check)
            #expect(answer.status == .noContent && answer.header("Preference-Applied") == "validate-only")
            #expect(answer.header("Erasure-Id") == nil)
            let filtered = try await server.send(.delete, Self.profile() + "?section=\(Fixtures.section)")
            #expect(filtered.status == .badRequest && filtered.code == "invalid_parameter")
            #expect(try await server.stored().count == 2)
            #expect(try await server.send(.get, "/audience/erasures").json["items"]?.array?.count == 0)
        }
    }

    @Test("an integration deletes through a keyspace that it may write, and reads the receipt, but not the others")
    func rights() async throws {
        try await TestServer.run { server async throws in
            let writer = try await server.token(
                ofNewKey: #"{"name":"w","keyspaces":{"\#(Fixtures.emailKeyspace)":"read_write"}}"#)
            let reader = try await server.token(
                ofNewKey: #"{"name":"r","keyspaces":{"\#(Fixtures.emailKeyspace)":"read"}}"#)
            try await fill(server)
            let refused = try await server.send(.delete, Self.profile(), token: reader.token)
            #expect(refused.status == .forbidden && refused.code == "keyspace_forbidden")
            let elsewhere = Self.profile("46700000000", keyspace: "com.apsis1.keyspaces.mobile")
            #expect(try await server.send(.delete, elsewhere, token: writer.token).code == "keyspace_forbidden")
            let answer = try await server.send(.delete, Self.profile(), token: writer.token)
            let id = try #require(answer.header("Erasure-Id"))
            let receipt = try await server.send(.get, "/audience/erasures/" + id, token: writer.token)
            #expect(receipt.json["requested_by"]?.string == writer.clientID)
            #expect(try await server.send(.get, "/audience/erasures", token: writer.token).code == "admin_required")
        }
    }

    @Test("receipts come in pages, newest first, and one that is not there is 404")
    func pages() async throws {
        try await TestServer.run { server async throws in
            var ids: [String] = []
            for number in 0..<3 {
                #expect(try await server.post(Self.one, key: "\(number)%40b.se").status == .noContent)
                let answer = try await server.send(.delete, Self.profile("\(number)%40b.se"))
                ids.append(try #require(answer.header("Erasure-Id")))
            }
            func page(_ query: String) async throws -> (ids: [String], next: String?) {
                let answer = try await server.send(.get, "/audience/erasures?" + query)
                #expect(answer.status == .ok, "\(answer.text)")
                return (
                    answer.json["items"]?.array?.compactMap { $0["erasure_id"]?.string } ?? [],
                    answer.json["next_cursor"]?.string
                )
            }
            let first = try await page("limit=2")
            #expect(first.ids == [ids[2], ids[1]])
            let second = try await page("limit=2&cursor=\(try #require(first.next))")
            #expect(second.ids == [ids[0]] && second.next == nil)
            #expect(try await server.send(.get, "/audience/erasures?cursor=c1").code == "invalid_cursor")
            for id in ["nothing", "8e03978e-40d5-43e8-bc93-6894a57f9324"] {
                let answer = try await server.send(.get, "/audience/erasures/" + id)
                #expect(answer.status == .notFound && answer.code == "erasure_not_found", "\(answer.text)")
            }
        }
    }
}
