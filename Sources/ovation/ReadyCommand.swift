import ArgumentParser
import OvationClient

/// For health checks of containers that have nothing but this program.
struct ReadyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ready", abstract: "Ask a running server whether it is ready. The exit code is 0 when it is.",
        discussion: """
            It needs no API key. Without --url it asks the server that has the settings of the environment and of the file \
            that OVATION_CONFIG or --config names, on this machine: at its host and port, and then at its Unix socket. Ask one \
            that listens on sockets of systemd alone with --url.
            """)

    @Option(help: "Base URL of the server, or unix:PATH. (default: host and port of the settings)") var url: String?
    @Option(help: "YAML file with the settings of the server. (default: OVATION_CONFIG)") var config: String?
    @OptionGroup var certificates: CertificateOptions

    func run() async throws {
        let (addresses, trusted) = (try await addresses(), try certificates.file())
        for (number, address) in addresses.enumerated() {
            do throws(ClientFailure) {
                try await APIClient(address, .none, trusting: trusted).ready()
                break
            } catch {
                // Somebody who answers is asked no second time.
                if case .unreachable = error, number < addresses.count - 1 { continue }
                throw CommandFailure(error)
            }
        }
        try Output.print("ready")
    }

    /// OVATION_URL is the address that others reach the server by, which need not lead here.
    private func addresses() async throws -> [String] {
        if let url = try SettingText.flag(url, "--url") { return [try ConnectionOptions.verified(url, "--url")] }
        let file = try SettingText.flag(config, "--config") ?? SettingText.environment()["OVATION_CONFIG"]
        let settings = try await Settings.read(
            flags: [:], file: file.map { try SettingText.path($0, "The configuration file") })
        // With an admin port, it alone says whether the server is ready.
        let unixSocket = settings.adminPort == nil ? settings.unixSocket : nil
        return [BrowserAddress.url(host: settings.host, port: settings.adminPort ?? settings.port)]
            + (unixSocket.map { ["unix:" + $0] } ?? [])
    }
}
