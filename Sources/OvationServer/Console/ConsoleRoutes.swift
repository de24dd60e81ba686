import HTTPTypes
import Hummingbird
import OvationWire

/// The console's table of contents: each address, and what answers it. The path templates are written as the API's.
struct ConsoleRoute: Sendable {
    enum Answer: Sendable {
        /// For anybody: to sign in, and what the sign-in page is made of.
        case open(@Sendable (Arrival) async throws -> Response)
        /// For somebody who is signed in; changes nothing.
        case page(@Sendable (Visit) async throws -> Response)
        /// A form of somebody who is signed in.
        case act(@Sendable (Visit) async throws -> Response, Asking)
    }

    /// What cannot be undone, and what can break those who post, is asked before it is done: with what it changes, and how
    /// to undo it if that is possible. Every form says which it is.
    enum Asking: Sendable {
        /// The page that asks, whose form says `confirmed`; nil where this very form has nothing to ask.
        case question(@Sendable (Visit) async throws -> Response?)
        /// Why it needs no question.
        case nothing(because: String)
    }

    let method: HTTPRequest.Method
    let path: String
    let answer: Answer

    static let all: [ConsoleRoute] =
        signIn + overview + eventTypes + attributes + tags + folders + topics + profiles + jobs + rejections
        + account
        + channels + reference + documents

    /// - Parameter path: as it came, percent-encoded.
    static func find(_ method: HTTPRequest.Method, _ path: String) -> (ConsoleRoute, PathParameters)? {
        guard let (index, parameters) = table.find(method, path) else { return nil }
        return (all[index], parameters)
    }

    private static let table: PathTable = {
        var table = PathTable()
        for route in all { table.add(route.method, route.path) }
        return table
    }()

    private static let signIn: [ConsoleRoute] = [
        open(.get, "/console/assets/{version}/{file}", Assets.show),
        open(.get, "/console/sign-in", SignIn.show),
        open(.post, "/console/sign-in", SignIn.post),
        open(.get, "/console/enter/{link}", SignIn.enter),
        act(
            "/console/sign-out", SignIn.end,
            asksNothing: "signing in again undoes it"),
        act(
            "/console/mask", SignIn.mask,
            asksNothing: "it is of this session alone"),
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
        let version = type + "/versions/{version}"
        return [
            page(.get, types, EventTypeList.show),
            page(.get, types + "/new", EventTypeCreation.show),
            act(
                types, EventTypeCreation.post,
                asksNothing: "a new event type breaks nothing, and can be removed"),
            act(
                types + "/preview", EventTypeCreation.preview,
                asksNothing: "it changes nothing"),
            page(.get, type, EventTypeDetails.show),
            page(.get, type + "/edit", EventTypeEdit.show),
            act(type + "/edit", EventTypeEdit.post, asks: EventTypeEdit.question),
            act(
                type + "/edit/preview", EventTypeEdit.preview,
                asksNothing: "it changes nothing"),
            page(.get, type + "/remove", EventTypeRemoval.confirm),
            act(type + "/remove", EventTypeRemoval.post, asks: EventTypeRemoval.confirm),
            page(.get, version + "/publish", VersionActs.askToPublish),
            act(version + "/publish", VersionActs.publish, asks: VersionActs.askToPublish),
            page(.get, version + "/deprecate", VersionActs.askToDeprecate),
            act(version + "/deprecate", VersionActs.deprecate, asks: VersionActs.askToDeprecate),
            page(.get, version + "/discard", VersionActs.askToDiscard),
            act(version + "/discard", VersionActs.discard, asks: VersionActs.askToDiscard),
        ]
    }()

    private static let attributes: [ConsoleRoute] = {
        let attributes = "/console/sections/{section}/attributes"
        let attribute = attributes + "/{attribute}"
        let attributeVersion = attribute + "/versions/{version}"
        return [
            page(.get, attributes, AttributeList.show),
            page(.get, attributes + "/new", AttributeCreation.show),
            act(
                attributes, AttributeCreation.post,
                asksNothing: "a new attribute breaks nothing, and can be removed"),
            act(
                attributes + "/preview", AttributeCreation.preview,
                asksNothing: "it changes nothing"),
            page(.get, attribute, AttributeDetails.show),
            page(.get, attribute + "/edit", AttributeEdit.show),
            act(attribute + "/edit", AttributeEdit.post, asks: AttributeEdit.question),
            act(
                attribute + "/edit/preview", AttributeEdit.preview,
                asksNothing: "it changes nothing"),
            page(.get, attribute + "/remove", AttributeRemoval.confirm),
            act(attribute + "/remove", AttributeRemoval.post, asks: AttributeRemoval.confirm),
            page(.get, attributeVersion + "/publish", AttributeVersionActs.askToPublish),
            act(
                attributeVersion + "/publish", AttributeVersionActs.publish,
                asks: AttributeVersionActs.askToPublish),
            page(.get, attributeVersion + "/deprecate", AttributeVersionActs.askToDeprecate),
            act(
                attributeVersion + "/deprecate", AttributeVersionActs.deprecate,
                asks: AttributeVersionActs.askToDeprecate),
            page(.get, attributeVersion + "/discard", AttributeVersionActs.askToDiscard),
            act(
                attributeVersion + "/discard", AttributeVersionActs.discard,
                asks: AttributeVersionActs.askToDiscard),
        ]
    }()

