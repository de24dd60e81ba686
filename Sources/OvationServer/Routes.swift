import Hummingbird
import OvationCore
import OvationWire

/// The API's table of contents: each endpoint and the file that answers it, area by area. OvationWire describes each
/// endpoint; `Pipeline` runs before and after one.
struct Routes {
    typealias Route = (endpoint: Endpoint, handler: any EndpointHandler)

    let dependencies: Dependencies

    private var store: any Store { dependencies.store }
    private var directory: Directory { dependencies.directory }
    private var limits: Limits { dependencies.limits }

    /// The handlers of all endpoints: a test calls each.
    var handlers: [Endpoint: any EndpointHandler] {
        let routes =
            tokens + keyspaces + sections + eventTypes + attributes + tags + channels + folders + topics + models
            + events + profiles + profileData + merges + erasures + imports + profileFiles + consents + rejections
            + following
            + apiKeys
            + server
        return Dictionary(uniqueKeysWithValues: routes.map { ($0.endpoint, $0.handler) })
    }

    private var tokens: [Route] {
        [
            (
                .createToken,
                CreateToken(
                    directory: directory, signer: dependencies.signer, secretHash: dependencies.secretHash,
                    signIns: dependencies.signIns,
                    limits: limits)
            ),
            (.listSigningKeys, ListSigningKeys(signer: dependencies.signer)),
        ]
    }

    private var keyspaces: [Route] {
        [
            (.listKeyspaces, ListKeyspaces()),
            (.createKeyspace, CreateKeyspace(directory: directory, limits: limits)),
            (.getKeyspace, GetKeyspace()),
            (.changeKeyspace, ChangeKeyspace(directory: directory, limits: limits)),
        ]
    }

    private var sections: [Route] {
        [
            (.listSections, ListSections()),
            (.createSection, CreateSection(directory: directory, limits: limits)),
            (.getSection, GetSection()),
            (.changeSection, ChangeSection(directory: directory, limits: limits)),
        ]
    }

    /// With their versions.
    private var eventTypes: [Route] {
        [
            (.listEventTypes, ListEventTypes()),
            (.createEventType, CreateEventType(directory: directory, limits: limits)),
            (.getEventType, GetEventType()),
            (.changeEventType, ChangeEventType(directory: directory, limits: limits)),
            (.removeEventType, RemoveEventType(directory: directory)),
            (.addVersion, AddVersion(directory: directory, limits: limits)),
            (.publishVersion, PublishVersion(directory: directory)),
            (.deprecateVersion, DeprecateVersion(directory: directory)),
            (.discardVersion, DiscardVersion(directory: directory)),
            (.getUsage, GetUsage(store: store, directory: directory, signer: dependencies.signer)),
        ]
    }

    /// With their versions.
    private var attributes: [Route] {
        [
            (.listAttributes, ListAttributes()),
            (.createAttribute, CreateAttribute(directory: directory, limits: limits)),
            (.getAttribute, GetAttribute()),
            (.changeAttribute, ChangeAttribute(directory: directory, limits: limits)),
            (.removeAttribute, RemoveAttribute(directory: directory)),
            (.addAttributeVersion, AddAttributeVersion(directory: directory, limits: limits)),
            (.publishAttributeVersion, PublishAttributeVersion(directory: directory)),
            (.deprecateAttributeVersion, DeprecateAttributeVersion(directory: directory)),
            (.discardAttributeVersion, DiscardAttributeVersion(directory: directory)),
        ]
    }

    private var tags: [Route] {
        [
            (.listTags, ListTags()),
            (.createTag, CreateTag(directory: directory, limits: limits)),
            (.getTag, GetTag()),
            (.changeTag, ChangeTag(directory: directory, limits: limits)),
            (.removeTag, RemoveTag(directory: directory)),
        ]
    }

    private var channels: [Route] {
        [
            (.listChannels, ListChannels()),
            (.createChannel, CreateChannel(directory: directory, limits: limits)),
            (.changeChannel, ChangeChannel(directory: directory, limits: limits)),
            (.removeChannel, RemoveChannel(directory: directory)),
        ]
    }

    /// Also as the consent lists of the first generation.
    private var folders: [Route] {
        [
            (.listFolders, ListFolders()),
            (.listTopicFolders, ListTopicFolders()),
            (.createFolder, CreateFolder(directory: directory, limits: limits)),
            (.changeFolder, ChangeFolder(directory: directory, limits: limits)),
            (.removeFolder, RemoveFolder(directory: directory)),
            (.listConsentLists, ListConsentLists()),
            (.listConsentListTopics, ListConsentListTopics()),
        ]
    }

    private var topics: [Route] {
        [
            (.listTopics, ListTopics()),
            (.createTopic, CreateTopic(directory: directory, limits: limits)),
            (.changeTopic, ChangeTopic(directory: directory, limits: limits)),
            (.removeTopic, RemoveTopic(directory: directory)),
            (.listConsentCounts, ListConsentCounts(store: store)),
        ]
    }

