import HTTPTypes
import OvationCore
public import OvationWire
import Synchronization

/// A server of this API, as one API key sees it. It asks for a token once, however many calls it makes, and once more where
/// a call is refused with 401.
public final class APIClient: Sendable {
    public enum Credentials: Sendable {
        /// Client id and client secret of an API key.
        case key(id: String, secret: String)
        /// A token that somebody else has made. There is no other where it is refused.
        case token(String)
        /// For endpoints that ask for none.
        case none
    }

    /// The base URL, as it was given.
    public let address: String
    private let credentials: Credentials
    private let connections: HTTPConnections
    private let userAgent: String
    /// Waits between two attempts of a transfer.
    let sleep: @Sendable (Duration) async throws -> Void
    private let knownToken = Mutex<String?>(nil)

    /// - Parameters:
    ///   - address: the base URL, such as `https://events.example.com`; or `unix:` and the path of a Unix socket.
    ///   - userAgent: name and version of the program.
    public convenience init(
        address: String, credentials: Credentials, userAgent: String, connections: HTTPConnections
    ) {
        self.init(address: address, credentials: credentials, userAgent: userAgent, connections: connections) {
            try await Task.sleep(for: $0)
        }
    }

    init(
        address: String, credentials: Credentials, userAgent: String, connections: HTTPConnections,
        sleep: @escaping @Sendable (Duration) async throws -> Void
    ) {
        self.address = address
        self.credentials = credentials
        self.userAgent = userAgent
        self.connections = connections
        self.sleep = sleep
    }

    /// What the server says of itself, without a token.
    public func about() async throws(ClientFailure) -> Bodies.About {
        try await ask(.about, Endpoint.about.path, token: nil).content
    }

    /// Returns when the server has just written to its store and read from it, without a token.
    public func ready() async throws(ClientFailure) {
        _ = try await ask(.ready, Endpoint.ready.path, token: nil)
    }

    /// The token of this client, asked for where there is none yet.
    public func token() async throws(ClientFailure) -> String {
        if let token = knownToken.withLock({ $0 }) { return token }
        let id: String
        let secret: String
        switch credentials {
        case .token(let token): return token
        case .key(let given, let itsSecret): (id, secret) = (given, itsSecret)
        // The server says what is missing.
        case .none: (id, secret) = ("", "")
        }
        var request = Bodies.TokenRequest()
        (request.clientID, request.clientSecret) = (id, secret)
        let answer = try await ask(.createToken, Endpoint.createToken.path, json: request.json, token: nil)
        guard !answer.accessToken.isEmpty else {
            throw .unreadable(address: address, why: "There is no token in its answer.")
        }
        let token = answer.accessToken
        knownToken.withLock { $0 = token }
        return token
    }

    /// One call with the client's token.
    /// - Parameters:
    ///   - parameters: of the path, as they are: not percent-encoded.
    ///   - body: what the endpoint reads.
    ///   - written: instead of `body`, one that a person wrote. It is sent unread, since the server says best what is wrong
    ///     with it.
    @discardableResult
    public func call<Request: Body, Answer: Body>(
        _ call: APICall<Request, Answer>, _ parameters: KeyValuePairs<String, String> = [:],
        query: [QueryParameter] = [], body: Request? = nil, written: JSONValue? = nil,
        headers: [(name: String, value: String)] = []
    ) async throws(ClientFailure) -> Received<Answer> {
        let json = body?.json ?? written
        let path = APIClient.path(call.endpoint, parameters, query)
        let token = try await token()
        do throws(ClientFailure) {
            return try await ask(call, path, json: json, token: token, headers: headers)
        } catch {
            guard error.status == 401, let other = try await tokenInstead(of: token) else { throw error }
            return try await ask(call, path, json: json, token: other, headers: headers)
        }
    }

    /// A call whose body and answer can be of any size.
    /// - Parameters:
    ///   - repeating: makes ready to send the same body again; nil where that cannot be.
    ///   - read: takes the answer. What it throws ends the call.
    /// - Throws: ``ClientFailure``, or what `read` throws.
    func stream<Value>(
        _ endpoint: Endpoint, _ parameters: KeyValuePairs<String, String>, query: [QueryParameter] = [],
        headers: [(name: String, value: String)], body: (any UploadSource)? = nil,
        repeating: (() throws -> Void)?, _ read: (inout AnswerBody) async throws -> Value
    ) async throws -> Value {
        let path = APIClient.path(endpoint, parameters, query)
        func attempt(_ token: String) async throws -> Value {
            var call = httpCall(endpoint, path: path, token: token, headers: headers)
            if let body { call.body = .source(body) }
            do {
                return try await connections.exchange(call) { head, answer in
                    try refuseRedirect(head)
                    guard head.status == 200 else { throw refusal(head, try await answer.all(upTo: 1 << 20)) }
                    return try await read(&answer)
                }
            } catch let failure as ConnectionFailure {
                throw clientFailure(failure) { .broken(address: address, why: $0) }
            }
        }
        let token = try await token()
        do {
            return try await attempt(token)
        } catch let failure as ClientFailure where failure.status == 401 {
            guard let repeating, let other = try await tokenInstead(of: token) else { throw failure }
            try repeating()
            return try await attempt(other)
        }
    }

