import ArgumentParser
import Configuration
import Foundation
import OvationClient
import OvationCore
import OvationPostgres
import OvationSQLite
import OvationServer
import OvationWire

/// Prints a one-time link to the console of a server that runs.
///
/// Its authority is the store: if you can read it, you can sign tokens (SECURITY.md), and so you may come in. The command reads the
/// signing key and makes the link's secret. What it sends is a token that is good for a minute and does nothing but tell
/// the server the secret's hash: a program that answers in the server's place gets nothing that it could use. Nothing is
/// written to the store's folder, so there is nothing for others to take from it.
struct ConsoleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "console", abstract: "Print a link that opens the console of a running server, signed in.",
        discussion: """
            Run it on the server's machine, as the user that the server runs as, with the settings that the server has: it \
            reads the store to show that you may. The link is good once, within the hour, at the server that answered.

            Without --url it asks the server at the host and port of the settings. Give --url where you reach the server \
            under another name, such as that of a proxy, or where several servers share a store: name one of them.

            Examples:
              ovation console
              ovation console --config /etc/ovation.yaml
              ovation console --store sqlite:/var/lib/ovation/ovation.sqlite --url https://events.example.com
            """)

    @Option(
        help: """
            Store of the server, named as for 'serve'. (default: that of the settings, or \
            sqlite:./ovation-data/ovation.sqlite)
            """)
    var store: String?
    @Option(help: "Base URL that the link begins with. (default: OVATION_URL, or host and port of the settings)")
    var url: String?
    @Option(help: "YAML file with the settings of the server. (default: OVATION_CONFIG)")
    var config: String?
    @OptionGroup var certificates: CertificateOptions

    func run() async throws {
        let environment = SettingText.environment()
        let file = try SettingText.flag(config, "--config") ?? environment["OVATION_CONFIG"]
        let settings = try await Settings.read(
            flags: store.map { [.store: .string($0)] } ?? [:],
            file: file.map { try SettingText.path($0, "The configuration file") })
        let local = BrowserAddress.url(host: settings.host, port: settings.port) + settings.basePath.text
        let given = try SettingText.flag(url, "--url").map { try ConnectionOptions.verified($0, "--url") }
        let named = try given ?? environment["OVATION_URL"].map { try ConnectionOptions.verified($0, "OVATION_URL") }
        let trusted = try certificates.file()
        // A machine need not reach its own proxy.
        let (server, region) = try await ConsoleCommand.find(
            [named, local, settings.unixSocket.map { "unix:" + $0 }].compactMap { $0 }, trusting: trusted)
        let (signer, key) = try await ConsoleCommand.authority(settings, region)
        let link = ConsoleLink.make()
        let token = try await signer.sign(
            key, at: WallClock.system.now(), lasting: Limits.consoleTokenLifetime, link: link.hash)
        let path = try await ConsoleCommand.register(
            APIClient(server, .token(token), trusting: trusted), settings)
        // No browser opens a Unix socket.
        var base = named.flatMap { $0.hasPrefix("unix:") ? nil : $0 } ?? local
        while base.hasSuffix("/") { base.removeLast() }
        try Output.print(lines: "Open the console, signed in (once, within the hour):\n  \(base)\(path)\(link.secret)")
        try Output.flush()
    }

    /// The first address at which an Ovation answers.
    private static func find(
        _ addresses: [String], trusting trusted: String?
    ) async throws -> (url: String, region: String) {
        var distrust: CommandFailure?
        for url in addresses {
            let about: Bodies.About?
            do throws(ClientFailure) {
                about = try await APIClient(url, .none, trusting: trusted).about()
            } catch .unreadable {
                about = nil
            } catch {
                switch error {
                case .untrusted, .unusableCertificates: distrust = distrust ?? CommandFailure(error)
                default: break
                }
                continue
            }
            guard let about, about.name == "Ovation", !about.region.isEmpty else {
                throw CommandFailure("The server at \(url) is not Ovation. Say where the server is with --url.")
            }
            return (url, about.region)
        }
        if let distrust { throw distrust }
        throw CommandFailure(
            "No server answers at \(addresses.joined(separator: " or ")). Start it with 'ovation serve', or say where it is "
                + "with --url.")
    }

    private static func authority(_ settings: Settings, _ region: String) async throws -> (TokenSigner, APIKey) {
        let contents: StoreContents
        let location = try StoreLocation(settings.store)
        do throws(StoreFailure) {
            switch location {
            case .sqlite(let path): contents = try SQLiteKeys.read(path: path)
            case .postgres(let text): contents = try PostgresKeys.read(connection: text)
            }
        } catch {
            throw CommandFailure(
                "The store cannot be read: \(error.message). Name the one that the server runs on with --store, or sign in "
                    + "with an admin API key.")
        }
        let account = contents.accounts.first?.number
        let admins = contents.apiKeys.filter { $0.account == account && $0.role == .admin && $0.revokedAt == nil }
        guard let key = admins.first(where: { $0.clientID == settings.admin?.clientID }) ?? admins.first else {
            throw CommandFailure("\(location) has no admin API key. Is it the store that the server runs on?")
        }
        return (try await TokenSigner(region: region, keys: contents.signingKeys), key)
    }

    /// - Returns: the beginning of the link's path.
    private static func register(_ client: APIClient, _ settings: Settings) async throws -> String {
        do {
            let link = try await client.call(.createConsoleLink)
            guard !link.path.isEmpty else {
                throw CommandFailure("\(client.address) answered with something else: is this the right host?")
            }
            return link.path
        } catch let failure as ClientFailure where failure.status == 401 {
            let location = try StoreLocation(settings.store)
            throw CommandFailure(
                "The server at \(client.address) does not run on \(location). Name its store with --store, or give the server of "
                    + "that store with --url.")
        }
    }
}
