/// `GET /docs`: the API as a page that needs no script.
public struct ReferencePage: ConsolePage {
    public static let template = "reference"
    public var title: String { "API reference" }

    /// What a parameter or a member can be, and the body that has more about it.
    public struct Kind: Sendable, Equatable {
        public let text: String
        /// Name of a body on this page.
        public let body: String?

        public init(text: String, body: String? = nil) {
            self.text = text
            self.body = body
        }
    }

    /// A parameter of an endpoint, or a member of a body.
    public struct Member: Sendable, Equatable {
        public let name: String
        public let kind: Kind
        /// Where a parameter stands; empty for a member.
        public let place: String
        public let isRequired: Bool
        public let description: String

        public init(name: String, kind: Kind, place: String = "", isRequired: Bool, description: String) {
            self.name = name
            self.kind = kind
            self.place = place
            self.isRequired = isRequired
            self.description = description
        }
    }

    public struct Answer: Sendable, Equatable {
        public let status: String
        public let description: String
        public let kinds: [Kind]

        public init(status: String, description: String, kinds: [Kind]) {
            self.status = status
            self.description = description
            self.kinds = kinds
        }
    }

    /// How a language calls an endpoint.
    public struct Sample: Sendable, Equatable {
        public let language: String
        public let code: String

        public init(language: String, code: String) {
            self.language = language
            self.code = code
        }
    }

    public struct Endpoint: Sendable, Equatable {
        public let id: String
        public let method: String
        public let path: String
        public let summary: String
        public let description: String
        public let access: String
        public let parameters: [Member]
        public let bodyDescription: String?
        public let bodyKinds: [Kind]
        public let answers: [Answer]
        public let samples: [Sample]
        /// Of the page that sends a request to it; nil where a page cannot show the answer.
        public let tryHref: String?

        public init(
            id: String, method: String, path: String, summary: String, description: String, access: String,
            parameters: [Member], bodyDescription: String?, bodyKinds: [Kind], answers: [Answer], samples: [Sample],
            tryHref: String?
        ) {
            self.id = id
            self.method = method
            self.path = path
            self.summary = summary
            self.description = description
            self.access = access
            self.parameters = parameters
            self.bodyDescription = bodyDescription
            self.bodyKinds = bodyKinds
            self.answers = answers
            self.samples = samples
            self.tryHref = tryHref
        }
    }

    /// The endpoints of a tag.
    public struct Part: Sendable, Equatable {
        public let id: String
        public let name: String
        public let description: String
        public let endpoints: [Endpoint]

        public init(id: String, name: String, description: String, endpoints: [Endpoint]) {
            self.id = id
            self.name = name
            self.description = description
            self.endpoints = endpoints
        }
    }

    /// A body, or a part of one.
    public struct Body: Sendable, Equatable {
        public let name: String
        public let description: String
        /// What it can be, where it has no members.
        public let kind: Kind?
        public let members: [Member]

        public init(name: String, description: String, kind: Kind?, members: [Member]) {
            self.name = name
            self.description = description
            self.kind = kind
            self.members = members
        }
    }

    public let version: String
    public let token: String
    public let parts: [Part]
    public let bodies: [Body]
    public let errors: [ErrorGroup]

    public init(version: String, token: String, parts: [Part], bodies: [Body], errors: [ErrorGroup]) {
        self.version = version
        self.token = token
        self.parts = parts
        self.bodies = bodies
        self.errors = errors
    }
}
