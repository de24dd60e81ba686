/// What an operator can do about a failure, where that is known.
enum Advice {
    static func on(_ failure: PostgresFailure) -> String? {
        if failure.isDiskFull { return byState["53100"] }
        if let advice = byState[failure.state] { return advice }
        return failure.troubles.first.map(on)
    }

    private static let password =
        "look at the user and the password, which is best kept in a passfile that only the user of this process may read"
    private static let access = "look at pg_hba.conf for this user and database"
    private static let connections =
        "raise max_connections of PostgreSQL, or the limit of the user or the database, or stop what holds so many"
    private static let startingUp = "PostgreSQL is starting up or shutting down; wait"
    private static let certificate =
        "name the file of the authority that signed the server's certificate with sslrootcert"
    private static let missing = "make it, with 'createdb --encoding=UTF8' or 'createuser', or look at the name"
    private static let nobody = "start PostgreSQL, or look at host and port"

    private static let byState = [
        "08006": "a node of Citus is away: see 'ovation doctor'",
        "25006": "this server of PostgreSQL only reads: name the primary, or several hosts with "
            + "target_session_attrs=read-write",
        "28000": access,
        "28P01": password,
        "3D000": missing,
        "42501":
            "make the user the owner of the database and of the schema 'ovation' with all in it, or grant it CREATE "
            + "on the database and all rights to the schema and its tables",
        "53100": "the disk of PostgreSQL is full: make room",
        "53300": connections,
        "53400": "a statement wrote more than temp_file_limit into files: raise it",
        "55P03": "another session holds a lock for long: see pg_stat_activity",
        "57014": "a statement took longer than it may: see statement_timeout and pg_stat_activity",
        "57P03": startingUp,
    ]

    private static func on(_ trouble: ConnectionTrouble) -> String {
        switch trouble {
        case .wrongPassword: password
        case .noAccess: access
        case .tooManyConnections: connections
        case .startingOrStopping: startingUp
        case .wrongCertificate: certificate
        case .noSuchDatabaseOrUser: missing
        case .otherHostName: "name the host as its certificate does"
        case .noTLS: "turn on ssl in PostgreSQL, or choose another sslmode"
        case .onlyReads: "none of the hosts takes writes: name the primary among them"
        case .nobodyListens, .noSuchHost: nobody
        }
    }
}

extension PostgresFailure {
    /// The message with what can be done about it.
    var advised: String { Advice.on(self).map { "\(self); \($0)" } ?? description }
}