    private static let tags: [ConsoleRoute] = {
        let tags = "/console/sections/{section}/tags"
        return [
            page(.get, tags, TagList.show),
            act(
                tags, TagList.create,
                asksNothing: "a new tag breaks nothing, and can be removed"),
            act(
                tags + "/{tag}", TagList.change,
                asksNothing: "clients know the discriminator, and a name and a mark can be changed back"),
            page(.get, tags + "/{tag}/remove", TagRemoval.confirm),
            act(tags + "/{tag}/remove", TagRemoval.post, asks: TagRemoval.confirm),
        ]
    }()

    private static let folders: [ConsoleRoute] = {
        let folders = "/console/sections/{section}/folders"
        return [
            page(.get, folders, FolderList.show),
            act(
                folders, FolderList.create,
                asksNothing: "a new folder breaks nothing, and can be removed"),
            act(
                folders + "/{folder}", FolderList.rename,
                asksNothing: "clients know the discriminator, and a name can be changed back"),
            page(.get, folders + "/{folder}/remove", FolderRemoval.confirm),
            act(folders + "/{folder}/remove", FolderRemoval.post, asks: FolderRemoval.confirm),
        ]
    }()

    private static let topics: [ConsoleRoute] = {
        let topics = "/console/sections/{section}/topics"
        return [
            page(.get, topics, TopicList.show),
            act(
                topics, TopicList.create,
                asksNothing: "a new topic breaks nothing, and can be removed"),
            act(
                topics + "/{topic}", TopicList.rename,
                asksNothing: "clients know the discriminator, and a name can be changed back"),
            page(.get, topics + "/{topic}/move", TopicMove.show),
            act(
                topics + "/{topic}/move", TopicMove.post,
                asksNothing: "its form stands on a page that says what it means, and the topic can be moved back"),
            page(.get, topics + "/{topic}/remove", TopicRemoval.confirm),
            act(topics + "/{topic}/remove", TopicRemoval.post, asks: TopicRemoval.confirm),
        ]
    }()

    private static let profiles: [ConsoleRoute] = {
        let profile = "/console/profiles/{profile_id}"
        return [
            page(.get, "/console/profiles", ProfileFinder.show),
            page(.get, "/console/keyspaces/{keyspace}/profiles/{key}", ProfileFinder.open),
            page(.get, profile, ProfileTimeline.show),
            page(.get, profile + "/summary", ProfileTimeline.summary),
            page(.get, profile + "/merge", ProfileMerging.show),
            act(profile + "/merge", ProfileMerging.post, asks: ProfileMerging.preview),
            page(.get, profile + "/delete", ProfileEnding.confirmDeletion),
            act(profile + "/delete", ProfileEnding.delete, asks: ProfileEnding.confirmDeletion),
            page(.get, profile + "/lock", ProfileEnding.confirmLock),
            act(profile + "/lock", ProfileEnding.lock, asks: ProfileEnding.confirmLock),
            page(.get, profile + "/members/{number}/undo", MergeUndo.confirm),
            act(profile + "/members/{number}/undo", MergeUndo.post, asks: MergeUndo.confirm),
            page(.get, profile + "/sections/{section}/attributes", AttributeEditor.show),
            act(
                profile + "/sections/{section}/attributes/validate", AttributeEditor.validate,
                asksNothing: "it changes nothing"),
            act(
                profile + "/sections/{section}/attributes", AttributeEditor.save,
                asksNothing: "its form shows all that it sets, and the history of changes keeps what was there"),
            act(
                profile + "/sections/{section}/tags", TagForm.post,
                asksNothing: "a tag that was added can be removed, and the other way round"),
            page(.get, profile + "/sections/{section}/changes", ChangeList.show),
            page(.get, profile + "/sections/{section}/consents", ConsentList.show),
            act(
                profile + "/sections/{section}/consents", ConsentList.post,
                asksNothing: "another consent can take its place, and the history keeps both"),
            page(.get, profile + "/sections/{section}/events/{id}/delete", EventRemoval.confirm),
            act(profile + "/sections/{section}/events/{id}/delete", EventRemoval.post, asks: EventRemoval.confirm),
        ]
    }()

    private static let jobs: [ConsoleRoute] = {
        let job = "/console/jobs/{job}"
        return [
            page(.get, "/console/jobs", JobList.show),
            page(.get, job, JobDetails.show),
            page(.get, job + "/report", JobDetails.report),
            page(.get, job + "/file", JobDetails.file),
            page(.get, job + "/cancel", JobCancelling.confirm),
            act(job + "/cancel", JobCancelling.post, asks: JobCancelling.confirm),
            page(.get, "/console/sections/{section}/exports", ExportForm.show),
            page(.get, "/console/sections/{section}/exports/profiles", ProfilesDownload.send),
            page(.get, "/console/sections/{section}/exports/events", EventsDownload.send),
            page(.get, "/console/imports/new", ImportFile.show),
            act(
                "/console/imports/columns", ImportMappingForm.show,
                asksNothing: "it changes nothing"),
            act(
                "/console/imports", ImportCreation.post,
                asksNothing: "nothing is stored before its file is uploaded on the page that follows"),
        ]
    }()

