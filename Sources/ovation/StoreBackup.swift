import ArgumentParser
import Foundation
import OvationCore
import OvationSQLite

extension StoreCommand {
    struct Backup: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write a copy of a SQLite store, while a server runs on it or not.",
            discussion: """
                The copy is the store as it was at one moment: whatever was answered before the command began is in it. It \
                is checked, and gets its name when it is whole. To restore it, stop the server, move the files of the old \
                store away, put the copy in the place of the store and start.

                Run it on the machine of the server. A store in PostgreSQL is backed up with PostgreSQL's own programs; \
                docs/backups.md says how.

                Examples:
                  ovation store backup --to backups/monday.sqlite
                  ovation store backup --store sqlite:/var/lib/ovation/ovation.sqlite --to /backups/monday.sqlite
                """)

        @Option(
            help: """
                Store to copy, named as for 'serve'. (default: OVATION_STORE, or \
                sqlite:./ovation-data/ovation.sqlite)
                """)
        var store: String?
        @Option(help: "File to write. It must not exist.") var to: String
        @Flag(name: .shortAndLong, help: "Show no progress.") var quiet = false

        func run() async throws {
            guard case .sqlite(let path) = try StoreLocation(StoreLocation.name(store) ?? StoreLocation.usual) else {
                throw CommandFailure(
                    "A store in PostgreSQL is backed up with pg_dump, or with pg_basebackup and an archive of its log; "
                        + "docs/backups.md says how.")
            }
            let progress = TransferProgress(total: nil, unit: "MB", isQuiet: quiet)
            let destination = try StoreLocation.file(to, "--to")
            let backup = try await progress.whileShowing {
                do throws(StoreFailure) {
                    return try SQLiteBackup(of: path, to: destination) { done, total in
                        progress.expect(total)
                        progress.advance(to: done)
                        progress.count(done >> 20)
                    }
                } catch {
                    throw CommandFailure(error.message + ".")
                }
            }
            try Output.print(
                "\(to): \(Figures.count(backup.events, of: "event")) of "
                    + "\(Figures.count(backup.profiles, of: "profile")), "
                    + "\(Figures.count(Int(backup.bytes), of: "byte")), checked.")
        }
    }
}
