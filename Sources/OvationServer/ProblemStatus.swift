import HTTPTypes
import OvationCore

/// The one table from a problem to HTTP. No other code in Ovation knows status codes of errors.
extension Problem.Code {
    var status: HTTPResponse.Status {
        switch self {
        case .unauthorized, .invalidToken, .tokenExpired, .wrongRegion, .keyRevoked, .invalidClient: .unauthorized
        case .adminRequired, .keyspaceForbidden, .eventTypeForbidden, .attributeForbidden, .tagForbidden, .formNotOurs:
            .forbidden
        case .notFound, .keyspaceNotFound, .sectionNotFound, .profileNotFound, .eventTypeNotFound, .attributeNotFound,
            .tagNotFound, .channelNotFound, .folderNotFound, .topicNotFound, .eventNotFound, .versionNotFound,
            .apiKeyNotFound, .erasureNotFound, .rejectionNotFound, .rejectionCauseNotFound, .profileKeyNotFound,
            .consentNotFound, .suppressionNotFound, .jobNotFound, .fileNotReady:
            .notFound
        case .methodNotAllowed: .methodNotAllowed
        case .requestTimeout: .requestTimeout
        case .alreadyExists, .profileExists, .profileKeyTaken, .profilesDiffer, .tooManyMembers, .lastKey, .conflict,
            .idempotencyKeyReused, .alreadyReplayed, .consentNotAllowed, .jobEnded:
            .conflict
        case .tooManyAttempts, .tooManyJobs: .tooManyRequests
        case .preconditionFailed: .preconditionFailed
        case .profileLocked, .uploadExpired, .fileGone: .gone
        case .bodyTooLarge, .tooManyItems: .contentTooLarge
        case .unsupportedEncoding: .unsupportedMediaType
        case .internalError, .storeDamaged: .internalServerError
        case .busy, .shuttingDown, .storeUnavailable, .storageFull, .jobFailed: .serviceUnavailable
        default: .badRequest
        }
    }
}

extension Problem.Code {
    /// Whether the answer says what is wrong. Clients of the original take an empty answer to a consent that is there already
    /// as done, and a text as a failure.
    var hasBody: Bool { self != .consentNotAllowed }
}

extension HTTPResponse.Status {
    /// `title` of a problem: the status in words.
    var title: String {
        switch self {
        case .badRequest: "Bad request"
        case .unauthorized: "Unauthorized"
        case .forbidden: "Forbidden"
        case .notFound: "Not found"
        case .methodNotAllowed: "Method not allowed"
        case .requestTimeout: "Request timeout"
        case .conflict: "Conflict"
        case .gone: "Gone"
        case .preconditionFailed: "Precondition failed"
        case .tooManyRequests: "Too many requests"
        case .contentTooLarge: "Payload too large"
        case .unsupportedMediaType: "Unsupported media type"
        case .serviceUnavailable: "Service unavailable"
        default: reasonPhrase.isEmpty ? "Error" : reasonPhrase
        }
    }
}

extension Problem {
    /// A failure of the store, in words for a caller; the store's own message goes to the log.
    init(_ failure: StoreFailure) {
        switch failure.code {
        case .busy:
            self.init(
                .busy, "The server has as many requests waiting as it takes; send this one again.",
                retryAfterSeconds: 1, cause: failure.message)
        case .closed:
            self.init(
                .shuttingDown, "The server is stopping; send the request again.", retryAfterSeconds: 2,
                cause: failure.message)
        case .sequenceTaken:
            self.init(.conflict, "The definitions were changed at the same time; read them and try again.")
        case .full:
            self.init(
                .storageFull, "The server's disk is full; nothing was stored.", retryAfterSeconds: 30,
                cause: failure.message)
        case .damaged:
            self.init(
                .storeDamaged,
                "\(failure.subject.map { "The stored data of \($0)" } ?? "A part of the store") is damaged and is not "
                    + "given out. If you run the server, find out more with 'ovation doctor --deep'.",
                cause: failure.message)
        case .unavailable, .outcomeUnknown, .unusable, .inUse:
            self.init(
                .storeUnavailable, "The store cannot be used at the moment; send the request again.",
                retryAfterSeconds: 2, cause: failure.message)
        }
    }
}