    /// Sends a body to an endpoint that anybody may call, and that answers with nothing.
    /// - Parameter type: of the body.
    /// - Throws: ``ClientFailure``, or what the source throws.
    func send(
        _ body: any UploadSource, as type: String, to endpoint: Endpoint, _ parameters: KeyValuePairs<String, String>
    ) async throws {
        var call = httpCall(
            endpoint, path: APIClient.path(endpoint, parameters, []), token: nil, headers: [("content-type", type)])
        call.body = .source(body)
        do {
            try await connections.exchange(call) { head, answer in
                try refuseRedirect(head)
                guard head.status == 204 else { throw refusal(head, try await answer.all(upTo: 1 << 20)) }
            }
        } catch let failure as ConnectionFailure {
            throw clientFailure(failure) { .broken(address: address, why: $0) }
        }
    }

    /// - Throws: ``ClientFailure/unreadable`` for what is no such body.
    func read<Content: Body>(_ type: Content.Type, _ json: JSONValue) throws(ClientFailure) -> Content {
        do {
            return try Content(received: json)
        } catch {
            // The problem itself speaks of a request.
            let why = error.errors.first.map { ($0.pointer.isEmpty ? "" : $0.pointer + ": ") + $0.detail }
            throw .unreadable(address: address, why: why ?? error.detail)
        }
    }
}

// MARK: - Requests and answers

extension APIClient {
    private static func path(
        _ endpoint: Endpoint, _ parameters: KeyValuePairs<String, String>, _ query: [QueryParameter]
    ) -> String {
        let pairs = query.map { "\($0.name)=\(PercentEncoding.encode(segment: $0.value))" }
        return endpoint.path(parameters) + (pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&"))
    }

    /// Asked for after a call was refused with 401.
    /// - Returns: nil where this client can have no other.
    private func tokenInstead(of refused: String) async throws(ClientFailure) -> String? {
        guard case .key = credentials else { return nil }
        knownToken.withLock { if $0 == refused { $0 = nil } }
        return try await token()
    }

    private func httpCall(
        _ endpoint: Endpoint, path: String, token: String?, headers: [(name: String, value: String)]
    ) -> HTTPCall {
        let unixSocket = address.hasPrefix("unix:") ? String(address.dropFirst("unix:".count)) : nil
        // The header `Host` has to name something.
        var base = unixSocket == nil ? address : "http://localhost"
        while base.hasSuffix("/") { base.removeLast() }
        var call = HTTPCall(
            url: base + path, unixSocket: unixSocket, method: endpoint.method.rawValue, headers: [])
        call.set("user-agent", userAgent)
        call.set("accept", "application/json, application/problem+json")
        if let token { call.set("authorization", "Bearer \(token)") }
        for header in headers { call.set(header.name, header.value) }
        return call
    }

    private func ask<Request: Body, Answer: Body>(
        _ call: APICall<Request, Answer>, _ path: String, json: JSONValue? = nil, token: String?,
        headers: [(name: String, value: String)] = []
    ) async throws(ClientFailure) -> Received<Answer> {
        var httpCall = httpCall(call.endpoint, path: path, token: token, headers: headers)
        if let json {
            httpCall.set("content-type", "application/json")
            httpCall.body = .bytes(JSONWriter.write(json))
        }
        httpCall.patience = .seconds(30)
        let head: HTTPHead
        let bytes: [UInt8]
        do {
            (head, bytes) = try await connections.exchange(httpCall) { ($0, try await $1.all(upTo: 64 << 20)) }
        } catch {
            throw clientFailure(error) { .unreachable(address: address, why: $0) }
        }
        try refuseRedirect(head)
        guard (200..<300).contains(head.status) else { throw refusal(head, bytes) }
        // An answer without a body is an object without members. Where nothing is expected, nothing is looked at.
        guard !bytes.isEmpty, Answer.self != Bodies.Empty.self else {
            return Received(try read(Answer.self, .object([])), .object([]), head: head)
        }
        let answer: JSONValue
        do throws(Problem) {
            answer = try JSONValue(parsing: bytes)
        } catch {
            throw .unreadable(address: address, why: "It is not valid JSON.")
        }
        return Received(try read(Answer.self, answer), answer, head: head)
    }

    /// - Parameter other: where it is about the connection.
    private func clientFailure(_ error: any Error, _ other: (_ why: String) -> ClientFailure) -> ClientFailure {
        switch error as? ConnectionFailure {
        case .broken(let why): other(why)
        case .untrusted(let why): .untrusted(address: address, why: why)
        case .unusableCertificates(let file): .unusableCertificates(file: file)
        case .unsendable(let header): .unsendable(header: header)
        case nil: other("the call was ended")
        }
    }

    private func refuseRedirect(_ head: HTTPHead) throws(ClientFailure) {
        guard (300..<400).contains(head.status) else { return }
        let place = head.first("location")
        throw .redirected(
            address: address, status: head.status, origin: place.flatMap { APIClient.origin(of: $0) })
    }

    /// `https://other.example.com:8443`, without all that could show more of a person; nil for a path alone.
    private static func origin(of url: String) -> String? {
        guard let end = url.firstRange(of: "://") else { return nil }
        let scheme = url[..<end.lowerBound]
        let authority = url[end.upperBound...].prefix { !"/?#".contains($0) }
        let host = authority.split(separator: "@").last ?? ""
        return host.isEmpty ? nil : "\(scheme)://\(host)"
    }

    private func refusal(_ head: HTTPHead, _ bytes: [UInt8]) -> ClientFailure {
        let json = try? JSONValue(parsing: bytes)
        let problem = json.flatMap { try? Bodies.Problem(received: $0) }
        return .refused(status: head.status, problem ?? Bodies.Problem())
    }
}
