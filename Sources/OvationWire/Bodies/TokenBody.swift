public import OvationCore

/// What a request to `POST /oauth/token` proves itself with: the client-credentials grant (RFC 6749 §4.4).
///
/// It is no body, because id and secret can stand in three places: in JSON, in a form, and in the header `Authorization`,
/// and then the body leaves out what `Bodies.TokenRequest` requires.
public struct TokenCredentials: Sendable {
    public let clientID: String
    public let clientSecret: String
    /// The same header, as clients write it that do not encode.
    public let otherReading: BasicCredentials.Reading?

    /// Content types are not trusted: a body that begins like an object is JSON, anything else a form.
    /// - Parameter basic: of the header `Authorization`; then the body needs no id and no secret, and must not have others.
    public init(parsing bytes: [UInt8], basic: BasicCredentials? = nil) throws(Problem) {
        if let other = WrittenText.otherEncoding(of: bytes) {
            throw Problem(.invalidRequest, "The body is \(other); send it as UTF-8.")
        }
        let bytes = Array(WrittenText.withoutMark(bytes[...]))
        let firstByte = bytes.first { $0 != 0x20 && $0 != 0x09 && $0 != 0x0A && $0 != 0x0D }
        if firstByte == UInt8(ascii: "{") || firstByte == UInt8(ascii: "[") {
            let reader = try ObjectReader(JSONValue(parsing: bytes))
            try self.init(basic) { name throws(Problem) in try reader.string(name) }
        } else {
            guard let text = String(validating: bytes, as: UTF8.self), let fields = PercentEncoding.decode(form: text)
            else { throw Problem(.invalidRequest, "The body is neither JSON nor a form.") }
            try self.init(basic) { name throws(Problem) in fields.last { $0.name == name }?.value }
        }
    }

    private init(
        _ basic: BasicCredentials?, _ member: (String) throws(Problem) -> String?
    ) throws(Problem) {
        guard let grantType = try member("grant_type") else { throw TokenCredentials.missing("grant_type") }
        guard grantType == "client_credentials" else {
            throw Problem(.unsupportedGrantType, "The only 'grant_type' here is 'client_credentials'.")
        }
        if let basic {
            let id = try member("client_id")
            let secret = try member("client_secret")
            guard
                let fitting = basic.readings.first(where: { id ?? $0.id == $0.id && secret ?? $0.secret == $0.secret })
            else {
                throw Problem(
                    .invalidRequest,
                    "The header Authorization and the body name different clients; send id and secret in one of them.")
            }
            // Which reading is meant shows when the secret is right.
            (clientID, clientSecret) = (fitting.id, fitting.secret)
            otherReading = basic.readings.last.flatMap { $0 == fitting ? nil : $0 }
            return
        }
        otherReading = nil
        guard let clientID = try member("client_id") else { throw TokenCredentials.missing("client_id") }
        guard let clientSecret = try member("client_secret") else { throw TokenCredentials.missing("client_secret") }
        self.clientID = clientID
        self.clientSecret = clientSecret
    }

    private static func missing(_ name: String) -> Problem {
        Problem(
            .invalidRequest,
            "'\(name)' is missing; send grant_type, client_id and client_secret, as JSON or as a form.",
            errors: [ItemError(index: nil, pointer: "/" + name, code: .missingMember, detail: "'\(name)' is missing.")])
    }
}

/// Id and secret by HTTP Basic (RFC 6749 §2.3.1).
public struct BasicCredentials: Sendable {
    public struct Reading: Sendable, Equatable {
        public let id: String
        public let secret: String
    }

    /// Both parts are encoded as in a form, says the standard. Many clients do not know, so the header is taken as it
    /// stands too.
    let readings: [Reading]

    /// nil if the header is not of this scheme.
    /// - Throws: `invalid_client` if it cannot be read.
    public init?(header: String) throws(Problem) {
        let parts = header.split(separator: " ", maxSplits: 1)
        guard let scheme = parts.first, scheme.lowercased() == "basic" else { return nil }
        guard parts.count == 2, let bytes = Base64.decode(parts[1].drop { $0 == " " }),
            let text = String(validating: bytes, as: UTF8.self),
            let colon = text.firstIndex(of: ":")
        else {
            throw Problem(
                .invalidClient,
                "The header Authorization is not 'Basic' and then client id, ':' and client secret in base64.")
        }
        let plain = Reading(id: String(text[..<colon]), secret: String(text[text.index(after: colon)...]))
        let id = PercentEncoding.decode(plain.id, plusIsSpace: true)
        let secret = PercentEncoding.decode(plain.secret, plusIsSpace: true)
        let decoded = id.flatMap { id in secret.map { Reading(id: id, secret: $0) } }
        readings = decoded == nil || decoded == plain ? [plain] : [decoded ?? plain, plain]
    }
}

private enum Base64 {
    /// nil for what is none. Padding may be missing.
    static func decode(_ text: Substring) -> [UInt8]? {
        var result: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        let body = text.utf8.reversed().drop { $0 == UInt8(ascii: " ") }.drop { $0 == UInt8(ascii: "=") }.reversed()
        for byte in body {
            guard let value = value(byte) else { return nil }
            bits = bits << 6 | value
            count += 6
            guard count >= 8 else { continue }
            count -= 8
            result.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
        }
        // What is left of the last letter is less than a byte.
        return count < 6 ? result : nil
    }

    private static func value(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(byte) - 65
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(byte) - 71
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte) + 4
        case UInt8(ascii: "+"), UInt8(ascii: "-"): 62
        case UInt8(ascii: "/"), UInt8(ascii: "_"): 63
        default: nil
        }
    }
}

extension Bodies.Token {
    public init(_ accessToken: String, expiresIn: Int64) {
        self.accessToken = accessToken
        self.expiresIn = expiresIn
        tokenType = "Bearer"
    }
}
