public import HTTPTypes

/// All that is said of an endpoint, in one place. Router, authentication, metrics, limits of bodies, the OpenAPI document
/// and the tests read it here.
public struct EndpointSpec: Sendable {
    /// As it is called in this code and in metrics.
    public let name: String
    public let method: HTTPRequest.Method
    public let path: String
    public let scope: Endpoint.Scope
    public let tag: Endpoint.Tag
    public let summary: String
    /// More than the summary, for those who read on.
    public let description: String
    /// In the path, in the query and in headers.
    public let parameters: [Parameter]
    /// nil where none is read.
    public let body: RequestBody?
    /// Answers of success; a refusal is a problem everywhere.
    public let answers: [Answer]
    /// Whether an answer has tokens, API keys, or what is known of a person. No proxy and no browser keeps it.
    public let isPrivate: Bool
    /// What is described beside bodies, such as the lines of a stream.
    public let besides: [any NamedSchema.Type]
    /// As it is called in generated clients, where that is not the name.
    private let operation: String?

    init(
        _ name: String, _ method: HTTPRequest.Method, _ path: String, _ scope: Endpoint.Scope,
        _ tag: Endpoint.Tag,
        _ summary: String, _ description: String, parameters: [Parameter] = [], body: RequestBody? = nil,
        answers: [Answer], isPrivate: Bool = false, besides: [any NamedSchema.Type] = [], operation: String? = nil
    ) {
        self.name = name
        self.method = method
        self.path = path
        self.scope = scope
        self.tag = tag
        self.summary = summary
        self.description = description
        let given = Set(parameters.filter { $0.location == .path }.map(\.name))
        let inPath = path.split(separator: "/").filter { $0.first == "{" }.map { $0.dropFirst().dropLast() }
        self.parameters =
            inPath.filter { !given.contains(String($0)) }.compactMap { Parameter.inPaths[String($0)] } + parameters
        self.body = body
        self.answers = answers
        self.isPrivate = isPrivate
        self.besides = besides
        self.operation = operation
    }

    /// As it is called in generated clients, which cut a name where a capital letter begins a word: `listApiKeys` becomes
    /// `list_api_keys`, where `listAPIKeys` can become `list_a_p_i_keys`.
    public var operationID: String {
        operation ?? name.replacing("API", with: "Api").replacing("ID", with: "Id")
    }
}

extension Endpoint {
    /// The part of the API that an endpoint belongs to.
    public enum Tag: String, CaseIterable, Sendable {
        case tokens = "Tokens"
        case keyspaces = "Keyspaces"
        case sections = "Sections"
        case eventTypes = "Event types"
        case attributes = "Attributes"
        case tags = "Tags"
        case channels = "Channels"
        case topics = "Topics"
        case model = "Model"
        case events = "Events"
        case profiles = "Profiles"
        case imports = "Imports"
        case consents = "Consents"
        case rejections = "Refused posts"
        case following = "Following along"
        case apiKeys = "API keys"
        case server = "Server"

        public var description: String {
            switch self {
            case .tokens: "Access tokens, and the keys that verify them."
            case .keyspaces: "Kinds of keys that profiles are known by."
            case .sections: "Parts of the account, each with event types of its own."
            case .eventTypes: "Kinds of events, and versions of their fields."
            case .attributes: "Values that each profile can have in a section, and versions of their types."
            case .tags: "Labels that a profile has in a section or has not."
            case .channels: "Ways to reach a person."
            case .topics: "What people can consent to, and the folders that it is in."
            case .model: "All definitions at once, and who changed what."
            case .events: "Events of a profile or of a whole section."
            case .profiles: "Profiles, by their keys and ids."
            case .imports: "Profiles from files, and the jobs that bring them in."
            case .consents: "What people said about being written to, and whether an address may be."
            case .rejections: "Refused posts, to be read, corrected and posted again."
            case .following: "The outcome of posts, live and for the last hour."
            case .apiKeys: "Who may ask for tokens."
            case .server: "The server itself."
            }
        }
    }
}

/// What an endpoint reads beside its body.
public struct Parameter: Sendable {
    public enum Location: String, Sendable {
        case path, query, header
    }

    public let name: String
    public let location: Location
    public let isRequired: Bool
    public let description: String
    public let schema: Schema

    /// The words that may be given; empty where there are others.
    public var words: [String] {
        schema.json["type"]?.string == "boolean"
            ? ["true", "false"] : schema.json["enum"]?.array?.compactMap(\.string) ?? []
    }

    /// Whether it may be given several times.
    public var isRepeatable: Bool { schema.json["type"]?.string == "array" }
}

/// The body that an endpoint reads.
public struct RequestBody: Sendable {
    /// How much of it is read; the limits say how many bytes that is.
    public enum Size: Sendable {
        case body
        /// A corrected post may need more room than the refused one.
        case twoBodies
        case model
        /// It is dealt with while it arrives.
        case any
    }

    public let size: Size
    /// Media types and their content. The server ignores the type of a request, so this is for the documentation.
    public let content: [(type: String, schema: Schema)]
    public let isRequired: Bool
    public let description: String

    static func json(
        _ body: any Body.Type, _ description: String, isRequired: Bool = true, size: Size = .body,
        orForm form: (any Body.Type)? = nil
    ) -> RequestBody {
        RequestBody(
            size: size,
            content: [("application/json", .reference(body))]
                + (form.map { [("application/x-www-form-urlencoded", .reference($0))] } ?? []),
            isRequired: isRequired, description: description)
    }

    /// Of JSON.
    public var json: Schema? { content.first { $0.type == "application/json" }?.schema }
}

/// How an endpoint answers where it does not refuse.
public struct Answer: Sendable {
    public let status: Int
    public let description: String
    /// Media types and what they hold, the one that is answered without being asked for first; empty for an empty answer.
    public let content: [(type: String, schema: Schema)]
    /// Of JSON.
    public let body: (any Body.Type)?

    /// - Parameters:
    ///   - types: in which the same can be had.
    ///   - texts: in which something else can be had.
    static func json(
        _ status: Int, _ description: String, _ body: any Body.Type, or types: [String] = [],
        orText texts: [String] = []
    ) -> Answer {
        Answer(
            status: status, description: description,
            content: (["application/json"] + types).map { ($0, .reference(body)) } + texts.map { ($0, .text) },
            body: body)
    }

    static func ok(_ body: any Body.Type) -> Answer { json(200, "Done.", body) }
    static func created(_ body: any Body.Type) -> Answer { json(201, "Made.", body) }
    /// Of an endpoint that makes something, and can be asked only to check it.
    static func checked(_ body: any Body.Type) -> Answer {
        json(200, "Checked, with `Prefer: validate-only`: what would be made.", body)
    }

    static func text(_ description: String, _ types: String...) -> Answer {
        Answer(status: 200, description: description, content: types.map { ($0, .text) }, body: nil)
    }

    private static func empty(_ status: Int, _ description: String) -> Answer {
        Answer(status: status, description: description, content: [], body: nil)
    }

    static let done = empty(204, "Done; the answer is empty.")
    static let acceptedEmpty = empty(202, "Taken; the answer is empty.")
    static let createdEmpty = empty(201, "Made; the answer is empty.")
    /// Of an endpoint that answers with nothing, and can be asked only to check what it would make.
    static let checkedEmpty = empty(204, "Checked, with `Prefer: validate-only`; the answer is empty.")
    static let unchanged = empty(304, "The entity tag still holds.")
}

extension Schema {
    fileprivate static let text = Schema(["type": "string"], example: "")
}
