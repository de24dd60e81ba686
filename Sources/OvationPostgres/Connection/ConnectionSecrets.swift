import OvationCore

/// Keeps passwords in connection strings out of everything that is printed, logged and answered.
public enum ConnectionSecrets {
    static let mark = "…"

    /// Replaces a character with a special meaning in a URI.
    static let hint =
        "in a URI, write the @ of a password as %40, / as %2F, : as %3A, ? as %3F, # as %23 and % as %25"

    /// A text that may quote connection strings, without their passwords: for a URI of PostgreSQL it removes everything
    /// between the colon after the user and the last `@`, for another URI everything between that colon and its host,
    /// and for `password=secret` it keeps only the word.
    public static func hidden(in text: String) -> String {
        hidingValues(in: hidingUserInfo(in: text))
    }

    private static func hidingUserInfo(in text: String) -> String {
        var result = ""
        var rest = text[...]
        while let scheme = rest.firstRange(of: "://") {
            result += rest[..<scheme.upperBound]
            let isPostgres =
                rest[..<scheme.lowerBound].hasSuffix("postgres")
                || rest[..<scheme.lowerBound].hasSuffix("postgresql")
            rest = rest[scheme.upperBound...]
            let word = rest.prefix { !$0.isWhitespace }
            // A password may contain a slash.
            let end = isPostgres ? word.endIndex : word.firstIndex { "/?#".contains($0) } ?? word.endIndex
            // A user alone is not a secret.
            guard let at = word[..<end].lastIndex(of: "@"), let colon = word[..<at].firstIndex(of: ":") else {
                continue
            }
            result += word[...colon] + mark
            rest = rest[at...]
        }
        return result + rest
    }

    /// The form in pairs, and in the query of a URI: `password=`, `sslpassword =`, `client_secret=`.
    private static func hidingValues(in text: String) -> String {
        var result = ""
        var rest = text[...]
        while let word = rest.firstRange(of: /(?i)(password|secret|passwd)[ ]?=[ ]?/) {
            result += rest[..<word.upperBound]
            rest = rest[word.upperBound...]
            let value: Substring
            if let quote = rest.first, quote == "'" || quote == "\"" {
                let end = rest.dropFirst().firstIndex(of: quote).map { rest.index(after: $0) }
                value = rest[..<(end ?? rest.endIndex)]
            } else {
                value = rest.prefix { !$0.isWhitespace && $0 != "&" }
            }
            if !value.isEmpty { result += mark }
            rest = rest[value.endIndex...]
        }
        return result + rest
    }

    /// Refuses a URI of which libpq would take a part of the password for a host, a port or a database, and print it.
    /// - Throws: `unusable`, without any of the text.
    static func refuseUnclear(_ text: String) throws(StoreFailure) {
        guard let scheme = ["postgres://", "postgresql://"].first(where: text.hasPrefix) else { return }
        let body = text.dropFirst(scheme.count)
        // The place where libpq looks for the user.
        let stop = body.firstIndex { $0 == "@" || $0 == "/" }
        let userEnd = stop.flatMap { body[$0] == "@" ? $0 : nil }
        let rest = userEnd.map { body[body.index(after: $0)...] } ?? body
        let place = rest.prefix { $0 != "?" }
        guard !(userEnd == nil ? place : rest).contains("@") else {
            throw StoreFailure(
                .unusable,
                "the connection string is ambiguous, because it has too many '@' or '/': "
                    + hint)
        }
        for server in place.prefix(while: { $0 != "/" }).split(separator: ",") {
            // Not the colons of an IPv6 address.
            let tail = server.hasPrefix("[") ? server.drop { $0 != "]" } : server
            guard let colon = tail.firstIndex(of: ":") else { continue }
            let port = tail[tail.index(after: colon)...]
            guard port.allSatisfy({ $0.isASCII && $0.isNumber }) else {
                throw StoreFailure(
                    .unusable,
                    "the database cannot be used: the port in the connection string is not a number. Where that is the "
                        + "password: after it comes @ and the host; and " + hint)
            }
        }
    }
}

extension ConnectionTarget {
    /// libpq itself says which options are shown as stars: passwords and similar ones.
    private static let secretOptions: Set<String> = [
        "password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key",
    ]

    /// Messages about the connection, without its secrets.
    func hidingSecrets(in message: String) -> String {
        var message = message
        // A value that is printed in any case reveals nothing. Removing it would reveal that it is also the password.
        let open = options.filter { !ConnectionTarget.secretOptions.contains($0.keyword) }.map(\.value)
        for secret in secrets where secret.count >= 4 && !open.contains(where: { $0.contains(secret) }) {
            message = message.replacing(secret, with: ConnectionSecrets.mark)
        }
        return ConnectionSecrets.hidden(in: message)
    }

    private var secrets: [String] {
        let given = options.filter { ConnectionTarget.secretOptions.contains($0.keyword) }.map(\.value)
        return (given + ConnectionTarget.environmentSecrets).sorted { $0.count > $1.count }
    }
}
