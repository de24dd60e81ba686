public import HTTPTypes
public import Logging
public import OvationCore
import OvationSQLite
public import OvationServer
public import OvationWire
import Testing

/// A real server on a real store in a folder of its own, spoken to without a socket.
public struct TestServer: Sendable {
    public let client: RouterClient
    public let clock: TestClock
    public let store: any Store
    public let adminToken: String
    /// Does what is to be done of jobs, once.
    public var runJobs: @Sendable () async throws -> Void = {}

    public init(client: RouterClient, clock: TestClock, store: any Store, adminToken: String) {
        self.client = client
        self.clock = clock
        self.store = store
        self.adminToken = adminToken
    }

    /// To make one takes a debug build half a second; this one is made once, and every server of a run signs with it.
    private static let signingKey = Result { try TokenSigner.makeKey(at: Fixtures.now) }

    public static let clientID = "752cdd05-75e0-4f8a-bd08-62e3df753ff3"
    public static let clientSecret = "a-secret-of-more-than-sixteen-characters"

    /// Runs a test against a server that has the article's definitions.
    public static func run(
        region: String = "eu", limits: Limits = Limits(), folder: TemporaryFolder? = nil,
        trustedProxies: [AddressRange] = [], model: Model? = nil, isConsoleOn: Bool = true,
        callbacks: Callbacks? = nil,
        logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        _ test: @Sendable (TestServer) async throws -> Void
    ) async throws {
        let folder = try folder ?? TemporaryFolder()
        let clock = TestClock()
        let store = try SQLiteStore(
            path: folder.path + "/ovation.sqlite", limits: limits.forTests, logger: logger, now: clock.now)
        defer { store.close() }
        var configuration = try ServerConfiguration(
            host: "127.0.0.1", port: 0, region: region, limits: limits, version: "test",
            isConsoleOn: isConsoleOn, trustedProxies: trustedProxies, files: folder.path + "/files")
        configuration.callbacks = callbacks
        let server = try await Server(
            store: store, configuration: configuration,
            admin: AdminCredentials(clientID: clientID, clientSecret: clientSecret),
            clock: WallClock { clock.now }, logger: logger, makeSigningKey: TestServer.signingKey)
        _ = try await server.apply(model ?? Fixtures.model())
        let client = try await RouterClient(server.application())
        let stranger = TestServer(client: client, clock: clock, store: store, adminToken: "")
        var admin = TestServer(
            client: client, clock: clock, store: store,
            adminToken: try await stranger.token(clientID: clientID, secret: clientSecret))
        admin.runJobs = { try await server.jobRunner.round() }
        try await test(admin)
        withExtendedLifetime(folder) {}
    }

    /// The key that servers of tests sign with, as if it were made at a time.
    @Sendable
    public static func signingKey(at time: Timestamp) throws -> SigningKey {
        let key = try signingKey.get()
        return SigningKey(id: key.id, privateKeyPEM: key.privateKeyPEM, createdAt: time)
    }

    public func token(clientID: String, secret: String) async throws -> String {
        let answer = try await send(
            .post, "/oauth/token", token: nil,
            body: #"{"grant_type":"client_credentials","client_id":"\#(clientID)","client_secret":"\#(secret)"}"#)
        #expect(answer.status == .ok)
        return try #require(answer.json["access_token"]?.string)
    }

    /// A new API key's token.
    public func token(ofNewKey body: String) async throws -> (clientID: String, token: String) {
        let key = try await send(.post, "/account/api-keys", body: body)
        #expect(key.status == .created, "\(key.text)")
        let id = try #require(key.json["client_id"]?.string)
        return (id, try await token(clientID: id, secret: #require(key.json["client_secret"]?.string)))
    }

    // MARK: Requests

    /// One request with the admin's token, or with another, or with none.
    public func send(
        _ method: HTTPRequest.Method, _ path: String, token: String? = "admin", body: String? = nil,
        headers: [(String, String)] = []
    ) async throws -> Answer {
        var fields = HTTPFields()
        if let token { fields[.authorization] = "Bearer " + (token == "admin" ? adminToken : token) }
        for (name, value) in headers { fields.append(HTTPField(name: HTTPField.Name(name)!, value: value)) }
        return Answer(try await client.send(method, path, headers: fields, body: body.map { Array($0.utf8) }))
    }

    public static let formType = "multipart/form-data; boundary=ovation-test"

    /// The form that uploads the file of an import.
    public static func form(key: String, file: String) -> String {
        "--ovation-test\r\nContent-Disposition: form-data; name=\"upload_key\"\r\n\r\n\(key)\r\n--ovation-test\r\n"
            + "Content-Disposition: form-data; name=\"file\"; filename=\"f.csv\"\r\nContent-Type: text/csv\r\n\r\n"
            + "\(file)\r\n--ovation-test--\r\n"
    }

    public static func eventsPath(_ key: String = "steve%40apsis.com", keyspace: String = Fixtures.emailKeyspace)
        -> String
    {
        "/audience/keyspaces/\(keyspace)/profiles/\(key)/sections/\(Fixtures.section)/events"
    }

    public static let definitionsPath = "/audience/sections/\(Fixtures.section)/events"

    public static func item(
        _ data: String = #"{"myNumberField":1}"#, time: String = "2020-10-14T09:43:34.471Z",
        version: String = "2565266"
    ) -> String {
        #"{"event_time":"\#(time)","version_id":\#(version),"data":\#(data)}"#
    }

    public static func items(_ items: String...) -> String {
        "{\"items\":[" + items.joined(separator: ",") + "]}"
    }

    public func post(
        _ body: String, key: String = "steve%40apsis.com", token: String? = "admin",
        headers: [(String, String)] = []
    ) async throws -> Answer {
        try await send(.post, TestServer.eventsPath(key), token: token, body: body, headers: headers)
    }

    /// The `data` of a profile's events, newest first.
    public func stored(_ key: String = "steve%40apsis.com") async throws -> [String] {
        let answer = try await send(.get, TestServer.eventsPath(key) + "?limit=1000")
        return (answer.json["items"]?.array ?? []).map { item in
            String(decoding: JSONWriter.write(item["data"] ?? .null), as: UTF8.self)
        }
    }

    public struct Answer: Sendable {
        public let status: HTTPResponse.Status
        public let headers: HTTPFields
        public let text: String

        init(_ response: RouterAnswer) {
            status = response.status
            headers = response.headers
            text = String(decoding: response.body, as: UTF8.self)
        }

        public var json: JSONValue { (try? JSONValue(parsing: text)) ?? .null }
        public var code: String? { json["code"]?.string }

        public func header(_ name: String) -> String? { headers[HTTPField.Name(name)!] }

        /// `pointer code` of each entry of `errors`.
        public var errors: [String] {
            (json["errors"]?.array ?? []).map {
                "\($0["pointer"]?.string ?? "") \($0["code"]?.string ?? "")"
            }
        }
    }
}
