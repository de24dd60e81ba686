import ArgumentParser
import Foundation
import Logging
import OvationCore
import OvationRows

extension StoreCommand {
    struct Copy: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Copy a whole store into an empty one, such as from SQLite to PostgreSQL.",
            discussion: """
                Everything goes along: definitions and their log, API keys, the keys that sign tokens, profiles, events, \
                idempotency keys and refused posts. Ids stay, so tokens, cursors and links go on working.

                Stop the server first; while the copy runs none can open either store. The source is not changed. If the \
                copy breaks off, run the same command again and it goes on where it was. At the end all rows of both \
                stores are read back and compared.

                Examples:
                  ovation store copy --from sqlite:./ovation-data/ovation.sqlite --to postgres://ovation@db/ovation
                  ovation store copy --from postgres://ovation@db/ovation --to sqlite:./home.sqlite
                """)

        @Option(help: "Store to copy, named as for 'serve'.") var from: String
        @Option(help: "Store to fill, which must be empty or be what an earlier run began.") var to: String
        @Flag(name: .shortAndLong, help: "Show no progress.") var quiet = false

        func run() async throws {
            let (from, to) = (try StoreLocation(from), try StoreLocation(to))
            try from.verify()
            try to.verify()
            guard from.description != to.description else {
                throw CommandFailure("--from and --to name the same store.")
            }
            var logger = Logger(label: "ovation") { StreamLogHandler.standardError(label: $0) }
            logger.logLevel = .warning
            let source = try from.openRows(as: .source, logger)
            defer { source.close() }
            let target = try to.openRows(as: .target, logger)
            defer { target.close() }
            let copying = StoreCopying(source: source, target: target, isQuiet: quiet)
            switch try await copying.run() {
            case .wasFinished(let at):
                try Output.print(
                    """
                    This copy was finished at \(at.rfc3339); there is nothing to do. What came to the source later is not in \
                    it.
                    """)
            case .compared(let comparisons): try Copy.report(comparisons)
            }
        }

        private static func report(_ comparisons: [StoreCopy.Comparison]) throws {
            try Output.print(lines: table(comparisons))
            let differing = comparisons.filter { !$0.isSame }
            guard differing.isEmpty else {
                throw CommandFailure(
                    """
                    The stores differ in: \(differing.map(\.kind.name).joined(separator: ", ")). The copy is not finished and \
                    no server opens it. Empty the target and copy again; if they differ again, 'ovation doctor' examines \
                    the source.
                    """)
            }
            try Output.print(
                lines: "\nBoth hold the same. The server can be started on what --to names: it is the same store.")
        }

        private static func table(_ comparisons: [StoreCopy.Comparison]) -> String {
            let head = ["", "source", "checksum", "target", "checksum", ""]
            let rows = comparisons.map { comparison in
                [
                    comparison.kind.name, Figures.grouped(Int(comparison.source.count)), comparison.source.checksum,
                    Figures.grouped(Int(comparison.target.count)), comparison.target.checksum,
                    comparison.isSame ? "same" : "DIFFERENT",
                ]
            }
            let all = [head] + rows
            let widths = head.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
            return all.map { row in
                row.enumerated().map { column, text in
                    let space = String(repeating: " ", count: widths[column] - text.count)
                    // Numbers stand to the right.
                    return column == 1 || column == 3 ? space + text : text + space
                }.joined(separator: "  ").trimmingSpaces
            }.joined(separator: "\n")
        }
    }
}

/// A copy with what it shows of itself.
private struct StoreCopying: Sendable {
    let source: any OpenRows
    let target: any OpenRows
    let isQuiet: Bool

    func run() async throws -> StoreCopy.Outcome {
        let progress = TransferProgress(total: nil, unit: "rows", isQuiet: isQuiet)
        let copy = StoreCopy(from: source, to: target) {
            Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
        }
        return try await progress.whileShowing {
            do throws(StoreFailure) {
                return try await copy.run(
                    began: { origin, note in begin(origin, note, progress) }, { show($0, progress) })
            } catch {
                throw CommandFailure(error.message + ".")
            }
        }
    }

    private func begin(_ origin: RowOrigin, _ note: CopyNote, _ progress: TransferProgress) {
        progress.expect(Int(origin.eventCount), after: Int(note.rows))
        if note.rows > 0, !isQuiet { StandardError.write("Going on after \(Figures.grouped(Int(note.rows))) rows.") }
    }

    private func show(_ step: StoreCopy.Step, _ progress: TransferProgress) {
        switch step {
        case .copying(let rows, let events):
            progress.advance(to: Int(events))
            progress.count(Int(rows))
        case .makingReady: progress.remark("making the target ready")
        case .comparing(let rows): progress.remark("comparing: \(Figures.grouped(Int(rows)))")
        }
    }
}

extension String {
    fileprivate var trimmingSpaces: String {
        var text = self
        while text.last == " " { text.removeLast() }
        return text
    }
}
