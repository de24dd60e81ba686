import Foundation
import Logging
import OvationCore
import OvationPostgres
import OvationRows
import OvationSQLite
import SystemPackage

/// What `--store` names.
enum StoreLocation {
    case sqlite(path: String)
    /// Any connection string of libpq. It can hold a password.
    case postgres(String)

    static let usual = "sqlite:./ovation-data/ovation.sqlite"

    init(_ text: String) throws {
        let text = try SettingText.cleaned(text, "The store") ?? ""
        if text.hasPrefix("sqlite:"), text != "sqlite:" {
            self = .sqlite(path: try StoreLocation.file(String(text.dropFirst("sqlite:".count)), "The store"))
        } else if StoreLocation.isPostgres(text) {
            self = .postgres(text)
        } else {
            // No more of it than its first word: it may be a connection string with a password and a slip in it.
            let word = text.prefix { $0.isLetter || $0.isNumber }
            throw CommandFailure(
                "The store is named sqlite:PATH, such as sqlite:./ovation.sqlite, or by a connection string of "
                    + "PostgreSQL, such as postgres://user@host/database or 'host=db dbname=ovation'; "
                    + (text.isEmpty ? "here it is empty." : "not '\(word)…'."))
        }
    }

    /// Where the files of jobs are if nothing else is said.
    var filesFolder: String {
        switch self {
        case .sqlite(let path): path + "-files"
        case .postgres: "./ovation-data/files"
        }
    }

    /// What a flag or the environment says; nil for nothing.
    static func name(_ flag: String?) throws -> String? {
        try SettingText.flag(flag, "--store") ?? SettingText.secret("OVATION_STORE")
    }

    /// A path as other programs write it is a mistake here, which must not become a file of that name somewhere.
    static func file(_ text: String, _ name: String) throws -> String {
        guard let path = try SettingText.cleaned(text, name) else { throw CommandFailure("\(name) names no file.") }
        func refusal(_ reason: String) -> CommandFailure {
            CommandFailure(
                "\(name) \(reason) Write the path alone, such as sqlite:./ovation.sqlite or sqlite:/srv/ovation.sqlite."
            )
        }
        if path.hasPrefix("//") { throw refusal("has two slashes before its path.") }
        if path.hasPrefix(":") { throw refusal("would be in memory and gone with the process.") }
        for scheme in ["file:", "sqlite:"] where path.lowercased().hasPrefix(scheme) {
            throw refusal("has '\(scheme)' before its path.")
        }
        if path.contains(/\?[A-Za-z_]+=/) { throw refusal("has options behind its path, of which there are none.") }
        let whole = try SettingText.path(path, name)
        let last = FilePath(whole).lastComponent?.kind
        let found = FileStatus(whole)
        guard !whole.hasSuffix("/"), last == .regular, found?.kind != S_IFDIR else {
            throw CommandFailure("\(name) names the folder \(whole); name a file in it, such as ovation.sqlite.")
        }
        guard found == nil || found?.kind == S_IFREG else {
            throw CommandFailure("\(name) names \(whole), which is a device or a pipe and no file.")
        }
        return whole
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
