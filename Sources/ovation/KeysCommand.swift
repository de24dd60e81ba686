import ArgumentParser
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
        @Option(help: "Limit it to this section; repeatable. Without: all, now and later.") var section: [String] = []
        @Option(
            help: """
                Limit it to this keyspace: DISCRIMINATOR=read or =read_write; repeatable. Without: all, read and write, now \
                and later.
                """)
        var keyspace: [String] = []

        func run() async throws {
            var members: [JSONValue.Member] = [.init("name", .string(name)), .init("role", .string(role))]
            if !section.isEmpty { members.append(.init("sections", .array(section.map { .string($0) }))) }
            if !keyspace.isEmpty { members.append(.init("keyspaces", .object(try keyspace.map(access)))) }
            let client = try connection.client()
            try await NewSecret.show {
                try await client.call(.createAPIKey, body: .object(members))
            } orElse: { key, failure in
                await undo(key["client_id"]?.string ?? "", client, failure)
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
        private func access(_ text: String) throws -> JSONValue.Member {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard !parts[0].isEmpty, parts.count == 1 || ["read", "read_write"].contains(parts[1]) else {
                throw CommandFailure("--keyspace is DISCRIMINATOR=read or DISCRIMINATOR=read_write, not '\(text)'.")
            }
            return .init(parts[0], .string(parts.count == 2 ? parts[1] : "read_write"))
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the API keys; never their secrets.")

        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            for key in try await connection.client().call(.listAPIKeys)["items"]?.array ?? [] {
                let revoked = key["revoked_at"]?.string.map { "revoked \($0)" } ?? "active"
                let words =
                    ["client_id", "role"].map { key[$0]?.string ?? "" } + [revoked, key["name"]?.string ?? ""]
                    + ["(\(KeyRights.words(key)))"]
                try Output.print(words.joined(separator: "  "))
            }
        }
    }

    struct Rotate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give an API key a new secret, printed this once; the old one is good for the overlap.")

        @OptionGroup var connection: ConnectionOptions
        @Argument(help: "Client id of the key.") var id: String
        @Option(help: "Hours that the old secret stays good; 0 ends it at once.") var overlap = 24

        func run() async throws {
            let client = try connection.client()
            try await NewSecret.show {
                try await client.call(
                    .rotateAPIKey, ["client_id": id], body: .object([.init("overlap_hours", JSONValue(overlap))]))
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
            abstract: "Sign tokens with a new key. Tokens that are out stay valid until they expire.")

        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let key = try await connection.client().call(.rotateSigningKey)
            try Output.print("Tokens are signed with key \(key["kid"]?.string ?? "") from now on.")
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
    static func words(_ key: JSONValue) -> String {
        if key["role"]?.string == "admin" { return "everything in the account" }
        let sections = key["sections"]?.array.map { $0.map { $0.string ?? "" } }
        let keyspaces = key["keyspaces"]?.members
        let access = keyspaces?.map {
            "\($0.name) (\($0.value.string == "read_write" ? "read and write" : "read only"))"
        }
        return list(sections, of: "sections") + "; " + list(access, of: "keyspaces, read and write")
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
        _ make: () async throws -> JSONValue, orElse: (JSONValue, any Error) async -> CommandFailure
    ) async throws {
        try Output.print(beginning: label)
        let key: JSONValue
        do {
            key = try await make()
        } catch {
            try Output.print("")
            throw error
        }
        do {
            try Output.print(key["client_id"]?.string ?? "")
            try Output.print("client secret  \(key["client_secret"]?.string ?? "")")
            try Output.print("may use        \(KeyRights.words(key))")
            if let until = key["previous_secret_valid_until"]?.string {
                try Output.print("old secret     good until \(until)")
            }
            try Output.flush()
        } catch {
            throw await orElse(key, error)
        }
    }
}
