public import OvationWire

/// An endpoint with the types of the bodies that it reads and answers with. The types are those of its `EndpointSpec`; a
/// test compares them.
public struct APICall<Request: Body, Answer: Body>: Sendable {
    public let endpoint: Endpoint

    init(_ endpoint: Endpoint) { self.endpoint = endpoint }
}

// MARK: - Tokens and the server

extension APICall where Request == Bodies.Empty, Answer == Bodies.About {
    public static var about: Self { Self(.about) }
}

extension APICall where Request == Bodies.Empty, Answer == Bodies.Ready {
    public static var ready: Self { Self(.ready) }
}

extension APICall where Request == Bodies.TokenRequest, Answer == Bodies.Token {
    public static var createToken: Self { Self(.createToken) }
}

extension APICall where Request == Bodies.Empty, Answer == Bodies.ConsoleLink {
    public static var createConsoleLink: Self { Self(.createConsoleLink) }
}

extension APICall where Request == Bodies.Empty, Answer == Bodies.SigningKey {
    public static var rotateSigningKey: Self { Self(.rotateSigningKey) }
}

// MARK: - API keys

extension APICall where Request == Bodies.Empty, Answer == Bodies.APIKeys {
    public static var listAPIKeys: Self { Self(.listAPIKeys) }
}

extension APICall where Request == Bodies.APIKeyRequest, Answer == Bodies.NewAPIKey {
    public static var createAPIKey: Self { Self(.createAPIKey) }
}

extension APICall where Request == Bodies.RotateAPIKeyRequest, Answer == Bodies.NewAPIKey {
    public static var rotateAPIKey: Self { Self(.rotateAPIKey) }
}

// MARK: - Definitions

extension APICall where Request == Bodies.Empty, Answer == Bodies.Sections {
    public static var listSections: Self { Self(.listSections) }
}

extension APICall where Request == Bodies.Empty, Answer == Bodies.Keyspaces {
    public static var listKeyspaces: Self { Self(.listKeyspaces) }
}

extension APICall where Request == Bodies.Empty, Answer == Bodies.EventTypes {
    public static var listEventTypes: Self { Self(.listEventTypes) }
}

extension APICall where Request == Bodies.Empty, Answer == Bodies.FullEventType {
    public static var getEventType: Self { Self(.getEventType) }
}

extension APICall where Request == Bodies.Empty, Answer == Bodies.Usage {
    public static var getUsage: Self { Self(.getUsage) }
}

extension APICall where Request == Bodies.Empty, Answer == Bodies.Model {
    public static var exportModel: Self { Self(.exportModel) }
}

extension APICall where Request == Bodies.Model, Answer == Bodies.ModelPlan {
    public static var planModel: Self { Self(.planModel) }
    public static var applyModel: Self { Self(.applyModel) }
}

extension APICall where Request == Bodies.Empty, Answer == Bodies.Log {
    public static var listLog: Self { Self(.listLog) }
}

extension APICall where Request == Bodies.Empty, Answer == Bodies.Attributes {
    public static var listAttributes: Self { Self(.listAttributes) }
}

extension APICall where Request == Bodies.Empty, Answer == Bodies.Tags {
    public static var listTags: Self { Self(.listTags) }
}

extension APICall where Request == Bodies.Empty, Answer == Bodies.Channels {
    public static var listChannels: Self { Self(.listChannels) }
}

extension APICall where Request == Bodies.Empty, Answer == Bodies.Folders {
    public static var listFolders: Self { Self(.listFolders) }
}

extension APICall where Request == Bodies.Empty, Answer == Bodies.Topics {
    public static var listTopics: Self { Self(.listTopics) }
}

extension APICall where Request == Bodies.Empty, Answer == Bodies.ConsentCounts {
    public static var listConsentCounts: Self { Self(.listConsentCounts) }
}

// MARK: - Events

extension APICall where Request == Bodies.PostEvents, Answer == Bodies.Empty {
    public static var postEvents: Self { Self(.postEvents) }
}

extension APICall where Request == Bodies.Empty, Answer == Bodies.EventPage {
    public static var listEvents: Self { Self(.listEvents) }
}

// MARK: - Profiles

extension APICall where Request == Bodies.Empty, Answer == Bodies.ProfileMatches {
    public static var findProfiles: Self { Self(.findProfiles) }
}

extension APICall where Request == Bodies.Empty, Answer == Bodies.ProfileWithCounts {
    public static var getProfile: Self { Self(.getProfile) }
}

extension APICall where Request == Bodies.NewProfile, Answer == Bodies.Empty {
    public static var createProfile: Self { Self(.createProfile) }
}

extension APICall where Request == Bodies.ProfileMerge, Answer == Bodies.Empty {
    public static var mergeProfiles: Self { Self(.mergeProfiles) }
}