    /// The data model as a whole, and its history.
    private var models: [Route] {
        [
            (.exportModel, ExportModel()),
            (.planModel, PlanModel(limits: limits)),
            (.applyModel, ApplyModel(directory: directory, limits: limits)),
            (.listLog, ListLog(store: store)),
        ]
    }

    /// For a profile, and for a section.
    private var events: [Route] {
        [
            (
                .postEvents,
                PostEvents(
                    store: store, directory: directory, parsers: dependencies.parsers, journal: dependencies.journal,
                    limits: limits)
            ),
            (.listEvents, ListEvents(store: store, limits: limits)),
            (.deleteEvents, DeleteEvents(store: store, logger: dependencies.journal.logger)),
            (.deleteEvent, DeleteEvent(store: store, logger: dependencies.journal.logger)),
            (.listEventDays, ListEventDays(store: store)),
            (.loadEvents, LoadEvents(dependencies: dependencies)),
            (.exportEvents, ExportEvents(dependencies: dependencies)),
        ]
    }

    private var profiles: [Route] {
        [
            (.getProfile, GetProfile(store: store)),
            (.findProfiles, FindProfiles(store: store)),
            (.getProfileByID, GetProfileByID(store: store)),
            (.exportProfiles, ExportProfiles(dependencies: dependencies)),
        ]
    }

    /// Profiles that become one, and the keys that lead to a profile.
    private var merges: [Route] {
        [
            (.mergeProfiles, MergeProfiles(store: store, directory: directory, limits: limits)),
            (.unmergeProfile, UnmergeProfile(store: store)),
            (.listProfileKeys, ListProfileKeys(store: store)),
            (.addProfileKey, AddProfileKey(store: store, directory: directory, limits: limits)),
            (.removeProfileKey, RemoveProfileKey(store: store)),
            (.switchIdentifier, SwitchIdentifier(store: store, directory: directory, limits: limits)),
        ]
    }

    /// Profiles that are deleted, and the receipts.
    private var erasures: [Route] {
        [
            (.deleteProfile, DeleteProfile(store: store)),
            (.lockProfile, LockProfile(store: store)),
            (.getErasure, GetErasure(store: store)),
            (.listErasures, ListErasures(store: store)),
        ]
    }

    /// What profiles hold: attributes, tags, and their history.
    private var profileData: [Route] {
        [
            (.createProfile, CreateProfile(store: store, directory: directory, limits: limits)),
            (.getAttributeValues, GetAttributeValues(store: store)),
            (.changeAttributeValues, ChangeAttributeValues(store: store, directory: directory, limits: limits)),
            (.removeAttributeValue, RemoveAttributeValue(store: store, directory: directory)),
            (.listAttributeValues, ListAttributeValues(store: store)),
            (
                .changeAttributeValuesByName,
                ChangeAttributeValuesByName(store: store, directory: directory, limits: limits)
            ),
            (.removeAttributeValueByName, RemoveAttributeValueByName(store: store, directory: directory)),
            (.getProfileTags, GetProfileTags(store: store)),
            (.changeProfileTags, ChangeProfileTags(store: store, directory: directory, limits: limits)),
            (.listProfileChanges, ListProfileChanges(store: store)),
        ]
    }

    /// Profiles from files, and jobs.
    private var imports: [Route] {
        let imports = Imports(
            store: store, directory: directory, files: dependencies.files, wake: dependencies.jobs,
            basePath: dependencies.basePath)
        return [
            (.createImport, CreateImport(imports: imports, limits: limits)),
            (.createMergingImport, CreateMergingImport(imports: imports, limits: limits)),
            (.previewImport, PreviewImport(imports: imports, store: store, limits: limits)),
            (.uploadImportFile, UploadImportFile(imports: imports, clock: dependencies.clock, limits: limits)),
            (.getImport, GetImport(imports: imports)),
            (.getImportReport, GetImportReport(imports: imports)),
            (.listJobs, ListJobs(store: store)),
            (.getJob, GetJob(store: store)),
            (
                .cancelJob,
                CancelJob(store: store, files: dependencies.files, metrics: dependencies.journal.metrics)
            ),
        ]
    }

