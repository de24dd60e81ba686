import CLibpq
import Foundation
import OvationCore

/// The database, as the operator wrote it: any connection string of libpq, as a URI or as `key=value` pairs.
///
/// It can contain a password, so it is never printed: use ``description``.
struct ConnectionTarget: Sendable {
    let options: [(keyword: String, value: String)]

    /// Defaults for options that the operator does not set. An address that does not answer must not hold a thread for
    /// the two minutes that systems take. A machine that takes no packets for three seconds counts as gone: a system
    /// confirms packets even if the database is busy, so this does not end a slow statement.
    private static let defaults = [
        ("connect_timeout", "2"), ("fallback_application_name", "ovation"), ("keepalives_idle", "2"),
        ("keepalives_interval", "1"), ("keepalives_count", "3"), ("tcp_user_timeout", "3000"),
    ]

    init(_ text: String) throws(StoreFailure) {
        try ConnectionSecrets.refuseUnclear(text)
        var message: UnsafeMutablePointer<CChar>?
        guard let parsed = PQconninfoParse(text, &message) else {
            // libpq's message quotes the part it did not understand, which can be the password.
            PQfreemem(message)
            throw StoreFailure(
                .unusable,
                "the connection string cannot be read. It is a URI such as postgres://user@host:5432/database, or pairs such "
                    + "as 'host=db dbname=ovation'; \(ConnectionSecrets.hint)")
        }
        defer { PQconninfoFree(parsed) }
        var options: [(String, String)] = []
        var option = parsed
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { options.append((String(cString: keyword), String(cString: value))) }
            option += 1
        }
        func has(_ keyword: String) -> Bool { options.contains { $0.0 == keyword } }
        for (keyword, value) in ConnectionTarget.defaults where !has(keyword) { options.append((keyword, value)) }
        let hosts = options.first { $0.0 == "host" || $0.0 == "hostaddr" }?.1 ?? ""
        // Of several hosts, the one that takes writes is meant: the others are its standbys.
        if hosts.contains(","), !has("target_session_attrs") { options.append(("target_session_attrs", "read-write")) }
        options.removeAll { $0.0 == "client_encoding" }
        options.append(("client_encoding", "UTF8"))
        self.options = options
    }

    /// libpq takes a password from here when the string has none.
    static let environmentSecrets = [ProcessInfo.processInfo.environment["PGPASSWORD"]].compactMap { $0 }

    private init(options: [(keyword: String, value: String)]) { self.options = options }

    /// The same database with the same user on another machine.
    func at(host: String, port: String) -> ConnectionTarget {
        let own = options.filter { !["host", "hostaddr", "port"].contains($0.keyword) }
        return ConnectionTarget(options: own + [("host", host), ("port", port)])
    }

    /// nil: it is left to libpq.
    func value(of keyword: String) -> String? { options.first { $0.keyword == keyword }?.value }
}

extension ConnectionTarget: CustomStringConvertible {
    /// Server, database and user, without anything secret.
    var description: String {
        let hosts = (value(of: "host") ?? value(of: "hostaddr") ?? "").split(
            separator: ",", omittingEmptySubsequences: false)
        let ports = (value(of: "port") ?? "").split(separator: ",", omittingEmptySubsequences: false)
        let servers = hosts.enumerated().map { index, host in
            let port = ports.count > index ? ports[index] : ports.last ?? ""
            return port.isEmpty ? String(host) : "\(host):\(port)"
        }
        let user = value(of: "user").map { $0 + "@" } ?? ""
        let service = value(of: "service").map { "?service=" + $0 } ?? ""
        // A connection string nested in this one, with its own password.
        let name = value(of: "dbname") ?? ""
        let database = name.contains("=") || name.contains("://") ? ConnectionSecrets.mark : name
        return "postgres://\(user)\(servers.joined(separator: ","))/\(database)\(service)"
    }
}
