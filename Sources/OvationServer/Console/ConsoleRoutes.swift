import HTTPTypes
import Hummingbird

/// The console's table of contents: each address, and what answers it. The path templates are written as the API's.
struct ConsoleRoute: Sendable {
    enum Answer: Sendable {
        /// For anybody: to sign in, and what the sign-in page is made of.
        case open(@Sendable (Arrival) async throws -> Response)
        /// For somebody who is signed in.
        case page(@Sendable (Visit) async throws -> Response)
    }

    let method: HTTPRequest.Method
    let path: String
    let answer: Answer

    static let all: [ConsoleRoute] = signIn + overview + eventTypes + profiles + rejections + account

    private static let signIn: [ConsoleRoute] = [
        open(.get, "/console/assets/{version}/{file}", Assets.show),
        open(.get, "/console/sign-in", SignIn.show),
        open(.post, "/console/sign-in", SignIn.post),
        open(.get, "/console/enter/{link}", SignIn.enter),
        page(.post, "/console/sign-out", SignIn.end),
        page(.post, "/console/mask", SignIn.mask),
    ]

    private static let overview: [ConsoleRoute] = [
        page(.get, "/console", Overview.show),
        page(.get, "/console/live", Live.show),
        page(.get, "/console/live/stream", Live.stream),
        page(.get, "/console/history", History.show),
        page(.get, "/console/model.yaml", ModelFile.download),
    ]

    private static let eventTypes: [ConsoleRoute] = {
        let types = "/console/sections/{section}/event-types"
        let type = types + "/{event}"
        return [
            page(.get, types, EventTypeList.show),
            page(.get, types + "/new", EventTypeCreation.show),
            page(.post, types, EventTypeCreation.post),
            page(.post, types + "/preview", EventTypeCreation.preview),
            page(.get, type, EventTypeDetails.show),
            page(.get, type + "/edit", EventTypeEdit.show),
            page(.post, type + "/edit", EventTypeEdit.post),
            page(.post, type + "/edit/preview", EventTypeEdit.preview),
            page(.get, type + "/remove", EventTypeRemoval.confirm),
            page(.post, type + "/remove", EventTypeRemoval.post),
            page(.post, type + "/versions/{version}/publish", VersionActs.publish),
            page(.post, type + "/versions/{version}/deprecate", VersionActs.deprecate),
            page(.post, type + "/versions/{version}/discard", VersionActs.discard),
        ]
    }()

    private static let profiles: [ConsoleRoute] = {
        let profile = "/console/profiles/{profile_id}"
        return [
            page(.get, "/console/profiles", ProfileFinder.show),
            page(.get, "/console/keyspaces/{keyspace}/profiles/{key}", ProfileFinder.open),
            page(.get, profile, ProfileTimeline.show),
            page(.get, profile + "/summary", ProfileTimeline.summary),
            page(.get, profile + "/sections/{section}/events/{id}/delete", EventRemoval.confirm),
            page(.post, profile + "/sections/{section}/events/{id}/delete", EventRemoval.post),
        ]
    }()

    private static let rejections: [ConsoleRoute] = {
        let cause = "/console/rejections/causes/{cause}"
        let rejection = "/console/sections/{section}/rejections/{id}"
        return [
            page(.get, "/console/rejections", RejectionCauseList.show),
            page(.get, rejection, RejectionDetails.show),
            page(.post, rejection + "/validate", RejectionDetails.validate),
            page(.post, rejection + "/replay", RejectionDetails.replay),
            page(.get, rejection + "/dismiss", RejectionDetails.confirmDismissal),
            page(.post, rejection + "/dismiss", RejectionDetails.dismiss),
            page(.get, cause, RejectionCauseList.one),
            page(.get, cause + "/replay", CauseActs.previewReplay),
            page(.post, cause + "/replay", CauseActs.replay),
            page(.get, cause + "/dismiss", CauseActs.previewDismissal),
            page(.post, cause + "/dismiss", CauseActs.dismiss),
        ]
    }()

    private static let account: [ConsoleRoute] = [
        page(.get, "/console/keys", KeyList.show),
        page(.get, "/console/keys/new", KeyCreation.show),
        page(.post, "/console/keys", KeyCreation.post),
        page(.get, "/console/keys/{client_id}/rotate", KeyRotation.show),
        page(.post, "/console/keys/{client_id}/rotate", KeyRotation.post),
        page(.get, "/console/keys/{client_id}/revoke", KeyRevocation.confirm),
        page(.post, "/console/keys/{client_id}/revoke", KeyRevocation.post),
        page(.get, "/console/sections", SectionList.show),
        page(.post, "/console/sections", SectionList.create),
        page(.post, "/console/sections/{section}", SectionList.rename),
        page(.get, "/console/keyspaces", KeyspaceList.show),
        page(.post, "/console/keyspaces", KeyspaceList.create),
        page(.post, "/console/keyspaces/{keyspace}", KeyspaceList.change),
    ]

    private static func open(
        _ method: HTTPRequest.Method, _ path: String, _ answer: @escaping @Sendable (Arrival) async throws -> Response
    ) -> ConsoleRoute {
        ConsoleRoute(method: method, path: path, answer: .open(answer))
    }

    private static func page(
        _ method: HTTPRequest.Method, _ path: String, _ answer: @escaping @Sendable (Visit) async throws -> Response
    ) -> ConsoleRoute {
        ConsoleRoute(method: method, path: path, answer: .page(answer))
    }
}
