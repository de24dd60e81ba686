import ArgumentParser
import AsyncHTTPClient
import Foundation
import HTTPTypes
import NIOCore
import NIOHTTP1
import OvationCore
import OvationServer
import OvationWire
import Synchronization
import Yams

/// How the client commands find a server and prove who they are.
struct ConnectionOptions: ParsableArguments {
    @Option(help: "Base URL of the server. (default: OVATION_URL, or http://127.0.0.1:8080)")
    var url: String?
    @Option(help: "Instead of --url, the vendor's own host: eu or apac.")
    var region: String?
    @Option(help: "Client id of an API key. (default: OVATION_CLIENT_ID)")
    var clientId: String?
    @Option(help: "Client secret of the API key; better in OVATION_CLIENT_SECRET, where 'ps' does not show it.")
    var clientSecret: String?

    func client() throws -> APIClient {
        let environment = SettingText.environment()
        let file = try ConnectionOptions.file(environment)
        func credential(_ flag: String?, _ name: String) throws -> String? {
            let word = name.uppercased()
            if let flag = try SettingText.flag(flag, "--" + name.replacing("_", with: "-")) {
                return try SettingText.credential(flag, "--" + name.replacing("_", with: "-"))
            }
            for variable in ["OVATION_\(word)", "OVATION_ADMIN_\(word)"] {
                if let value = try SettingText.credential(environment[variable], variable) { return value }
            }
            return try SettingText.credential(file[name], "\(name) in client.yaml")
        }
        guard let id = try credential(clientId, "client_id"), let secret = try credential(clientSecret, "client_secret")
        else {
            throw CommandFailure(
                "An API key is needed: give --client-id and --client-secret, set OVATION_CLIENT_ID and "
                    + "OVATION_CLIENT_SECRET, or write client_id and client_secret into ~/.config/ovation/client.yaml.")
        }
        return APIClient(baseURL: try baseURL(environment, file), clientID: id, clientSecret: secret)
    }

    private func baseURL(_ environment: [String: String], _ file: [String: String]) throws -> String {
        if let url = try SettingText.flag(url, "--url") { return try ConnectionOptions.verified(url, "--url") }
        switch try SettingText.flag(region, "--region") {
        case "eu": return "https://api.apsis.one"
        case "apac": return "https://api-apac.apsis.one"
        case nil: break
        case let other?: throw CommandFailure("The vendor's regions are eu and apac; for '\(other)' give --url.")
        }
        if let url = environment["OVATION_URL"] { return try ConnectionOptions.verified(url, "OVATION_URL") }
        if let url = try SettingText.cleaned(file["url"], "url in client.yaml") {
            return try ConnectionOptions.verified(url, "url in client.yaml")
        }
        return "http://127.0.0.1:8080"
    }

    /// The address of a server and nothing else: a user in it would be printed, and a path that ends in a query be none.
    static func verified(_ url: String, _ name: String) throws -> String {
        guard let parts = URLComponents(string: url), ["http", "https"].contains(parts.scheme?.lowercased()),
            parts.host?.isEmpty == false, parts.query == nil, parts.fragment == nil
        else { throw CommandFailure("\(name) is an address such as http://127.0.0.1:8080, not '\(url)'.") }
        guard parts.user == nil, parts.password == nil else {
            throw CommandFailure("\(name) has a user in it. Give the API key by --client-id and OVATION_CLIENT_SECRET.")
        }
        return url
    }

    /// `url`, `client_id` and `client_secret`; empty when there is no file.
    private static func file(_ environment: [String: String]) throws -> [String: String] {
        let folder = environment["XDG_CONFIG_HOME"] ?? (environment["HOME"] ?? "") + "/.config"
        let path = folder + "/ovation/client.yaml"
        guard let data = FileManager.default.contents(atPath: path) else { return [:] }
        for warning in FileAccess.warnings([path]) { StandardError.writeLine("warning: " + warning) }
        let text = try InputFile.text(of: data, path)
        // As it is written: a secret of digits is no number.
        let node: Node?
        do {
            node = try Yams.compose(yaml: text)
        } catch {
            throw CommandFailure("\(path) is not valid YAML: \(error)")
        }
        guard let node, node != Node("") else { return [:] }
        guard let mapping = node.mapping else {
            throw CommandFailure("\(path) is a list of settings, such as 'url: http://127.0.0.1:8080'.")
        }
        return Dictionary(
            mapping.compactMap { key, value in key.string.flatMap { key in value.scalar.map { (key, $0.string) } } },
            uniquingKeysWith: { $1 })
    }
}

