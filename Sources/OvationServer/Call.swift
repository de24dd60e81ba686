import HTTPTypes
import Hummingbird
import NIOCore
import OvationCore
import OvationWire

/// One request as an endpoint sees it: the caller, the connection, and the time of arrival.
struct Call: Sendable {
    let endpoint: Endpoint
    let request: Request
    let path: PathParameters
    let identity: Identity?
    let requestID: String
    let receivedAt: Timestamp
    private let source: BodySource
    /// nil where the call is one of the console's, in this process.
    let connection: Connection?
    private let fields: QueryFields

    init(
        endpoint: Endpoint, request: Request, path: PathParameters, identity: Identity?, requestID: String,
        receivedAt: Timestamp, body source: BodySource = .request(nil), connection: Connection? = nil
    ) {
        self.endpoint = endpoint
        self.request = request
        self.path = path
        self.identity = identity
        self.requestID = requestID
        self.receivedAt = receivedAt
        self.source = source
        self.connection = connection
        fields = QueryFields(request.uri.query)
    }

    /// - Throws: never for endpoints with a scope that needs a token; the pipeline ensures that.
    func caller() throws(Problem) -> Identity {
        guard let identity else { throw Problem(.unauthorized, "A token is needed.") }
        return identity
    }
}

/// Where the body of a call comes from.
enum BodySource: Sendable {
    /// From the request. The budget is nil where the body is in memory already.
    case request(BodyBudget?)
    /// From this process, as a value.
    case value(GivenBody)
}

/// A body that this process gives. It is an object, so that each call carries no more than a reference.
final class GivenBody: Sendable {
    let body: any Body

    init(_ body: any Body) { self.body = body }
}

/// The query, decoded once however many of its parameters are asked for.
private enum QueryFields {
    case none
    /// The reason why it cannot be read.
    case broken(String)
    case decoded([(name: String, value: String)])

    init(_ query: String?) {
        guard let query, !query.isEmpty else {
            self = .none
            return
        }
        guard let fields = PercentEncoding.decode(form: query) else {
            self = .broken("The query has a broken percent-escape.")
            return
        }
        // No stored text has a NUL, and not every store could look for it.
        let hasNUL = fields.contains { $0.name.utf8.contains(0) || $0.value.utf8.contains(0) }
        self = hasNUL ? .broken("The query has a NUL character (%00).") : .decoded(fields)
    }
}

/// The API key of a token, and the definitions of its account at the moment when the request came.
///
/// A class, because each request passes it on many times, and a copy of a key and its account would count a dozen
/// references each time.
final class Identity: Sendable {
    let key: APIKey
    let account: AccountSnapshot
    /// Of the directory when it was looked up.
    let generation: Int

    init(key: APIKey, account: AccountSnapshot, generation: Int) {
        self.key = key
        self.account = account
        self.generation = generation
    }

    /// The definitions that this caller may know: drafts are for admins.
    var catalogue: Catalogue { isAdmin ? account.catalogue : account.published }
    var isAdmin: Bool { key.role == .admin }

    /// To a key that may not see it, a section does not exist.
    func section(_ discriminator: Discriminator<Section>) throws(Problem) -> Section {
        guard key.maySee(discriminator), let section = catalogue.section(discriminator) else {
            throw Problem.noSection(discriminator)
        }
        return section
    }

    func keyspace(_ discriminator: Discriminator<Keyspace>) throws(Problem) -> Keyspace {
        guard let keyspace = catalogue.keyspace(discriminator) else { throw Problem.noKeyspace(discriminator) }
        return keyspace
    }

    /// By number. Refused posts of a profile are found by all ways to write its keys.
    var keyFormats: [Int64: KeyFormat] {
        Dictionary(uniqueKeysWithValues: account.catalogue.keyspaces.map { ($0.number, $0.keyFormat) })
    }

    func keyspaceForReading(_ discriminator: Discriminator<Keyspace>) throws(Problem) -> Keyspace {
        let keyspace = try keyspace(discriminator)
        guard key.mayRead(discriminator) else {
            throw Problem(.keyspaceForbidden, "This API key may not use the keyspace '\(discriminator)'.")
        }
        return keyspace
    }

    func keyspaceForWriting(_ discriminator: Discriminator<Keyspace>) throws(Problem) -> Keyspace {
        let keyspace = try keyspace(discriminator)
        guard key.mayWrite(discriminator) else {
            throw Problem(.keyspaceForbidden, "This API key may not write through the keyspace '\(discriminator)'.")
        }
        return keyspace
    }

