/// Why one request was refused: the only error that reaches a caller.
///
/// What it means in HTTP is decided by the server in one place. `cause` is for the log and never leaves the process.
public struct Problem: Error, Sendable {
    public var code: Code
    /// A sentence for the person who reads it: what, where, and what to do.
    public var detail: String
    /// Every single thing that is wrong, where there can be several. An answer lists the first of them.
    public var errors: [ItemError]
    public var retryAfterSeconds: Int?
    /// Methods the path does have; with `method_not_allowed`.
    public var allowedMethods: [String]
    public var cause: String?
    /// Of a bulk upload that ended early: lines, from the first on, that were stored or refused one by one.
    public var linesDone: Int?

    public init(
        _ code: Code, _ detail: String, errors: [ItemError] = [], retryAfterSeconds: Int? = nil,
        allowedMethods: [String] = [], cause: String? = nil
    ) {
        self.code = code
        self.detail = detail.shortened(to: Limits.messageLengthMax)
        self.errors = errors
        self.retryAfterSeconds = retryAfterSeconds
        self.allowedMethods = allowedMethods
        self.cause = cause
    }

    /// A stable word that programs may compare. Open: new ones may come, none changes its meaning.
    public struct Code: RawRepresentable, Hashable, Codable, Sendable {
        public let rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }
        init(_ rawValue: String) { self.rawValue = rawValue }
    }
}

/// One entry of `errors`: which item, where in the body, and why.
public struct ItemError: Hashable, Codable, Sendable {
    /// Position in `items`; nil where the request has no items.
    public var index: Int?
    /// JSON pointer (RFC 6901) into the request body.
    public var pointer: String
    public var code: Problem.Code
    public var detail: String
    /// Of a bulk upload: the line, from 1; the pointer leads into it.
    public var line: Int?

    public init(index: Int?, pointer: String, code: Problem.Code, detail: String, line: Int? = nil) {
        self.line = line
        self.index = index
        self.pointer = pointer.shortened(to: Limits.messageLengthMax)
        self.code = code
        self.detail = detail.shortened(to: Limits.messageLengthMax)
    }

    /// Of a store too: what an older version wrote there can be longer.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            index: try values.decodeIfPresent(Int.self, forKey: .index),
            pointer: try values.decode(String.self, forKey: .pointer),
            code: try values.decode(Problem.Code.self, forKey: .code),
            detail: try values.decode(String.self, forKey: .detail),
            line: try values.decodeIfPresent(Int.self, forKey: .line))
    }
}

extension Problem: CustomStringConvertible {
    public var description: String {
        ([detail] + errors.map { "  \($0.pointer): \($0.detail)" }).joined(separator: "\n")
    }
}

extension Problem: Equatable {
    /// Two problems are the same when a program would treat them the same.
    public static func == (left: Problem, right: Problem) -> Bool { left.code == right.code }
}

extension Problem.Code {
    // The request as a whole
    public static let invalidRequest = Self("invalid_request")
    public static let invalidJSON = Self("invalid_json")
    public static let invalidCursor = Self("invalid_cursor")
    public static let invalidParameter = Self("invalid_parameter")
    public static let invalidPath = Self("invalid_path")
    public static let invalidDiscriminator = Self("invalid_discriminator")
    public static let invalidProfileKey = Self("invalid_profile_key")
    public static let invalidIdempotencyKey = Self("invalid_idempotency_key")
    public static let validationFailed = Self("validation_failed")
    public static let bodyTooLarge = Self("body_too_large")
    public static let tooManyItems = Self("too_many_items")
    public static let invalidEncoding = Self("invalid_encoding")
    public static let unsupportedEncoding = Self("unsupported_encoding")

    // Who asks
    public static let invalidClient = Self("invalid_client")
    public static let unsupportedGrantType = Self("unsupported_grant_type")
    public static let unauthorized = Self("unauthorized")
    public static let invalidToken = Self("invalid_token")
    public static let tokenExpired = Self("token_expired")
    public static let wrongRegion = Self("wrong_region")
    public static let formNotOurs = Self("form_not_ours")
    public static let tooManyAttempts = Self("too_many_attempts")
    public static let keyRevoked = Self("key_revoked")
    public static let adminRequired = Self("admin_required")
    public static let keyspaceForbidden = Self("keyspace_forbidden")
    public static let eventTypeForbidden = Self("event_type_forbidden")
    public static let attributeForbidden = Self("attribute_forbidden")
    public static let tagForbidden = Self("tag_forbidden")

    // What is asked for
    public static let notFound = Self("not_found")
    public static let methodNotAllowed = Self("method_not_allowed")
    public static let keyspaceNotFound = Self("keyspace_not_found")
    public static let sectionNotFound = Self("section_not_found")
    public static let profileNotFound = Self("profile_not_found")
    public static let eventTypeNotFound = Self("event_type_not_found")
    public static let attributeNotFound = Self("attribute_not_found")
    public static let tagNotFound = Self("tag_not_found")
    public static let channelNotFound = Self("channel_not_found")
    public static let folderNotFound = Self("folder_not_found")
    public static let topicNotFound = Self("topic_not_found")
    public static let eventNotFound = Self("event_not_found")
    public static let versionNotFound = Self("version_not_found")
    public static let apiKeyNotFound = Self("api_key_not_found")
    public static let rejectionNotFound = Self("rejection_not_found")
    public static let rejectionCauseNotFound = Self("rejection_cause_not_found")
    public static let profileLocked = Self("profile_locked")
    public static let erasureNotFound = Self("erasure_not_found")
    public static let profileKeyNotFound = Self("profile_key_not_found")
    public static let jobNotFound = Self("job_not_found")
    public static let fileNotReady = Self("file_not_ready")
    public static let fileGone = Self("file_gone")

