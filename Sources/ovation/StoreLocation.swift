import Logging
import OvationCore
import OvationPostgres
import OvationSQLite

/// What `--store` names.
enum StoreLocation {
    case sqlite(path: String)
    /// Any connection string of libpq. It can hold a password.
    case postgres(String)

    static let usual = "sqlite:./ovation-data/ovation.sqlite"

    init(_ text: String) throws {
        if text.hasPrefix("sqlite:"), text != "sqlite:" {
            self = .sqlite(path: String(text.dropFirst("sqlite:".count)))
        } else if StoreLocation.isPostgres(text) {
            self = .postgres(text)
        } else {
            // No more of it than its first word: it may be a connection string with a password and a slip in it.
            let word = text.prefix { $0.isLetter || $0.isNumber }
            throw CommandFailure(
                "The store is named sqlite:PATH, such as sqlite:./ovation.sqlite, or by a connection string of "
                    + "PostgreSQL, such as postgres://user@host/database or 'host=db dbname=ovation'; "
                    + "not '\(word)…'.")
        }
    }

    /// A URI, or pairs: a word, an equals sign, and so on.
    private static func isPostgres(_ text: String) -> Bool {
        if text.hasPrefix("postgres://") || text.hasPrefix("postgresql://") { return true }
        guard let equals = text.firstIndex(of: "=") else { return false }
        let word = text[..<equals].trimmingPrefix { $0 == " " }.split(separator: " ")
        return word.count == 1 && word[0].allSatisfy { $0.isASCII && ($0.isLetter || $0 == "_") }
    }

    /// Without what is secret.
    var description: String {
        switch self {
        case .sqlite(let path): "sqlite:" + path
        case .postgres(let text): PostgresStore.describe(connection: text)
        }
    }

    func open(_ limits: Limits, _ logger: Logger) throws -> any OpenStore {
        do throws(StoreFailure) {
            switch self {
            case .sqlite(let path): return try SQLiteStore(path: path, limits: limits, logger: logger)
            case .postgres(let text):
                return try PostgresStore(connection: text, limits: limits, logger: logger)
            }
        } catch {
            throw CommandFailure(error.message)
        }
    }
}

extension StoreLocation {
    /// Says what is wrong with the name, before anything is opened.
    func verify() throws {
        guard case .postgres(let text) = self else { return }
        do throws(StoreFailure) {
            try PostgresStore.verify(connection: text)
        } catch {
            throw CommandFailure(error.message + ".")
        }
    }

    /// To be copied from or to, while no server has it open.
    func openRows(as purpose: CopyPurpose, _ logger: Logger) throws -> any OpenRows {
        do throws(StoreFailure) {
            switch (self, purpose) {
            case (.sqlite(let path), .source): return try SQLiteRows(path: path, as: .source)
            case (.sqlite(let path), .target): return try SQLiteRows(path: path, as: .target)
            case (.postgres(let text), .source):
                return try PostgresRows(connection: text, as: .source, logger: logger)
            case (.postgres(let text), .target):
                return try PostgresRows(connection: text, as: .target, logger: logger)
            }
        } catch {
            throw CommandFailure(error.message + ".")
        }
    }
}

enum CopyPurpose {
    case source
    case target
}

/// A store that this process has opened to copy it, and closes.
protocol OpenRows: RowTarget {
    /// Blocks.
    func close()
}

extension SQLiteRows: OpenRows {}
extension PostgresRows: OpenRows {}

/// A store that this process has opened, and closes.
protocol OpenStore: Store {
    /// Commits what waits. Blocks.
    func close()
}

extension SQLiteStore: OpenStore {}
extension PostgresStore: OpenStore {}
