/// What kept a connection from being made.
///
/// libpq has no code for it, only words. They are read here and nowhere else. Those of the server may be in another language;
/// then there is no trouble that is known.
enum ConnectionTrouble: CaseIterable {
    case wrongPassword, noAccess, tooManyConnections, startingOrStopping, wrongCertificate, noSuchDatabaseOrUser,
        otherHostName, noTLS, onlyReads, nobodyListens, noSuchHost

    private var words: [String] {
        switch self {
        case .wrongPassword: ["password authentication failed", "no password supplied"]
        case .noAccess: ["no pg_hba.conf entry", "Peer authentication failed"]
        case .tooManyConnections: ["too many clients", "remaining connection slots", "too many connections"]
        case .startingOrStopping: ["starting up", "shutting down", "in recovery mode"]
        case .wrongCertificate: ["certificate verify failed", "root certificate file"]
        case .noSuchDatabaseOrUser: ["\" does not exist"]
        case .otherHostName: ["does not match host name"]
        case .noTLS: ["server does not support SSL"]
        case .onlyReads: ["session is read-only", "database is in recovery"]
        case .nobodyListens: ["Connection refused", "No such file or directory"]
        case .noSuchHost: ["could not translate host name", "timeout expired"]
        }
    }

    /// One for each address that was tried, or none; what an operator should look at first comes first.
    static func all(in message: String) -> [ConnectionTrouble] {
        allCases.filter { $0.words.contains(where: message.contains) }
    }
}

extension PostgresFailure {
    /// Empty for what the server said of a statement: that has a code.
    var troubles: [ConnectionTrouble] { state.isEmpty ? ConnectionTrouble.all(in: message) : [] }
}