    func eventType(
        _ discriminator: Discriminator<EventType>, in section: Discriminator<Section>
    ) throws(Problem) -> EventType {
        guard let eventType = catalogue.eventType(discriminator), eventType.section == section else {
            throw Problem.noEventType(discriminator)
        }
        return eventType
    }
}

// MARK: - What comes in

extension Call {
    /// The whole body. The content type is ignored: the article's own curl sends JSON labelled as a form.
    /// - Throws: `body_too_large` as soon as the limit is exceeded.
    private func body(upTo bytesMax: Int) async throws -> ByteBuffer {
        guard case .request(let budget) = source else { return ByteBuffer() }
        return try await request.collectedBody(upTo: bytesMax, within: budget)
    }

    /// The whole body, up to the size in the endpoint's description.
    func body(within limits: Limits) async throws -> ByteBuffer {
        try await body(upTo: endpoint.bodyBytesMax(limits))
    }

    /// The body as a value: read from the request, or as the console gave it.
    func body<Given: Body>(_ type: Given.Type, within limits: Limits) async throws -> Given {
        try await body(type, within: limits) { bytes throws(Problem) in try Given(json: JSONValue(parsing: bytes)) }
    }

    /// The same of a body that need not be JSON.
    func body<Given: Body>(
        _ type: Given.Type, within limits: Limits, parse: ([UInt8]) throws(Problem) -> Given
    ) async throws -> Given {
        if case .value(let given) = source, let body = given.body as? Given { return body }
        return try parse(Array(buffer: try await body(within: limits)))
    }

    /// The same; nil where nothing was sent.
    func optionalBody<Given: Body>(_ type: Given.Type, within limits: Limits) async throws -> Given? {
        if case .value(let given) = source, let body = given.body as? Given { return body }
        let bytes = try await body(within: limits)
        return bytes.readableBytes > 0 ? try Given(json: JSONValue(parsing: bytes.readableBytesView)) : nil
    }

    /// The value of a query parameter; nil if it is absent. An unknown parameter is ignored.
    /// - Throws: if it is empty, as with an unset variable of a script, or given twice: neither may count as a missing
    ///   filter.
    func parameter(_ name: String) throws(Problem) -> String? {
        let values = try parameters(name)
        guard values.count < 2 else {
            throw Problem(.invalidParameter, "'\(name)' is given more than once; nothing was done. Send it once.")
        }
        return values.first
    }

    /// The values of a query parameter that may be repeated, in order.
    /// - Throws: if one of them is empty.
    func parameters(_ name: String) throws(Problem) -> [String] {
        let values = try query(name)
        guard !values.contains("") else {
            throw Problem(
                .invalidParameter,
                "'\(name)' is empty; nothing was done. Give it a value, or leave it out to ask for no such filter.")
        }
        return values
    }

    private func query(_ name: String) throws(Problem) -> [String] {
        switch fields {
        case .none: return []
        case .broken(let why): throw Problem(.invalidParameter, why)
        case .decoded(let fields): return fields.filter { $0.name == name }.map(\.value)
        }
    }

    /// For calls that delete: a filter that is misspelt, or in a place that is not read, must not mean no filter.
    func refuseFilters(except names: String...) async throws {
        try refuseParameters(except: names)
        do {
            _ = try await body(upTo: 0)
        } catch let problem as Problem where problem.code == .bodyTooLarge {
            throw Problem(
                .invalidRequest, "This call takes no body; filters stand in the query. Nothing was deleted.")
        }
    }

    /// Of a call that deletes: a parameter that is not known was meant to keep something.
    func refuseParameters(except names: [String] = []) throws(Problem) {
        let fields = PercentEncoding.decode(form: request.uri.query ?? "") ?? []
        if let unknown = fields.first(where: { !names.contains($0.name) }) {
            let known = names.isEmpty ? "" : ", only \(names.joined(separator: ", "))"
            throw Problem(
                .invalidParameter,
                "There is no parameter \(unknown.name.quoted) here\(known). Nothing was deleted.")
        }
    }

