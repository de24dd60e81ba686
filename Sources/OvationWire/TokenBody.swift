public import OvationCore

/// `POST /oauth/token`: the client-credentials grant (RFC 6749 §4.4), as JSON or as a form.
public struct TokenRequest: Sendable {
    public let clientID: String
    public let clientSecret: String

    /// Content types are not trusted: a body that begins like an object is JSON, anything else a form.
    public init(parsing bytes: [UInt8]) throws(Problem) {
        if let other = WrittenText.otherEncoding(of: bytes) {
            throw Problem(.invalidRequest, "The body is \(other); send it as UTF-8.")
        }
        let bytes = Array(WrittenText.withoutMark(bytes[...]))
        let firstByte = bytes.first { $0 != 0x20 && $0 != 0x09 && $0 != 0x0A && $0 != 0x0D }
        if firstByte == UInt8(ascii: "{") || firstByte == UInt8(ascii: "[") {
            let reader = try ObjectReader(JSONValue(parsing: bytes))
            try self.init { name throws(Problem) in try reader.string(name) }
        } else {
            guard let text = String(validating: bytes, as: UTF8.self), let fields = PercentEncoding.decode(form: text)
            else { throw Problem(.invalidRequest, "The body is neither JSON nor a form.") }
            try self.init { name throws(Problem) in fields.last { $0.name == name }?.value }
        }
    }

    private init(_ member: (String) throws(Problem) -> String?) throws(Problem) {
        guard let grantType = try member("grant_type") else { throw TokenRequest.missing("grant_type") }
        guard grantType == "client_credentials" else {
            throw Problem(.unsupportedGrantType, "The only 'grant_type' here is 'client_credentials'.")
        }
        guard let clientID = try member("client_id") else { throw TokenRequest.missing("client_id") }
        guard let clientSecret = try member("client_secret") else { throw TokenRequest.missing("client_secret") }
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

/// RFC 6749 §5.1.
public enum TokenResponse {
    public static func write(accessToken: String, expiresIn: Int64) -> JSONValue {
        .object([
            .init("access_token", .string(accessToken)),
            .init("expires_in", JSONValue(expiresIn)),
            .init("token_type", .string("Bearer")),
        ])
    }
}
