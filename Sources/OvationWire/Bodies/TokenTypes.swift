public import OvationCore

extension Bodies {
    public struct TokenRequest: Body {
        public var grantType = "client_credentials"
        public var clientID = ""
        public var clientSecret = ""
        public init() {}

        public static let summary = "The client-credentials grant of OAuth 2 (RFC 6749)."
        public static let members = Members<Self> {
            $0.required("grant_type", \.grantType, "The only grant there is.", .constant("client_credentials"))
            $0.required(
                "client_id", \.clientID, "Id of an API key.",
                .string(example: "752cdd05-75e0-4f8a-bd08-62e3df753ff3"))
            $0.required(
                "client_secret", \.clientSecret, "The secret that was shown when the API key was made.",
                .string(example: "s3cr3t-of-the-api-key"))
        }
    }

    /// A type of its own, so that a generated client can tell which of the two it sends.
    public struct TokenForm: Body {
        public var request = TokenRequest()
        public init() {}

        public static let summary = "The same as a form, as OAuth 2 has it."
        public static let members = Members<Self> { $0.all(of: \.request) }
    }

    public struct Token: Body {
        public var accessToken = ""
        public var expiresIn: Int64 = 0
        public var tokenType = ""
        public init() {}

        public static let summary = "An access token, valid for a day."
        public static let members = Members<Self> {
            $0.required(
                "access_token", \.accessToken, "To be sent as 'Authorization: Bearer TOKEN'.",
                .string(example: "eyJhbGciOiJSUzI1NiJ9.e30.c2lnbmF0dXJl"))
            $0.required("expires_in", \.expiresIn, "Seconds until it expires.", .count(86_400))
            $0.required("token_type", \.tokenType, "How it is sent.", .constant("Bearer"))
        }
    }

    public struct KeySet: Body {
        public var keys: [PublicKey] = []
        public init() {}

        public static let summary = "The public keys that verify access tokens (RFC 7517)."
        public static let members = Members<Self> {
            $0.required("keys", \.keys, "The keys of all tokens that can still be valid.")
        }
    }

    public struct PublicKey: Body {
        public var keyType = ""
        public var use = ""
        public var algorithm = ""
        public var id = ""
        public var modulus = ""
        public var exponent = ""
        public init() {}

        public static let summary = "A public RSA key."
        public static let members = Members<Self> {
            $0.required("kty", \.keyType, "Kind of key.", .string(example: "RSA"))
            $0.required("use", \.use, "What it is for.", .string(example: "sig"))
            $0.required("alg", \.algorithm, "How it signs.", .string(example: "RS256"))
            $0.required("kid", \.id, "The id that tokens name.", .string(example: "2026-11-23-k3v9"))
            $0.required("n", \.modulus, "Modulus, in base64url.", .string(example: "u1SU1LfVLPHCozMxH2Mo"))
            $0.required("e", \.exponent, "Exponent, in base64url.", .string(example: "AQAB"))
        }
    }

    public struct SigningKey: Body {
        public var id = ""
        public init() {}

        public static let summary = "The key that signs tokens from now on."
        public static let members = Members<Self> {
            $0.required("kid", \.id, "The id that its tokens name.", .string(example: "2026-11-23-k3v9"))
        }
    }

    public struct ConsoleLink: Body {
        public var path = ""
        public var expiresAt = Timestamp(milliseconds: 0)
        public init() {}

        public static let summary = "A link that signs in to the console once."
        public static let members = Members<Self> {
            $0.required("path", \.path, "The path at this server.", .string(example: "/console/enter/k3v9x2b7qa"))
            $0.required("expires_at", \.expiresAt, "Until when it can be followed.")
        }
    }

    /// An API key, without its secret.
    public struct APIKey: Body {
        public var clientID = ""
        public var rest = APIKeyDetails()
        public init() {}

        public static let summary = "An API key. Its secret is shown once, when it is made."
        public static let members = Members<Self> {
            $0.required("client_id", \.clientID, "The id for asking for a token.", clientIDSchema)
            $0.all(of: \.rest)
        }
    }

    public struct NewAPIKey: Body {
        public var clientID = ""
        public var clientSecret = ""
        public var rest = APIKeyDetails()
        public init() {}

