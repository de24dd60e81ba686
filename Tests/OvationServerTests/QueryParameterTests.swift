import HTTPTypes
import OvationCore
import OvationTesting
import OvationWire
import Testing

@Suite("Filters that say nothing")
struct QueryParameterTests {
    /// A query parameter of an endpoint as the API describes itself.
    private struct Parameter {
        let method: HTTPRequest.Method
        /// With its parameters filled in, and those of the query that the endpoint cannot do without.
        let address: String
        let name: String
        let isRepeatable: Bool

        func with(_ values: String...) -> String {
            address + values.map { "\(name)=\($0)" }.joined(separator: "&")
        }
    }

    @Test("an empty query parameter is refused by every endpoint, and so is one twice that cannot be repeated")
    func everyParameter() async throws {
        try await TestServer.run { server async throws in
            #expect(try await server.post(TestServer.items(TestServer.item())).status == .noContent)
            let parameters = parameters
            // So that a change of the description cannot empty the table.
            #expect(parameters.count >= 30, "\(parameters.count)")
            for parameter in parameters {
                var refused = [parameter.with(""), parameter.with("x", ""), parameter.address + parameter.name]
                if !parameter.isRepeatable { refused += [parameter.with("1", "1"), parameter.with("", "1")] }
                for address in refused {
                    let answer = try await server.send(parameter.method, address)
                    #expect(answer.status == .badRequest, "\(address): \(answer.text)")
                    #expect(answer.code == "invalid_parameter", "\(address): \(answer.text)")
                    #expect(answer.text.contains("'\(parameter.name)'"), "\(address): \(answer.text)")
                }
            }
            #expect(try await server.stored().count == 1)
        }
    }

    private var parameters: [Parameter] {
        let places = [
            "section": Fixtures.section, "keyspace": Fixtures.emailKeyspace, "key": "steve%40apsis.com",
            "event": Fixtures.eventType, "version": "2565266", "id": "1", "profile_id": "0123456789abcdef",
            "cause": "0123456789abcdef0123456789abcdef", "channel": "com.apsis1.channels.email",
            "address": "steve%40apsis.com",
        ]
        var found: [Parameter] = []
        for endpoint in Endpoint.allCases {
            let address = places.reduce(endpoint.path) { $0.replacing("{\($1.key)}", with: $1.value) }
            let described = endpoint.spec.parameters.filter { $0.location == .query }
            for parameter in described {
                let others = described.filter { $0.isRequired && $0.name != parameter.name }.map { "\($0.name)=x&" }
                found.append(
                    Parameter(
                        method: endpoint.method, address: "\(address)?\(others.joined())", name: parameter.name,
                        isRepeatable: parameter.isRepeatable))
            }
        }
        return found
    }

    @Test(
        "events are deleted by a filter that says something, or by none",
        arguments: [
            "?from=", "?from", "?to=", "?from=2019-01-01T00:00:00Z&from=2020-01-01T00:00:00Z", "?event_discriminator=",
            "?event_discriminators=", "?event_discriminator=\(Fixtures.eventType)&event_discriminator=", "?From=2019",
            "?from%20=2019-01-01T00:00:00Z", "?=", "/", "//", "/?from=2030-01-01T00:00:00Z", "?from=%", "?%",
            "/1?from=",
            "/1/", "/1//",
        ])
    func deletesNothing(query: String) async throws {
        try await TestServer.run { server async throws in
            #expect(try await server.post(TestServer.items(TestServer.item(), TestServer.item())).status == .noContent)
            let answer = try await server.send(.delete, TestServer.eventsPath() + query)
            #expect(answer.status == .badRequest, "\(answer.text)")
            #expect(try await server.stored().count == 2)
            let known = try await server.send(
                .delete,
                TestServer.eventsPath() + "?from=2019-01-01T00:00:00Z&event_discriminator=\(Fixtures.eventType)")
            #expect(known.json["deleted"]?.int == 2, "\(known.text)")
        }
    }

    @Test("a filter in the body of a deletion is refused, since it would be ignored")
    func bodyOfDeletion() async throws {
        try await TestServer.run { server async throws in
            #expect(try await server.post(TestServer.items(TestServer.item())).status == .noContent)
            for body in ["from=2030-01-01T00:00:00Z", #"{"from":"2030-01-01T00:00:00Z"}"#, " "] {
                let answer = try await server.send(.delete, TestServer.eventsPath(), body: body)
                #expect(answer.status == .badRequest && answer.code == "invalid_request", "\(answer.text)")
            }
            #expect(try await server.stored().count == 1)
            let empty = try await server.send(.delete, TestServer.eventsPath(), body: "")
            #expect(empty.json["deleted"]?.int == 1, "\(empty.text)")
        }
    }

    @Test("an empty part of the path is no part of another deletion")
    func emptySegments() async throws {
        try await TestServer.run { server async throws in
            let type = TestServer.definitionsPath + "/" + Fixtures.eventType
            for path in ["\(type)/", "\(TestServer.definitionsPath)//\(Fixtures.eventType)", "//\(type.dropFirst())/"] {
                let answer = try await server.send(.delete, path)
                #expect(answer.status == .badRequest && answer.code == "invalid_path", "\(path): \(answer.text)")
            }
            #expect(try await server.send(.get, type).json["removed_at"]?.string == nil)
            // One before the whole path says nothing but how the host was written.
            #expect(try await server.send(.delete, "/" + type).status == .noContent)
        }
    }

    @Test("an idempotency key is sent once, and not empty")
    func idempotencyKeys() async throws {
        try await TestServer.run { server async throws in
            let name = "idempotency-key"
            for headers in [
                [(name, "")], [(name, "a"), (name, "b")], [(name, "a"), (name, "a")], [(name, ""), (name, "a")],
            ] {
                let answer = try await server.post(TestServer.items(TestServer.item()), headers: headers)
                #expect(answer.code == "invalid_idempotency_key", "\(headers): \(answer.text)")
            }
            #expect(try await server.send(.get, TestServer.eventsPath()).code == "profile_not_found")
        }
    }

    @Test(
        "a preference with an empty value is one without a value", arguments: ["validate-only", "validate-only=\"\""])
    func emptyPreference(preference: String) async throws {
        try await TestServer.run { server async throws in
            let answer = try await server.post(
                TestServer.items(TestServer.item()), headers: [("prefer", preference)])
            #expect(answer.status == .noContent)
            #expect(answer.header("preference-applied") == "validate-only")
            #expect(try await server.send(.get, TestServer.eventsPath()).code == "profile_not_found")
        }
    }
}