/// With `Prefer: validate-only`.
extension APICall where Request == Bodies.ProfileMerge, Answer == Bodies.MergePreview {
    public static var previewMerge: Self { Self(.mergeProfiles) }
}

extension APICall where Request == Bodies.Empty, Answer == Bodies.ProfileMembers {
    public static var listProfileKeys: Self { Self(.listProfileKeys) }
}

extension APICall where Request == Bodies.KeyReference, Answer == Bodies.Empty {
    public static var addProfileKey: Self { Self(.addProfileKey) }
}

extension APICall where Request == Bodies.NamedAttributeValues, Answer == Bodies.Empty {
    public static var changeAttributeValuesByName: Self { Self(.changeAttributeValuesByName) }
}

extension APICall where Request == Bodies.TagMarks, Answer == Bodies.Empty {
    public static var changeProfileTags: Self { Self(.changeProfileTags) }
}

extension APICall where Request == Bodies.Empty, Answer == Bodies.ProfileChanges {
    public static var listProfileChanges: Self { Self(.listProfileChanges) }
}

extension APICall where Request == Bodies.Empty, Answer == Bodies.Erasure {
    public static var getErasure: Self { Self(.getErasure) }
}

extension APICall where Request == Bodies.Empty, Answer == Bodies.HeldAttributes {
    public static var listAttributeValues: Self { Self(.listAttributeValues) }
}

// MARK: - Imports and jobs

extension APICall where Request == Bodies.ImportRequest, Answer == Bodies.NewImport {
    public static var createImport: Self { Self(.createImport) }
}

extension APICall where Request == Bodies.Empty, Answer == Bodies.Jobs {
    public static var listJobs: Self { Self(.listJobs) }
}

extension APICall where Request == Bodies.Empty, Answer == Bodies.Job {
    public static var getJob: Self { Self(.getJob) }
}

// MARK: - Consents

extension APICall where Request == Bodies.ConsentRequest, Answer == Bodies.Empty {
    public static var postConsent: Self { Self(.postConsent) }
}

extension APICall where Request == Bodies.Empty, Answer == Bodies.Consents {
    public static var listConsents: Self { Self(.listConsents) }
}

extension APICall where Request == Bodies.Empty, Answer == Bodies.ConsentChanges {
    public static var listConsentChanges: Self { Self(.listConsentChanges) }
}

extension APICall where Request == Bodies.Empty, Answer == Bodies.Sending {
    public static var askSending: Self { Self(.askSending) }
}

extension APICall where Request == Bodies.Empty, Answer == Bodies.Suppressions {
    public static var listSuppressions: Self { Self(.listSuppressions) }
}

extension APICall where Request == Bodies.Empty, Answer == Bodies.SuppressionChanges {
    public static var listSuppressionChanges: Self { Self(.listSuppressionChanges) }
}

extension APICall where Request == Bodies.SuppressionRequest, Answer == Bodies.Empty {
    public static var putSuppression: Self { Self(.putSuppression) }
}

// MARK: - Refused posts

extension APICall where Request == Bodies.Empty, Answer == Bodies.Rejections {
    public static var listAllRejections: Self { Self(.listAllRejections) }
}

extension APICall where Request == Bodies.Empty, Answer == Bodies.RejectionWithBody {
    public static var getRejection: Self { Self(.getRejection) }
}

extension APICall where Request == Bodies.ReplayRequest, Answer == Bodies.Empty {
    public static var replayRejection: Self { Self(.replayRejection) }
}

extension APICall where Request == Bodies.Empty, Answer == Bodies.RejectionCauses {
    public static var listRejectionCauses: Self { Self(.listRejectionCauses) }
}

extension APICall where Request == Bodies.Empty, Answer == Bodies.RejectionCause {
    public static var getRejectionCause: Self { Self(.getRejectionCause) }
}

extension APICall where Request == Bodies.Empty, Answer == Bodies.ReplayReport {
    public static var replayRejectionCause: Self { Self(.replayRejectionCause) }
}

extension APICall where Request == Bodies.Empty, Answer == Bodies.Dismissed {
    public static var dismissRejectionCause: Self { Self(.dismissRejectionCause) }
}

// MARK: - What answers with nothing

extension APICall where Request == Bodies.Empty, Answer == Bodies.Empty {
    public static var revokeAPIKey: Self { Self(.revokeAPIKey) }
    public static var dismissRejection: Self { Self(.dismissRejection) }
    public static var deleteProfile: Self { Self(.deleteProfile) }
    public static var lockProfile: Self { Self(.lockProfile) }
    public static var unmergeProfile: Self { Self(.unmergeProfile) }
    public static var removeProfileKey: Self { Self(.removeProfileKey) }
    public static var cancelJob: Self { Self(.cancelJob) }
    public static var liftSuppression: Self { Self(.liftSuppression) }
    public static var liftAddressOptOut: Self { Self(.liftAddressOptOut) }
}