    private static let rejections: [ConsoleRoute] = {
        let cause = "/console/rejections/causes/{cause}"
        let rejection = "/console/sections/{section}/rejections/{id}"
        return [
            page(.get, "/console/rejections", RejectionCauseList.show),
            page(.get, rejection, RejectionDetails.show),
            act(
                rejection + "/validate", RejectionDetails.validate,
                asksNothing: "it changes nothing"),
            act(
                rejection + "/replay", RejectionDetails.replay,
                asksNothing: "its form shows all that it stores, and an event can be deleted"),
            page(.get, rejection + "/dismiss", RejectionDetails.confirmDismissal),
            page(.get, cause, RejectionCauseList.one),
            page(.get, cause + "/replay", CauseActs.previewReplay),
            act(
                cause + "/replay", CauseActs.replay,
                asksNothing: "its form stands on the page before, which says how many would pass"),
            page(.get, cause + "/dismiss", CauseActs.previewDismissal),
            act(
                cause + "/dismiss", CauseActs.dismiss,
                asksNothing: "its form stands on the page before, which asks and says how many"),
            act(rejection + "/dismiss", RejectionDetails.dismiss, asks: RejectionDetails.confirmDismissal),
        ]
    }()

    private static let account: [ConsoleRoute] = [
        page(.get, "/console/keys", KeyList.show),
        page(.get, "/console/keys/new", KeyCreation.show),
        act(
            "/console/keys", KeyCreation.post,
            asksNothing: "a new API key breaks nothing, and can be revoked"),
        page(.get, "/console/keys/{client_id}/rotate", KeyRotation.show),
        act("/console/keys/{client_id}/rotate", KeyRotation.post, asks: KeyRotation.show),
        page(.get, "/console/keys/{client_id}/revoke", KeyRevocation.confirm),
        act("/console/keys/{client_id}/revoke", KeyRevocation.post, asks: KeyRevocation.confirm),
        page(.get, "/console/sections", SectionList.show),
        act("/console/sections", SectionList.create, asks: SectionList.askToCreate),
        act(
            "/console/sections/{section}", SectionList.rename,
            asksNothing: "clients know the discriminator, and a name can be changed back"),
        page(.get, "/console/keyspaces", KeyspaceList.show),
        act("/console/keyspaces", KeyspaceList.create, asks: KeyspaceList.askToCreate),
        act(
            "/console/keyspaces/{keyspace}", KeyspaceList.change,
            asksNothing: "clients only read its name and its mark, and both can be changed back"),
    ]

    private static let channels: [ConsoleRoute] = {
        let channels = "/console/channels"
        return [
            page(.get, channels, ChannelList.show),
            act(
                channels, ChannelList.create,
                asksNothing: "a new channel breaks nothing, and can be removed"),
            act(
                channels + "/{channel}", ChannelList.rename,
                asksNothing: "clients know the discriminator, and a name can be changed back"),
            page(.get, channels + "/{channel}/remove", ChannelRemoval.confirm),
            act(channels + "/{channel}/remove", ChannelRemoval.post, asks: ChannelRemoval.confirm),
            page(.get, channels + "/{channel}/suppressions", SuppressionList.show),
            act(
                channels + "/{channel}/suppressions/look-up", SuppressionList.lookUp,
                asksNothing: "it changes nothing"),
            act(
                channels + "/{channel}/suppressions", SuppressionActs.suppress, asks: SuppressionActs.askToSuppress),
            act(
                channels + "/{channel}/suppressions/lift", SuppressionActs.lift, asks: SuppressionActs.askToLift),
        ]
    }()

    private static let reference: [ConsoleRoute] = [
        page(.get, "/console/docs/{operation}", EndpointForm.show),
        act("/console/docs/{operation}", EndpointForm.send, asks: EndpointForm.question),
    ]

    /// For anybody, and not under the console's own address.
    private static let documents: [ConsoleRoute] = [
        open(.get, "/docs", Reference.show),
        open(.get, "/favicon.ico", Assets.showIcon),
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

    private static func act(
        _ path: String, _ answer: @escaping @Sendable (Visit) async throws -> Response,
        asks question: @escaping @Sendable (Visit) async throws -> Response?
    ) -> ConsoleRoute {
        ConsoleRoute(method: .post, path: path, answer: .act(answer, .question(question)))
    }

    private static func act(
        _ path: String, _ answer: @escaping @Sendable (Visit) async throws -> Response, asksNothing reason: String
    ) -> ConsoleRoute {
        ConsoleRoute(method: .post, path: path, answer: .act(answer, .nothing(because: reason)))
    }
}
