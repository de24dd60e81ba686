public import HTTPTypes

/// Every endpoint: its method, its path and who may call it. The server registers from this list, documents are
/// checked against it, and metrics are labelled by it.
public enum Endpoint: String, CaseIterable, Sendable {
    // Tokens
    case createToken, listSigningKeys

    // Definitions
    case listKeyspaces, createKeyspace, getKeyspace, changeKeyspace
    case listSections, createSection, getSection, changeSection
    case listEventTypes, createEventType, getEventType, changeEventType, removeEventType
    case addVersion, publishVersion, deprecateVersion, discardVersion
    case getUsage
    case exportModel, planModel, applyModel, listLog

    // Events of a profile
    case postEvents, listEvents, deleteEvents, deleteEvent
    case listEventDays

    // Events of a section
    case loadEvents, exportEvents

    // Profiles
    case getProfile, findProfiles, getProfileByID

    // Refused posts
    case listRejections, listAllRejections, getRejection, replayRejection, dismissRejection
    case listRejectionCauses, getRejectionCause, replayRejectionCause, dismissRejectionCause

    // Following along
    case streamLive, getActivity

    // API keys
    case listAPIKeys, createAPIKey, rotateAPIKey, revokeAPIKey, rotateSigningKey
    case createConsoleLink

    // The server itself
    case about, health, ready, metrics, openAPI

    /// Who may call an endpoint.
    public enum Scope: Sendable {
        /// Anybody, without a token.
        case open
        /// Any valid token.
        case token
        /// The token of an admin key.
        case admin
    }

    public var method: HTTPRequest.Method { route.method }

    /// Path template; what stands in braces is one percent-encoded segment.
    public var path: String { route.path }

    public var scope: Scope { route.scope }

    private var route: (method: HTTPRequest.Method, path: String, scope: Scope) {
        let events = "/audience/sections/{section}/events"
        let rejections = "/audience/sections/{section}/rejections"
        let causes = "/audience/rejections/causes"
        let profile = "/audience/keyspaces/{keyspace}/profiles/{key}"
        let profileEvents = profile + "/sections/{section}/events"
        return switch self {
        case .createToken: (.post, "/oauth/token", .open)
        case .listSigningKeys: (.get, "/.well-known/jwks.json", .open)
        case .listKeyspaces: (.get, "/audience/keyspaces", .token)
        case .createKeyspace: (.post, "/audience/keyspaces", .admin)
        case .getKeyspace: (.get, "/audience/keyspaces/{keyspace}", .token)
        case .changeKeyspace: (.patch, "/audience/keyspaces/{keyspace}", .admin)
        case .listSections: (.get, "/audience/sections", .token)
        case .createSection: (.post, "/audience/sections", .admin)
        case .getSection: (.get, "/audience/sections/{section}", .token)
        case .changeSection: (.patch, "/audience/sections/{section}", .admin)
        case .listEventTypes: (.get, events, .token)
        case .createEventType: (.post, events, .admin)
        case .getEventType: (.get, events + "/{event}", .token)
        case .changeEventType: (.patch, events + "/{event}", .admin)
        case .removeEventType: (.delete, events + "/{event}", .admin)
        case .addVersion: (.post, events + "/{event}/versions", .admin)
        case .publishVersion: (.post, events + "/{event}/versions/{version}/publish", .admin)
        case .deprecateVersion: (.post, events + "/{event}/versions/{version}/deprecate", .admin)
        case .discardVersion: (.delete, events + "/{event}/versions/{version}", .admin)
        case .getUsage: (.get, "/audience/sections/{section}/usage", .token)
        case .exportModel: (.get, "/audience/model", .admin)
        case .planModel: (.post, "/audience/model/plan", .admin)
        case .applyModel: (.put, "/audience/model", .admin)
        case .listLog: (.get, "/audience/log", .admin)
        case .postEvents: (.post, profileEvents, .token)
        case .listEvents: (.get, profileEvents, .token)
        case .deleteEvents: (.delete, profileEvents, .admin)
        case .deleteEvent: (.delete, profileEvents + "/{id}", .admin)
        case .listEventDays: (.get, profile + "/sections/{section}/days", .token)
        case .loadEvents: (.post, events + "/bulk", .token)
        case .exportEvents: (.get, events + "/export", .token)
        case .getProfile: (.get, profile, .token)
        case .findProfiles: (.get, "/audience/profiles", .admin)
        case .getProfileByID: (.get, "/audience/profiles/{profile_id}", .admin)
        case .listRejections: (.get, rejections, .token)
        case .listAllRejections: (.get, "/audience/rejections", .admin)
        case .getRejection: (.get, rejections + "/{id}", .admin)
        case .replayRejection: (.post, rejections + "/{id}/replay", .admin)
        case .dismissRejection: (.delete, rejections + "/{id}", .admin)
        case .listRejectionCauses: (.get, causes, .admin)
        case .getRejectionCause: (.get, causes + "/{cause}", .admin)
        case .replayRejectionCause: (.post, causes + "/{cause}/replay", .admin)
        case .dismissRejectionCause: (.delete, causes + "/{cause}", .admin)
        case .streamLive: (.get, "/audience/live", .admin)
        case .getActivity: (.get, "/audience/activity", .admin)
        case .listAPIKeys: (.get, "/account/api-keys", .admin)
        case .createAPIKey: (.post, "/account/api-keys", .admin)
        case .rotateAPIKey: (.post, "/account/api-keys/{client_id}/rotate", .admin)
        case .revokeAPIKey: (.delete, "/account/api-keys/{client_id}", .admin)
        case .rotateSigningKey: (.post, "/account/signing-keys", .admin)
        case .createConsoleLink: (.post, "/account/console-links", .admin)
        case .about: (.get, "/", .open)
        case .health: (.get, "/health", .open)
        case .ready: (.get, "/ready", .open)
        case .metrics: (.get, "/metrics", .open)
        case .openAPI: (.get, "/openapi.json", .open)
        }
    }
}

extension Endpoint {
    /// The path with its parameters filled in, each percent-encoded.
    public func path(_ parameters: KeyValuePairs<String, String> = [:]) -> String {
        parameters.reduce(path) { path, parameter in
            let token = "{\(parameter.key)}"
            guard let range = path.firstRange(of: token) else { return path }
            return path.replacingCharacters(in: range, with: PercentEncoding.encode(segment: parameter.value))
        }
    }

    /// Whether a path, still percent-encoded, fits the template.
    public func matches(path: String) -> Bool {
        let template = self.path.split(separator: "/")
        let segments = path.split(separator: "/")
        return template.count == segments.count
            && zip(template, segments).allSatisfy { $0.first == "{" || $0 == $1 }
    }
}

extension String {
    fileprivate func replacingCharacters(in range: Range<String.Index>, with text: String) -> String {
        self[..<range.lowerBound] + text + self[range.upperBound...]
    }
}