    /// Exports and reports that are made as files.
    private var profileFiles: [Route] {
        let profileFiles = ProfileFiles(
            store: store, directory: directory, files: dependencies.files, wake: dependencies.jobs,
            basePath: dependencies.basePath)
        let handout = FileHandout(
            store: store, files: dependencies.files, exports: dependencies.exports, clock: dependencies.clock)
        return [
            (.createProfileExport, CreateProfileExport(profileFiles: profileFiles, limits: limits)),
            (
                .createSingleExport,
                CreateSingleExport(
                    profileFiles: profileFiles, store: store, callbacks: dependencies.callbacks, limits: limits)
            ),
            (.getSingleExport, GetSingleExport(handout: handout)),
            (.createConsentReport, CreateConsentReport(profileFiles: profileFiles, limits: limits)),
            (.createDuplicateReport, CreateDuplicateReport(profileFiles: profileFiles, limits: limits)),
            (.getJobFile, GetJobFile(handout: handout)),
        ]
    }

    /// Of both generations of the API.
    private var consents: [Route] {
        [
            (.postConsent, PostConsent(store: store, directory: directory, limits: limits)),
            (.listConsents, ListConsents(store: store, suppressions: suppressions)),
            (.listConsentChanges, ListConsentChanges(store: store)),
            (.postSubscription, PostSubscription(store: store, directory: directory, limits: limits)),
            (.postAddressConsent, PostAddressConsent(store: store, directory: directory, limits: limits)),
            (.liftAddressOptOut, LiftAddressOptOut(store: store)),
            (.listEvaluations, ListEvaluations(store: store, suppressions: suppressions)),
            (.askSending, AskSending(store: store, suppressions: suppressions)),
            (.listSuppressions, ListSuppressions(store: store)),
            (.getSuppression, GetSuppression(suppressions: suppressions)),
            (.listSuppressionChanges, ListSuppressionChanges(suppressions: suppressions)),
            (
                .putSuppression,
                PutSuppression(store: store, directory: directory, suppressions: suppressions, limits: limits)
            ),
            (.liftSuppression, LiftSuppression(store: store, suppressions: suppressions)),
        ]
    }

    private var suppressions: Suppressions {
        Suppressions(store: store, secretHash: dependencies.secretHash)
    }

    private var rejections: [Route] {
        [
            (.listRejections, ListRejections(store: store, limits: limits)),
            (.listAllRejections, ListAllRejections(store: store, limits: limits)),
            (.getRejection, GetRejection(store: store, limits: limits)),
            (.replayRejection, ReplayRejection(replay: dependencies.replay, directory: directory)),
            (.dismissRejection, DismissRejection(store: store, limits: limits)),
            (.listRejectionCauses, ListRejectionCauses(store: store, limits: limits)),
            (.getRejectionCause, GetRejectionCause(store: store, limits: limits)),
            (.replayRejectionCause, ReplayRejectionCause(replay: dependencies.replay, directory: directory)),
            (.dismissRejectionCause, DismissRejectionCause(store: store, limits: limits)),
        ]
    }

    private var following: [Route] {
        [
            (.streamLive, StreamLive(feed: dependencies.journal.feed, directory: directory)),
            (
                .getActivity,
                GetActivity(
                    metrics: dependencies.journal.metrics, store: store, startedAt: dependencies.startedAt,
                    limits: limits)
            ),
        ]
    }

    private var apiKeys: [Route] {
        [
            (.listAPIKeys, ListAPIKeys(directory: directory)),
            (.createAPIKey, CreateAPIKey(directory: directory, secretHash: dependencies.secretHash, limits: limits)),
            (.rotateAPIKey, RotateAPIKey(directory: directory, secretHash: dependencies.secretHash, limits: limits)),
            (.revokeAPIKey, RevokeAPIKey(directory: directory)),
            (.rotateSigningKey, RotateSigningKey(directory: directory, signer: dependencies.signer)),
            (.createConsoleLink, CreateConsoleLink(sessions: dependencies.sessions)),
        ]
    }

    /// The server itself.
    private var server: [Route] {
        [
            (
                .about,
                About(
                    version: dependencies.version, region: dependencies.signer.region,
                    hasConsole: dependencies.sessions != nil, basePath: dependencies.basePath)
            ),
            (.health, Health()),
            (.ready, Ready(store: store)),
            (
                .metrics,
                Metrics(
                    metrics: dependencies.journal.metrics, store: store, directory: dependencies.directory,
                    version: dependencies.version, startedAt: dependencies.startedAt)
            ),
            (.openAPI, OpenAPI(version: dependencies.version, basePath: dependencies.basePath)),
        ]
    }
}

/// The objects that endpoints are made from.
struct Dependencies: Sendable {
    let store: any Store
    let directory: Directory
    let signer: TokenSigner
    let secretHash: SecretHash
    let signIns: SignInLog
    /// For the console; nil if it is turned off.
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
    let basePath: BasePath
    let files: JobFiles
    /// nil: nobody outside is told of anything.
    let callbacks: Callbacks?
    let jobs = JobSignal()

    var replay: Replay { Replay(store: store, parsers: parsers, journal: journal, limits: limits) }
    var streams: StreamLog { StreamLog(metrics: journal.metrics, clock: clock, logger: journal.logger) }
}
