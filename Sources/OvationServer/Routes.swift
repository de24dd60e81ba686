import Hummingbird
import OvationCore
import OvationWire

/// The API's table of contents: each endpoint and the file that answers it. Method, path and scope stand in
/// `Endpoint`; what happens before and after an endpoint stands in `Pipeline`.
struct Routes {
    let parts: Parts

    func handler(of endpoint: Endpoint) -> any EndpointHandler {
        let (store, directory, limits) = (parts.store, parts.directory, parts.limits)
        return switch endpoint {
        // Tokens
        case .createToken:
            CreateToken(
                directory: directory, signer: parts.signer, secretHash: parts.secretHash, signIns: parts.signIns,
                limits: limits)
        case .listSigningKeys: ListSigningKeys(signer: parts.signer)

        // Keyspaces
        case .listKeyspaces: ListKeyspaces()
        case .createKeyspace: CreateKeyspace(directory: directory, limits: limits)
        case .getKeyspace: GetKeyspace()
        case .changeKeyspace: ChangeKeyspace(directory: directory, limits: limits)

        // Sections
        case .listSections: ListSections()
        case .createSection: CreateSection(directory: directory, limits: limits)
        case .getSection: GetSection()
        case .changeSection: ChangeSection(directory: directory, limits: limits)

        // Event types and their versions
        case .listEventTypes: ListEventTypes()
        case .createEventType: CreateEventType(directory: directory, limits: limits)
        case .getEventType: GetEventType()
        case .changeEventType: ChangeEventType(directory: directory, limits: limits)
        case .removeEventType: RemoveEventType(directory: directory)
        case .addVersion: AddVersion(directory: directory, limits: limits)
        case .publishVersion: PublishVersion(directory: directory)
        case .deprecateVersion: DeprecateVersion(directory: directory)
        case .discardVersion: DiscardVersion(directory: directory)

        case .getUsage: GetUsage(store: store)

        // The data model as a whole, and its history
        case .exportModel: ExportModel()
        case .planModel: PlanModel(limits: limits)
        case .applyModel: ApplyModel(directory: directory, limits: limits)
        case .listLog: ListLog(store: store)

        // Events of a profile
        case .postEvents:
            PostEvents(
                store: store, directory: directory, parsers: parts.parsers, journal: parts.journal, limits: limits)
        case .listEvents: ListEvents(store: store)
        case .deleteEvents: DeleteEvents(directory: directory)
        case .deleteEvent: DeleteEvent(directory: directory)
        case .listEventDays: ListEventDays(store: store)

        // Events of a section
        case .loadEvents: LoadEvents(parts: parts)
        case .exportEvents: ExportEvents(parts: parts)

        // Profiles
        case .getProfile: GetProfile(store: store)
        case .findProfiles: FindProfiles(store: store)
        case .getProfileByID: GetProfileByID(store: store)

        // Refused posts
        case .listRejections: ListRejections(store: store, limits: limits)
        case .listAllRejections: ListAllRejections(store: store, limits: limits)
        case .getRejection: GetRejection(store: store, limits: limits)
        case .replayRejection:
            ReplayRejection(replay: parts.replay, directory: directory)
        case .dismissRejection: DismissRejection(store: store, limits: limits)

        case .listRejectionCauses: ListRejectionCauses(store: store, limits: limits)
        case .getRejectionCause: GetRejectionCause(store: store, limits: limits)
        case .replayRejectionCause: ReplayRejectionCause(replay: parts.replay, directory: directory)
        case .dismissRejectionCause: DismissRejectionCause(store: store, limits: limits)

        // Following along
        case .streamLive: StreamLive(feed: parts.journal.feed, directory: directory)
        case .getActivity:
            GetActivity(
                metrics: parts.journal.metrics, store: store, startedAt: parts.startedAt, limits: limits)

        // API keys
        case .listAPIKeys: ListAPIKeys(directory: directory)
        case .createAPIKey:
            CreateAPIKey(directory: directory, secretHash: parts.secretHash, limits: limits)
        case .rotateAPIKey: RotateAPIKey(directory: directory, secretHash: parts.secretHash, limits: limits)
        case .revokeAPIKey: RevokeAPIKey(directory: directory)
        case .rotateSigningKey: RotateSigningKey(directory: directory, signer: parts.signer)
        case .createConsoleLink: CreateConsoleLink(sessions: parts.sessions)

        // The server itself
        case .about: About(version: parts.version, region: parts.signer.region)
        case .health: Health()
        case .ready: Ready(store: store)
        case .metrics: Metrics(metrics: parts.journal.metrics, store: store)
        case .openAPI: OpenAPI(version: parts.version)
        }
    }
}

/// What endpoints are made of.
struct Parts: Sendable {
    let store: any Store
    let directory: Directory
    let signer: TokenSigner
    let secretHash: SecretHash
    let signIns: SignInLog
    /// Of the console; nil where it is turned off.
    let sessions: ConsoleSessions?
    let parsers = TapeParsers()
    let uploads = WorkSlots(Limits.bulkUploadsMax, share: Limits.bulkUploadsPerKeyMax, of: "bulk uploads")
    let exports = WorkSlots(Limits.exportsMax, share: Limits.exportsPerKeyMax, of: "exports")
    let journal: PostJournal
    let clock: WallClock
    let startedAt: Timestamp
    let limits: Limits
    let bodies: BodyBudget
    let version: String

    var replay: Replay { Replay(store: store, parsers: parsers, journal: journal, limits: limits) }
    var streams: StreamLog { StreamLog(metrics: journal.metrics, clock: clock, logger: journal.logger) }
}
