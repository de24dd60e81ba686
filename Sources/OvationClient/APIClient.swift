import AsyncHTTPClient
import HTTPTypes
import NIOCore
import NIOHTTP1
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
    ///   - address: the base URL, such as `https://events.example.com`.
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
    ///   - body: made anew for each attempt.
    ///   - repeating: makes ready to send the same body again; nil where that cannot be.
    ///   - read: takes the answer. What it throws ends the call.
    /// - Throws: ``ClientFailure``, or what `read` throws.
    func stream<Value>(
        _ endpoint: Endpoint, _ parameters: KeyValuePairs<String, String>, query: [QueryParameter] = [],
        headers: [(name: String, value: String)], body: (() -> HTTPClientRequest.Body)? = nil,
        repeating: (() throws -> Void)?, _ read: (inout AnswerParts) async throws -> Value
    ) async throws -> Value {
        let path = APIClient.path(endpoint, parameters, query)
        func attempt(_ token: String) async throws -> Value {
            var request = request(endpoint, path: path, token: token, headers: headers)
            request.body = body?()
            let response: HTTPClientResponse
            do {
                response = try await connections.client.execute(request, timeout: .minutes(10))
            } catch {
                throw ClientFailure.broken(address: address, why: "\(error)")
            }
            try refuseRedirect(response)
            guard response.status.code == 200 else {
                let bytes: ByteBuffer
                do {
                    bytes = try await response.body.collect(upTo: 1 << 20)
                } catch {
                    throw ClientFailure.broken(address: address, why: "\(error)")
                }
                throw refusal(response, bytes)
            }
            var parts = AnswerParts(response.body, address: address)
            return try await read(&parts)
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

    private func request(
        _ endpoint: Endpoint, path: String, token: String?, headers: [(name: String, value: String)]
    ) -> HTTPClientRequest {
        var base = address
        while base.hasSuffix("/") { base.removeLast() }
        var request = HTTPClientRequest(url: base + path)
        request.method = .RAW(value: endpoint.method.rawValue)
        request.headers.add(name: "user-agent", value: userAgent)
        request.headers.add(name: "accept", value: "application/json, application/problem+json")
        if let token { request.headers.add(name: "authorization", value: "Bearer \(token)") }
        for header in headers { request.headers.replaceOrAdd(name: header.name, value: header.value) }
        return request
    }

    private func ask<Request: Body, Answer: Body>(
        _ call: APICall<Request, Answer>, _ path: String, json: JSONValue? = nil, token: String?,
        headers: [(name: String, value: String)] = []
    ) async throws(ClientFailure) -> Received<Answer> {
        var request = request(call.endpoint, path: path, token: token, headers: headers)
        if let json {
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: JSONWriter.write(json)))
        }
        let response: HTTPClientResponse
        let bytes: ByteBuffer
        do {
            response = try await connections.client.execute(request, timeout: .seconds(30))
            bytes = try await response.body.collect(upTo: 64 << 20)
        } catch {
            throw .unreachable(address: address, why: "\(error)")
        }
        try refuseRedirect(response)
        guard (200..<300).contains(response.status.code) else { throw refusal(response, bytes) }
        // An answer without a body is an object without members. Where nothing is expected, nothing is looked at.
        guard bytes.readableBytes > 0, Answer.self != Bodies.Empty.self else {
            return Received(try read(Answer.self, .object([])), .object([]), headers: response.headers)
        }
        let answer: JSONValue
        do throws(Problem) {
            answer = try JSONValue(parsing: bytes.readableBytesView)
        } catch {
            throw .unreadable(address: address, why: "It is not valid JSON.")
        }
        return Received(try read(Answer.self, answer), answer, headers: response.headers)
    }

    private func refuseRedirect(_ response: HTTPClientResponse) throws(ClientFailure) {
        guard (300..<400).contains(response.status.code) else { return }
        let place = response.headers.first(name: "location")
        throw .redirected(
            address: address, status: Int(response.status.code), origin: place.flatMap { APIClient.origin(of: $0) })
    }

    /// `https://other.example.com:8443`, without all that could show more of a person; nil for a path alone.
    private static func origin(of url: String) -> String? {
        guard let end = url.firstRange(of: "://") else { return nil }
        let scheme = url[..<end.lowerBound]
        let authority = url[end.upperBound...].prefix { !"/?#".contains($0) }
        let host = authority.split(separator: "@").last ?? ""
        return host.isEmpty ? nil : "\(scheme)://\(host)"
    }

    private func refusal(_ response: HTTPClientResponse, _ bytes: ByteBuffer) -> ClientFailure {
        let json = try? JSONValue(parsing: bytes.readableBytesView)
        let problem = json.flatMap { try? Bodies.Problem(received: $0) }
        return .refused(status: Int(response.status.code), problem ?? Bodies.Problem())
    }
}