    // What stands against it
    public static let alreadyExists = Self("already_exists")
    public static let profileExists = Self("profile_exists")
    public static let profileKeyTaken = Self("profile_key_taken")
    public static let profilesDiffer = Self("profiles_differ")
    public static let tooManyMembers = Self("too_many_members")
    public static let canonicalProfile = Self("canonical_profile")
    public static let lastKey = Self("last_key")
    public static let consentNotAllowed = Self("consent_not_allowed")
    public static let consentNotFound = Self("consent_not_found")
    public static let suppressionNotFound = Self("suppression_not_found")
    public static let conflict = Self("conflict")
    public static let idempotencyKeyReused = Self("idempotency_key_reused")
    public static let alreadyReplayed = Self("already_replayed")
    public static let preconditionFailed = Self("precondition_failed")
    public static let tooManyJobs = Self("too_many_jobs")
    public static let uploadExpired = Self("upload_expired")
    public static let jobEnded = Self("job_ended")
    public static let jobFailed = Self("job_failed")
    public static let invalidFile = Self("invalid_file")

    // Us
    public static let busy = Self("busy")
    public static let shuttingDown = Self("shutting_down")
    public static let storeUnavailable = Self("store_unavailable")
    public static let storageFull = Self("storage_full")
    public static let storeDamaged = Self("store_damaged")
    public static let internalError = Self("internal_error")
    public static let requestTimeout = Self("request_timeout")

    // One item or one field
    public static let missingMember = Self("missing_member")
    public static let wrongType = Self("wrong_type")
    public static let duplicateMember = Self("duplicate_member")
    public static let invalidTime = Self("invalid_time")
    public static let timeOutOfRange = Self("time_out_of_range")
    public static let invalidVersionID = Self("invalid_version_id")
    public static let unknownVersion = Self("unknown_version")
    public static let draftVersion = Self("draft_version")
    public static let eventTypeRemoved = Self("event_type_removed")
    public static let unknownField = Self("unknown_field")
    public static let unknownAttribute = Self("unknown_attribute")
    public static let unknownTag = Self("unknown_tag")
    public static let missingField = Self("missing_field")
    public static let numberOutOfRange = Self("number_out_of_range")
    public static let lineTooLong = Self("line_too_long")
    public static let textTooLong = Self("text_too_long")
    public static let nestedValue = Self("nested_value")
    public static let invalidValue = Self("invalid_value")
    public static let invalidName = Self("invalid_name")
    public static let limitExceeded = Self("limit_exceeded")
}

extension Problem.Code: CaseIterable {
    /// Every code that this version answers with. The description of the API lists them, and a test holds the list to the
    /// codes above.
    public static let allCases: [Self] = [
        .invalidRequest, .invalidJSON, .invalidCursor, .invalidParameter, .invalidPath, .invalidDiscriminator,
        .invalidProfileKey, .invalidIdempotencyKey, .validationFailed, .bodyTooLarge, .tooManyItems,
        .invalidEncoding, .unsupportedEncoding, .invalidClient, .unsupportedGrantType, .unauthorized,
        .invalidToken, .tokenExpired, .wrongRegion, .formNotOurs, .tooManyAttempts, .keyRevoked, .adminRequired,
        .keyspaceForbidden, .eventTypeForbidden, .attributeForbidden, .tagForbidden, .notFound, .methodNotAllowed,
        .keyspaceNotFound, .sectionNotFound,
        .profileNotFound, .eventTypeNotFound, .attributeNotFound, .tagNotFound, .channelNotFound,
        .folderNotFound, .topicNotFound, .eventNotFound, .versionNotFound, .apiKeyNotFound,
        .rejectionNotFound, .rejectionCauseNotFound, .profileLocked, .erasureNotFound, .profileKeyNotFound,
        .jobNotFound, .fileNotReady, .fileGone,
        .alreadyExists, .profileExists,
        .profileKeyTaken, .profilesDiffer, .tooManyMembers, .canonicalProfile, .lastKey, .consentNotAllowed,
        .consentNotFound, .suppressionNotFound,
        .conflict,
        .idempotencyKeyReused, .alreadyReplayed, .preconditionFailed, .tooManyJobs, .uploadExpired, .jobEnded,
        .jobFailed,
        .invalidFile, .busy, .shuttingDown, .storeUnavailable,
        .storageFull, .storeDamaged, .internalError, .requestTimeout, .missingMember, .wrongType, .duplicateMember,
        .invalidTime, .timeOutOfRange, .invalidVersionID, .unknownVersion, .draftVersion, .eventTypeRemoved,
        .unknownField, .unknownAttribute, .unknownTag, .missingField, .numberOutOfRange, .lineTooLong, .textTooLong,
        .nestedValue, .invalidValue,
        .invalidName, .limitExceeded,
    ]
}