/// Talks to a server by HTTP, as any client does.
final class APIClient: Sendable {
    let baseURL: String
    private let clientID: String
    private let clientSecret: String
    /// Fetched once for a command, however many calls it makes.
    private let knownToken = Mutex<String?>(nil)

    init(baseURL: String, clientID: String, clientSecret: String) {
        self.baseURL = baseURL
        self.clientID = clientID
        self.clientSecret = clientSecret
    }

    /// With a token that somebody else has made.
    init(baseURL: String, token: String?) {
        self.baseURL = baseURL
        (clientID, clientSecret) = ("", "")
        knownToken.withLock { $0 = token }
    }

    /// What any server says of itself, without a token.
    /// - Throws: ``CommandFailure`` where nobody answers.
    func about() async throws -> JSONValue {
        try await send(.about, path: Endpoint.about.path, body: nil, token: nil)
    }

    func token() async throws -> String {
        if let token = knownToken.withLock({ $0 }) { return token }
        let body = JSONWriter.write(
            .object([
                .init("grant_type", .string("client_credentials")), .init("client_id", .string(clientID)),
                .init("client_secret", .string(clientSecret)),
            ]))
        let answer = try await send(.createToken, path: Endpoint.createToken.path, body: body, token: nil)
        guard let token = answer["access_token"]?.string else {
            throw CommandFailure("\(baseURL) answered the token call with something else: is this the right host?")
        }
        knownToken.withLock { $0 = token }
        return token
    }

    /// One call with the command's token.
    /// - Throws: ``CommandFailure`` with the server's own words when it refuses.
    @discardableResult
    func call(
        _ endpoint: Endpoint, _ parameters: KeyValuePairs<String, String> = [:],
        query: [(String, String)] = [], body: JSONValue? = nil, headers: [(String, String)] = []
    ) async throws -> JSONValue {
        let pairs = query.map { "\($0.0)=\(PercentEncoding.encode(segment: $0.1))" }
        let path = endpoint.path(parameters) + (pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&"))
        return try await send(
            endpoint, path: path, body: body.map(JSONWriter.write), token: token(), headers: headers)
    }

    /// A call whose body and answer can be of any size. What `read` throws ends the call.
    /// - Throws: ``CommandFailure`` where the server refuses, ``Interruption`` where the same may succeed later.
    func stream<Value: Sendable>(
        _ endpoint: Endpoint, _ parameters: KeyValuePairs<String, String>, query: [(String, String)] = [],
        headers: [(String, String)], body: HTTPClientRequest.Body?,
        _ read: @escaping @Sendable (HTTPClientResponse.Body) async throws -> Value
    ) async throws -> Value {
        let token = try await token()
        let pairs = query.map { "\($0.0)=\(PercentEncoding.encode(segment: $0.1))" }
        let path = endpoint.path(parameters) + (pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&"))
        var request = request(endpoint, path: path, token: token)
        for (name, value) in headers { request.headers.replaceOrAdd(name: name, value: value) }
        request.body = body
        var configuration = APIClient.configuration
        // An upload on a slow line has a long way from one word of the server to the next.
        configuration.timeout.read = .minutes(10)
        let called = request
        do {
            return try await HTTPClient.withHTTPClient(configuration: configuration) { client in
                let response = try await client.execute(called, timeout: .minutes(10))
                guard response.status.code != 200 else { return try await read(response.body) }
                try refuseRedirect(response)
                let bytes = try await response.body.collect(upTo: 1 << 20)
                throw APIClient.failure(of: (try? JSONValue(parsing: bytes.readableBytesView)) ?? .null)
            }
        } catch let error as CommandFailure {
            throw error
        } catch let error as Interruption {
            throw error
        } catch let error as OutputFailure {
            throw error
        } catch {
            throw Interruption(reason: "the connection to \(baseURL) broke (\(error))")
        }
    }

    /// What a problem means for a command: a slow line (408) and a busy server (503) pass by themselves.
    static func failure(of problem: JSONValue) -> any Error {
        let status = problem["status"]?.int ?? 0
        if [408, 503].contains(status) {
            return Interruption(reason: problem["detail"]?.string ?? "the server is busy")
        }
        return failure(status, problem)
    }

    private func request(_ endpoint: Endpoint, path: String, token: String?) -> HTTPClientRequest {
        var base = baseURL
        while base.hasSuffix("/") { base.removeLast() }
        var request = HTTPClientRequest(url: base + path)
        request.method = .RAW(value: endpoint.method.rawValue)
        request.headers.add(name: "user-agent", value: "ovation/\(Ovation.version)")
        request.headers.add(name: "accept", value: "application/json, application/problem+json")
        if let token { request.headers.add(name: "authorization", value: "Bearer \(token)") }
        return request
    }

    private func send(
        _ endpoint: Endpoint, path: String, body: [UInt8]?, token: String?, headers: [(String, String)] = []
    ) async throws -> JSONValue {
        var request = request(endpoint, path: path, token: token)
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        if let body {
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: body))
        }
        let response: HTTPClientResponse
        let bytes: ByteBuffer
        do {
            (response, bytes) = try await HTTPClient.withHTTPClient(configuration: APIClient.configuration) { client in
                let response = try await client.execute(request, timeout: .seconds(30))
                return (response, try await response.body.collect(upTo: 64 << 20))
            }
        } catch {
            throw CommandFailure("\(baseURL) cannot be reached (\(error)). Is the server running?")
        }
        try refuseRedirect(response)
        let json =
            bytes.readableBytes == 0 ? JSONValue.null : (try? JSONValue(parsing: bytes.readableBytesView)) ?? .null
        guard (200..<300).contains(response.status.code) else {
            throw APIClient.failure(Int(response.status.code), json)
        }
        return json
    }

