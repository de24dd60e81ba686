import ArgumentParser
import OvationClient
import OvationCore
import OvationWire

struct KeysCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", abstract: "API keys: create, list, rotate, revoke; and the key that signs tokens.",
        subcommands: [Create.self, List.self, Rotate.self, Revoke.self, RotateSigning.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Create an API key. Its secret is printed this once.")

        @OptionGroup var connection: ConnectionOptions
        @Argument(help: "A name to know it by.") var name: String
        @Option(help: "integration, or admin, which may change definitions.") var role = "integration"
        @Option(
            help: "Limit it to this section, by its discriminator or name; repeatable. Without: all, now and later.")
        var section: [String] = []
        @Option(
            help: """
                Limit it to this keyspace: DISCRIMINATOR=read or =read_write; repeatable. Without: all, read and write, now \
                and later.
                """)
        var keyspace: [String] = []

        func run() async throws {
            var request = Bodies.APIKeyRequest()
            request.name = name
            guard let role = APIKey.Role(rawValue: role) else {
                throw CommandFailure("--role is integration or admin, not '\(role)'.")
            }
            request.role = role
            if !keyspace.isEmpty { request.keyspaces = BodyMap(try keyspace.map(access)) }
            let client = try connection.client()
            var sections: [String] = []
            for section in section { sections.append(try await client.section(named: section)) }
            if !sections.isEmpty { request.sections = sections }
            try await NewSecret.show { [request] in
                try await client.call(.createAPIKey, body: request).content
            } orElse: { key, failure in
                await undo(key.clientID, client, failure)
            }
        }

        /// A key whose secret nobody saw is of no use.
        private func undo(_ id: String, _ client: APIClient, _ failure: any Error) async -> CommandFailure {
            do {
                try await client.call(.revokeAPIKey, ["client_id": id])
                return CommandFailure("The secret could not be shown, so the API key \(id) was revoked: \(failure)")
            } catch {
                return CommandFailure(
                    "The secret could not be shown: \(failure) The API key \(id) is of no use to anybody; revoke it with "
                        + "'ovation keys revoke \(id)'.")
            }
        }

        /// `DISCRIMINATOR=read`, `DISCRIMINATOR=read_write`, or the discriminator alone for both.
        private func access(_ text: String) throws -> (name: String, value: APIKey.Access) {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard !parts[0].isEmpty, let access = parts.count == 1 ? .readWrite : APIKey.Access(rawValue: parts[1])
            else {
                throw CommandFailure("--keyspace is DISCRIMINATOR=read or DISCRIMINATOR=read_write, not '\(text)'.")
            }
            return (parts[0], access)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the API keys; never their secrets.")

        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            for key in try await connection.client().call(.listAPIKeys).content.items {
                let revoked = key.rest.revokedAt.map { "revoked \($0)" } ?? "active"
                let words = [
                    key.clientID, key.rest.role.rawValue, revoked, key.rest.name, "(\(KeyRights.words(key.rest)))",
                ]
                try Output.print(words.joined(separator: "  "))
            }
        }
    }

    struct Rotate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give an API key a new secret, printed this once; the old one works during the overlap.")

        @OptionGroup var connection: ConnectionOptions
        @Argument(help: "Client id of the key.") var id: String
        @Option(help: "Hours that the old secret stays good; 0 ends it at once.") var overlap = 24

        func run() async throws {
            let client = try connection.client()
            var request = Bodies.RotateAPIKeyRequest()
            request.overlapHours = try Bodies.OverlapHours(Int64(overlap))
            try await NewSecret.show {
                try await client.call(.rotateAPIKey, ["client_id": id], body: request).content
            } orElse: { _, failure in
                CommandFailure(
                    "The API key \(id) has a new secret, which could not be shown: \(failure) Rotate it again.")
            }
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Revoke an API key: it and its tokens are refused from now on.")

        @OptionGroup var connection: ConnectionOptions
        @Argument(help: "Client id of the key.") var id: String

        func run() async throws {
            try await connection.client().call(.revokeAPIKey, ["client_id": id])
            try Output.print("\(id) is revoked.")
        }
    }

    struct RotateSigning: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Sign tokens with a new key. Issued tokens stay valid until they expire.")

        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let key = try await connection.client().call(.rotateSigningKey)
            try Output.print("Tokens are signed with key \(key.id) from now on.")
        }
    }
}

struct TokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Fetch an access token and print it.")

    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        try Output.print(await connection.client().token())
    }
}

/// What an API key may do, in words.
private enum KeyRights {
    static func words(_ key: Bodies.APIKeyDetails) -> String {
        if key.role == .admin { return "everything in the account" }
        let access = key.keyspaces?.entries.map {
            "\($0.name) (\($0.value == .readWrite ? "read and write" : "read only"))"
        }
        return list(key.sections, of: "sections") + "; " + list(access, of: "keyspaces, read and write")
    }

    /// nil: all, now and later.
    private static func list(_ names: [String]?, of what: String) -> String {
        guard let names else { return "all \(what)" }
        return names.isEmpty ? "no \(what)" : names.joined(separator: ", ")
    }
}

/// Makes a secret that can be shown only once.
private enum NewSecret {
    private static let label = "client id      "

    /// - Parameters:
    ///   - make: asks the server for it. Not before the first word of what is printed has arrived: where nothing can be
    ///     printed, no secret is made that nobody sees.
    ///   - orElse: what to do, and say, when it got lost on its way.
    static func show(
        _ make: () async throws -> Bodies.NewAPIKey, orElse: (Bodies.NewAPIKey, any Error) async -> CommandFailure
    ) async throws {
        try Output.print(beginning: label)
        let key: Bodies.NewAPIKey
        do {
            key = try await make()
        } catch {
            try Output.print("")
            throw error
        }
        do {
            try Output.print(key.clientID)
            try Output.print("client secret  \(key.clientSecret)")
            try Output.print("may use        \(KeyRights.words(key.rest))")
            if let until = key.rest.previousSecretValidUntil {
                try Output.print("old secret     good until \(until)")
            }
            try Output.flush()
        } catch {
            throw await orElse(key, error)
        }
    }
}
