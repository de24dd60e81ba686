import ArgumentParser
import Foundation
import OvationClient
import OvationCore
import OvationPostgres
import OvationSQLite
import OvationWire

/// Looks at what commonly goes wrong, and says what to do about it.
struct Doctor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check the store, the server and the API key, and say what to do.")

    @OptionGroup var connection: ConnectionOptions
    @Option(
        help:
            "Store to look at, named as for 'serve'. (default: OVATION_STORE, or sqlite:./ovation-data/ovation.sqlite)")
    var store: String?
    @Flag(help: "Read all of a SQLite store and compare its parts, which takes as long as reading the file.")
    var deep = false

    func run() async throws {
        var isWell = true
        func report(_ finding: Finding) throws {
            try Output.print("\(finding.isGood ? "ok  " : "BAD ") \(finding.text)")
            isWell = isWell && finding.isGood
        }
        for finding in try storeFindings() { try report(finding) }
        for warning in FileAccess.warnings(try location().files) { try Output.print("WARN \(warning)") }
        try report(await serverFinding())
        if !isWell { throw ExitCode(1) }
    }

    private func serverFinding() async -> Finding {
        do {
            let client = try connection.client()
            _ = try await client.token()
            return Finding(isGood: true, text: "\(client.address) answers and takes the API key")
        } catch {
            return Finding(isGood: false, text: CommandFailure(describing: error).description)
        }
    }

    private func location() throws -> StoreLocation {
        let named = try StoreLocation.name(store) ?? StoreLocation.usual
        // A path alone will do.
        let isPath = !named.contains(":") && !named.contains("=")
        return try StoreLocation(isPath ? "sqlite:" + named : named)
    }

    private func storeFindings() throws -> [Finding] {
        switch try location() {
        case .sqlite(let path):
            return SQLiteDoctor.findings(path: path, isDeep: deep).map { Finding(isGood: $0.isGood, text: $0.text) }
        case .postgres(let text):
            return PostgresDoctor.findings(connection: text).map { Finding(isGood: $0.isGood, text: $0.text) }
        }
    }

    private struct Finding {
        let isGood: Bool
        let text: String
    }
}
