public import OvationCore

extension Bodies.Problem {
    public static let mediaType = "application/problem+json"

    /// A problem as clients read it: `title`, a numeric `status` and `detail`, since they look at the body and not at the
    /// status line; and ours: `code`, `request_id`, `errors`, `lines_done`.
    public init(_ problem: OvationCore.Problem, status: Int, title: String, requestID: String) {
        self.title = title
        self.status = Int64(status)
        detail = problem.detail
        code = problem.code.rawValue
        self.requestID = requestID
        let listed = problem.errors.listed()
        errors = listed.isEmpty ? nil : listed.map { Bodies.ItemError($0) }
        let omitted = problem.errors.count - listed.count
        errorsOmitted = omitted > 0 ? Int64(omitted) : nil
        linesDone = problem.linesDone.map { Int64($0) }
    }

    /// Adds what a client library of OAuth reads of an error (RFC 6749 §5.2).
    public mutating func addTokenError(_ problem: OvationCore.Problem) {
        error =
            switch problem.code {
            case .invalidClient: "invalid_client"
            case .unsupportedGrantType: "unsupported_grant_type"
            case .internalError: "server_error"
            case .busy, .shuttingDown, .storeUnavailable, .storageFull, .tooManyAttempts, .requestTimeout:
                "temporarily_unavailable"
            default: "invalid_request"
            }
        // The standard leaves out quotes, backslashes and all that is not ASCII.
        errorDescription = String(
            problem.detail.unicodeScalars.map { scalar -> Character in
                switch scalar {
                case "\"", "\\": "'"
                case " "..."~": Character(scalar)
                default: "?"
                }
            })
    }
}

extension Bodies.ItemError {
    public init(_ error: OvationCore.ItemError) {
        line = error.line.map { Int64($0) }
        index = error.index.map { Int64($0) }
        pointer = error.pointer
        code = error.code.rawValue
        detail = error.detail
    }
}