        public static let summary = "An API key with its secret, which no other answer shows."
        public static let members = Members<Self> {
            $0.required("client_id", \.clientID, "The id for asking for a token.", clientIDSchema)
            $0.required(
                "client_secret", \.clientSecret, "The secret. Keep it: it is not shown again.",
                .string(example: "s3cr3t-of-the-api-key"))
            $0.all(of: \.rest)
        }
    }

    /// What an API key shows with its secret and without.
    public struct APIKeyDetails: Body {
        public var name = ""
        public var role = OvationCore.APIKey.Role.integration
        public var sections: [String]?
        public var keyspaces: BodyMap<OvationCore.APIKey.Access>?
        public var createdAt = Timestamp(milliseconds: 0)
        public var lastUsedAt: Timestamp?
        public var previousSecretValidUntil: Timestamp?
        public var revokedAt: Timestamp?
        public init() {}

        public static let summary = "What is known of an API key."
        public static let members = Members<Self> {
            $0.required("name", \.name, "A name for people.", .string(example: "Shop"))
            $0.required("role", \.role, "What it may do.")
            $0.nullable(
                "sections", \.sections, "Sections that it may see; null: all.",
                .array(of: .discriminator("com.apsis1.sections.default")))
            $0.nullable(
                "keyspaces", \.keyspaces, "Keyspaces that it may use, and how; null: all.", accessSchema)
            $0.required("created_at", \.createdAt, "When it was made.")
            $0.nullable("last_used_at", \.lastUsedAt, "When it was last used, to the minute.")
            $0.nullable(
                "previous_secret_valid_until", \.previousSecretValidUntil,
                "Until when the secret before the last rotation works.")
            $0.nullable("revoked_at", \.revokedAt, "When it was revoked.")
        }
    }

    public struct APIKeys: ListBody {
        public var items: [APIKey] = []
        public init() {}

        public static let summary = "All API keys of the account."
        public static let members = Members<Self> {
            $0.required("items", \.items, "The oldest first, with the revoked ones.")
        }
    }

    public struct APIKeyRequest: Body {
        public var name = ""
        public var role: OvationCore.APIKey.Role?
        public var sections: [String]?
        public var keyspaces: BodyMap<OvationCore.APIKey.Access>?
        public init() {}

        public static let summary = "An API key to make."
        public static let members = Members<Self> {
            $0.required("name", \.name, "A name for people.", .name("Shop"))
            $0.optional(
                "role", \.role, "What it may do; by default 'integration'.",
                OvationCore.APIKey.Role.schema.with(example: "integration"))
            $0.optional(
                "sections", \.sections, "Sections that it may see; by default all.",
                .array(of: .discriminator("com.apsis1.sections.default"), min: 1).orNull)
            $0.optional(
                "keyspaces", \.keyspaces, "Keyspaces that it may use, and how; by default all.",
                someAccessSchema.orNull)
        }
    }

    public struct RotateAPIKeyRequest: Body {
        public var overlapHours: OverlapHours?
        public init() {}

        public static let summary = "How an API key gets a new secret."
        public static let members = Members<Self> {
            $0.optional("overlap_hours", \.overlapHours, "Hours for which the old secret stays good.")
        }
    }

    /// Hours for which an old secret stays good: a whole number up to a maximum.
    public struct OverlapHours: BodyValue {
        public let hours: Int64
        private static let max = Limits.secretOverlapMax.components.seconds / 3600

        public init(_ hours: Int64) throws(OvationCore.Problem) {
            try self.init(json: JSONValue(hours), at: "/overlap_hours")
        }

        public init(json: JSONValue, at pointer: String) throws(OvationCore.Problem) {
            guard case .number(let text) = json, let hours = Int64(text), (0...OverlapHours.max).contains(hours) else {
                throw ObjectReader.refused(
                    pointer, .invalidValue,
                    "\(JSONPointer.subject(pointer)) is a whole number from 0 to \(OverlapHours.max).")
            }
            self.hours = hours
        }

        public static var schema: Schema { .integer(min: 0, max: max, example: 24).with(default: 24) }
        public var json: JSONValue { JSONValue(hours) }
    }

    static let clientIDSchema = Schema.string(example: "752cdd05-75e0-4f8a-bd08-62e3df753ff3")
    private static var accessSchema: Schema {
        .map(
            of: OvationCore.APIKey.Access.schema,
            example: .object([.init("com.apsis1.keyspaces.email", "read_write")]))
    }
    private static var someAccessSchema: Schema {
        var schema = accessSchema
        schema.add("minProperties", 1)
        return schema
    }
}
