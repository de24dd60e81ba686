import ArgumentParser
import OvationClient

/// For health checks of containers that have nothing but this program.
struct ReadyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ready", abstract: "Ask a running server whether it is ready. The exit code is 0 when it is.",
        discussion: """
            It needs no API key. Without --url and OVATION_URL it asks this machine at OVATION_ADMIN_PORT, which has \
            /ready where it is set, or at OVATION_PORT, or at 8080.
            """)

    @Option(help: "Base URL of the server. (default: OVATION_URL, or this machine)") var url: String?

    func run() async throws {
        let client = APIClient(try address(), .none)
        do throws(ClientFailure) {
            try await client.ready()
        } catch {
            throw CommandFailure(error)
        }
        try Output.print("ready")
    }

    private func address() throws -> String {
        if let url = try SettingText.flag(url, "--url") { return try ConnectionOptions.verified(url, "--url") }
        let environment = SettingText.environment()
        if let url = environment["OVATION_URL"] { return try ConnectionOptions.verified(url, "OVATION_URL") }
        return "http://127.0.0.1:\(environment["OVATION_ADMIN_PORT"] ?? environment["OVATION_PORT"] ?? "8080")"
    }
}
