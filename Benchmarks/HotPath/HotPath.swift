import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import OvationCore
import OvationServer
import OvationWire

/// What a post of events goes through, each part by itself: for the micro-benchmarks, and for the gate that counts
/// instructions. All of it is the server's own code; only ``post()`` has a store that is none.
///
/// Every operation gives back something of its result, so that no compiler leaves the work out.
public struct HotPath: Sendable {
    private let target: EventTarget
    private let parsers = TapeParsers()
    private let single = ByteBuffer(string: Article.body)
    private let hundred = ByteBuffer(string: Article.hundred)
    private let time = Array("2020-10-14T09:43:34.471Z".utf8)
    private let request: Request
    private let authentication: BearerAuthentication
    private let parameters: PathParameters
    private let respond: @Sendable (Request) async throws -> Response

    public init(_ credentials: Credentials) async throws {
        let (catalogue, entries) = try Article.catalogue()
        let contents = StoreContents(
            accounts: [Article.account], definitions: [Article.account.number: entries],
            lastSequences: [Article.account.number: AccountSequences(definitions: Int64(entries.count))],
            apiKeys: [Article.apiKey],
            signingKeys: [credentials.signingKey], serverSecret: [UInt8](repeating: 7, count: 32))
        let store = InstantStore(contents: contents)
        guard let section = try catalogue.section(Discriminator(Article.section)),
            let keyspace = try catalogue.keyspace(Discriminator(Article.emailKeyspace))
        else { throw Problem(.internalError, "The article's definitions are not in the catalogue.") }
        target = EventTarget(
            catalogue: catalogue, section: section, keyspace: keyspace, callerIsAdmin: false, receivedAt: Article.now,
            limits: Limits())
        request = Request(
            head: HTTPRequest(
                method: .post, scheme: "http", authority: "localhost", path: Article.path,
                headerFields: [
                    .authorization: "Bearer " + credentials.token, .contentType: "application/json",
                    .contentLength: String(single.readableBytes),
                ]),
            body: RequestBody(buffer: single))
        authentication = BearerAuthentication(
            signer: try await TokenSigner(region: Credentials.region, keys: [credentials.signingKey]),
            directory: try Directory(
                store: store, contents: contents, logger: Logger(label: "none") { _ in SwiftLogNoOpLogHandler() }))
        // As the router hands them over.
        var found = Parameters()
        found["keyspace"] = Article.emailKeyspace[...]
        found["key"] = "steve%40apsis.com"
        found["section"] = Article.section[...]
        let parameters = found
        self.parameters = PathParameters { parameters.get($0).map { $0[...] } }
        respond = try await responder(on: store)
    }

    /// Reads and checks the article's body.
    /// - Returns: bytes to store.
    public func decodeSingle() -> Int { decode(single) }

    /// Reads and checks a body of a hundred events.
    public func decodeHundred() -> Int { decode(hundred) }

    private func decode(_ body: ByteBuffer) -> Int {
        FastEventsDecoder.decode(body, for: target, itemsMax: 1000, with: parsers)?.data.count ?? 0
    }

    /// Finds who asks, by a token that was seen before. The first time it is not, and costs an RSA verification.
    public func checkToken() async -> Int {
        await authentication.admits(request, to: .postEvents, at: Article.now) ? 1 : 0
    }

    /// Reads the three parameters of the path.
    public func readPath() throws -> Int {
        try parameters.keyspace().text.utf8.count + parameters.section().text.utf8.count
            + parameters.text("key").utf8.count
    }

    /// Reads one time in the form that programs write.
    public func readTimestamp() -> Int {
        time.withUnsafeBufferPointer { Int(Timestamp(rfc3339: $0)?.milliseconds ?? 0) }
    }

    /// Any time, for who reads bodies in another way.
    public static func milliseconds(_ text: String) -> Int64? { Timestamp(rfc3339: text)?.milliseconds }

    /// Answers a whole post of the article's body, without a network and with a store that answers at once.
    /// - Returns: the status.
    public func post() async throws -> Int { try await respond(request).status.code }
}