    /// Whoever answers so could have the secret sent to anybody.
    private func refuseRedirect(_ response: HTTPClientResponse) throws(CommandFailure) {
        guard (300..<400).contains(response.status.code) else { return }
        let place = response.headers.first(name: "location").flatMap { URLComponents(string: $0) }
        let origin = place.flatMap { place in
            place.host.map { "\(place.scheme ?? "http")://\($0)" + (place.port.map { ":\($0)" } ?? "") }
        }
        throw CommandFailure(
            "\(baseURL) sends on to \(origin ?? "another address") (\(response.status.code)), which is not followed: the API "
                + "key is for the address that you named. If that is where your server is, give it with --url.")
    }

    /// A command says at once that nobody is there; it does not try again for half a minute. And no secret goes where
    /// nobody sent it.
    private static var configuration: HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration.singletonConfiguration
        configuration.redirectConfiguration = .disallow
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.timeout.connect = .seconds(10)
        return configuration
    }

    private static func failure(_ status: Int, _ json: JSONValue) -> CommandFailure {
        var lines = ["\(status): \(json["detail"]?.string ?? "the server refused without saying why")"]
        for error in json["errors"]?.array ?? [] {
            let line = error["line"]?.int.map { "line \($0) " } ?? ""
            lines.append("  \(line)\(error["pointer"]?.string ?? ""): \(error["detail"]?.string ?? "")")
        }
        if let done = json["lines_done"]?.int { lines.append("  (\(Figures.grouped(done)) lines are done)") }
        if let id = json["request_id"]?.string { lines.append("  (request \(id))") }
        return CommandFailure(lines: lines)
    }
}

/// Reads a file, or standard input for `-`.
enum InputFile {
    static func read(_ path: String) throws -> Data {
        if path == "-" {
            do {
                return try FileHandle.standardInput.readToEnd() ?? Data()
            } catch {
                throw CommandFailure("Standard input cannot be read: \(error.localizedDescription)")
            }
        }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CommandFailure("\(path) cannot be read.")
        }
        return data
    }

    /// What a person wrote into a file, or into standard input.
    static func text(of data: Data, _ path: String) throws -> String {
        do {
            return try WrittenText.read(Array(data))
        } catch {
            throw CommandFailure("\(path): \(error.detail)")
        }
    }
}

extension HTTPClientResponse.Body {
    /// The lines of an answer as they come; what has no line end did not come whole.
    func forEachLine(_ take: ([UInt8]) throws -> Void) async throws {
        var pending: [UInt8] = []
        for try await part in self {
            // Before what comes now there is no line end.
            var looked = pending.count
            pending.append(contentsOf: part.readableBytesView)
            var start = 0
            while let end = pending[looked...].firstIndex(of: UInt8(ascii: "\n")) {
                try take(Array(pending[start..<end]))
                start = end + 1
                looked = start
            }
            pending.removeSubrange(..<start)
        }
    }
}