    /// For calls that delete: `…/events/$ID` with an unset variable is `…/events/`, which must not mean all events.
    func refuseEmptySegments() throws(Problem) {
        let path = request.uri.path.utf8.drop { $0 == UInt8(ascii: "/") }
        let segments = path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard !segments.contains(where: \.isEmpty) else {
            throw Problem(
                .invalidPath,
                "A part of the path is empty, as an unset variable leaves it. Nothing was deleted; a DELETE has no "
                    + "slash at its end, and none twice.")
        }
    }

    func flag(_ name: String) throws(Problem) -> Bool {
        switch try parameter(name) {
        case nil, "false", "0": false
        case "true", "1": true
        default: throw Problem(.invalidParameter, "'\(name)' is true or false.")
        }
    }

    func int(_ name: String, in range: ClosedRange<Int>, default standard: Int) throws(Problem) -> Int {
        guard let text = try parameter(name) else { return standard }
        guard let value = Int(text), range.contains(value) else {
            throw Problem(
                .invalidParameter, "'\(name)' is a number from \(range.lowerBound) to \(range.upperBound).")
        }
        return value
    }

    func timestamp(_ name: String) throws(Problem) -> Timestamp? {
        guard let text = try parameter(name) else { return nil }
        guard let timestamp = Timestamp(rfc3339: text) else {
            throw Problem(
                .invalidParameter,
                "'\(name)' is a date and time such as 2021-01-07T12:17:56.054Z; a '+' is sent as %2B.")
        }
        return timestamp
    }

    /// nil without the header.
    func idempotencyKey() throws(Problem) -> String? {
        guard request.headers.contains(.idempotencyKey) else { return nil }
        let keys = request.headers[values: .idempotencyKey]
        guard keys.count == 1, let key = keys.first, !key.isEmpty, key.utf8.count <= Limits.idempotencyKeyLengthMax,
            key.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F })
        else {
            throw Problem(
                .invalidIdempotencyKey,
                "An Idempotency-Key has 1 to \(Limits.idempotencyKeyLengthMax) printable ASCII characters, and is sent "
                    + "once.")
        }
        return key
    }

    /// Whether everything is to be checked and nothing changed.
    var isCheckOnly: Bool { preferences.contains("validate-only") }

    /// Preferences of RFC 7240, lower-cased: `handling=lenient`, `validate-only`.
    var preferences: [String] {
        guard request.headers.contains(.prefer) else { return [] }
        let words = request.headers[values: .prefer].flatMap { $0.split(separator: ",") }
        return words.map { word in
            let word = String((word.split(separator: ";").first ?? "").filter { !$0.isWhitespace && $0 != "\"" })
            // An empty value is no value (RFC 7240 §2).
            return (word.hasSuffix("=") ? String(word.dropLast()) : word).lowercased()
        }
    }
}

extension HTTPFields {
    /// A header's value; the values, joined, where it came several times. To ask for it by its name alone says the same, but
    /// copies a single value to join it with nothing, and requests have few fields that come twice.
    func text(of name: HTTPField.Name) -> String? {
        guard let first = firstIndex(where: { $0.name == name }) else { return nil }
        return self[(first + 1)...].contains { $0.name == name } ? self[name] : self[first].value
    }
}

// MARK: - What goes out

extension Response {
    static func noContent(_ headers: HTTPFields = [:]) -> Response {
        Response(status: .noContent, headers: headers)
    }

    static func json(_ value: JSONValue, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]) -> Response {
        .bytes(JSONWriter.write(value), status: status, headers: headers)
    }

    static func bytes(
        _ bytes: [UInt8], type: String = "application/json", status: HTTPResponse.Status = .ok,
        headers: HTTPFields = [:]
    ) -> Response {
        .buffer(ByteBuffer(bytes: bytes), type: type, status: status, headers: headers)
    }

    static func buffer(
        _ buffer: ByteBuffer, type: String, status: HTTPResponse.Status, headers: HTTPFields
    ) -> Response {
        var headers = headers
        headers[.contentType] = type
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: buffer))
    }
}

extension HTTPField.Name {
    static let requestID = HTTPField.Name("X-Request-Id")!
    static let idempotencyKey = HTTPField.Name("Idempotency-Key")!
    static let idempotencyReplayed = HTTPField.Name("Idempotency-Replayed")!
    static let preferenceApplied = HTTPField.Name("Preference-Applied")!
    static let link = HTTPField.Name("Link")!
    static let prefer = HTTPField.Name("Prefer")!
}
