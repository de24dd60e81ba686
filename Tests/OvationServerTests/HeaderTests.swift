import HTTPTypes
import OvationCore
import OvationTesting
import OvationWire
import Testing

@testable import OvationServer

@Suite("Headers of answers")
struct HeaderTests {
    @Test("every answer says that it is nothing but what it is, and secrets and people's data are kept nowhere")
    func headers() async throws {
        try await TestServer.run { server async throws in
            #expect(try await server.post("{\"items\":[\(TestServer.item("{}"))]}").status == .noContent)
            let keys = try await server.send(.post, "/account/api-keys", body: #"{"name":"a","role":"integration"}"#)
            #expect(keys.status == .created)
            // The profile is asked for below.
            for endpoint in Endpoint.allCases where ![.streamLive, .deleteProfile, .lockProfile].contains(endpoint) {
                let path = endpoint.path([
                    "keyspace": "com.apsis1.keyspaces.email", "key": "steve@apsis.com",
                    "section": "com.apsis1.sections.default", "profile_id": "1", "id": "1",
                ])
                let isForm = endpoint == .createToken
                let answer = try await server.send(endpoint.method, path, body: isForm ? TestServer.tokenForm : nil)
                #expect(answer.header("X-Content-Type-Options") == "nosniff", "\(endpoint)")
                if answer.status.kind != .successful {
                    #expect(answer.header("Cache-Control") == "no-store", "\(endpoint)")
                }
            }
            let kept: [(HTTPRequest.Method, String, String)] = [
                (.post, "/oauth/token", TestServer.tokenForm), (.get, "/account/api-keys", ""),
                (.post, "/account/api-keys", #"{"name":"b","role":"integration"}"#),
                (.post, "/account/signing-keys", ""),
                (.get, TestServer.eventsPath(), ""),
                (.get, "/audience/keyspaces/com.apsis1.keyspaces.email/profiles/steve%40apsis.com", ""),
                (.get, "/audience/profiles?key=steve@apsis.com", ""), (.get, "/audience/rejections", ""),
                (.get, "/audience/log", ""),
            ]
            for (method, path, body) in kept {
                let answer = try await server.send(method, path, body: body.isEmpty ? nil : body)
                #expect(answer.status.kind == .successful, "\(path)")
                #expect(answer.header("Cache-Control") == "no-store", "\(path)")
            }
            for (method, path) in [(HTTPRequest.Method.get, "/nothing"), (.put, "/health"), (.options, "/health")] {
                #expect(try await server.send(method, path).header("X-Content-Type-Options") == "nosniff")
            }
            #expect(try await server.send(.get, "/openapi.json").header("Cache-Control") != "no-store")
        }
    }
}

extension TestServer {
    fileprivate static let tokenForm =
        "grant_type=client_credentials&client_id=\(clientID)&client_secret=\(clientSecret)"
}
