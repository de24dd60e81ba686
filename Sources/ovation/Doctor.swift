import ArgumentParser
import Foundation
import OvationCore
import OvationSQLite
import OvationWire

/// Looks at what commonly goes wrong, and says what to do about it.
struct Doctor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check the store's folder, the server and the API key, and say what to do.")

    @OptionGroup var connection: ConnectionOptions
    @Option(help: "Store to look at: sqlite:PATH. (default: OVATION_STORE, or sqlite:./ovation-data/ovation.sqlite)")
    var store: String?

    func run() async throws {
        var isWell = true
        func report(_ finding: Finding) {
            print("\(finding.isGood ? "ok  " : "BAD ") \(finding.text)")
            isWell = isWell && finding.isGood
        }
        let store =
            store ?? ProcessInfo.processInfo.environment["OVATION_STORE"] ?? "sqlite:./ovation-data/ovation.sqlite"
        let path = store.hasPrefix("sqlite:") ? String(store.dropFirst("sqlite:".count)) : store
        for finding in SQLiteDoctor.findings(path: path) {
            report(Finding(isGood: finding.isGood, text: finding.text))
        }
        do {
            let client = try connection.client()
            _ = try await client.token()
            report(Finding(isGood: true, text: "\(client.baseURL) answers and takes the API key"))
        } catch {
            report(Finding(isGood: false, text: "\(error)"))
        }
        if !isWell { throw ExitCode(1) }
    }

    private struct Finding {
        let isGood: Bool
        let text: String
    }
}
