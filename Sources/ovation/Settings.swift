import Configuration
import Foundation
import Logging
import OvationCore
import OvationPostgres
import OvationServer
import SystemPackage
import Yams

/// What `serve` runs with: every key with its type, unit and default. The only reader of configuration.
struct Settings: Sendable {
    var store: String
    var host: String
    var port: Int
    var adminPort: Int?
    /// Path of a Unix socket to listen on too.
    var unixSocket: String?
    var basePath: BasePath
    var region: String
    var modelFile: String?
    /// The folder with the files of jobs; nil: beside the store.
    var files: String?
    /// Hosts that the server may tell of what it has made; none: nobody is told.
    var callbackHosts: [CallbackHost]
    var logLevel: Logger.Level
    var logFormat: LogFormat
    var admin: AdminCredentials?
    var isConsoleOn: Bool
    var trustedProxies: [AddressRange]
    var limits = Limits()
    /// The configuration file where it has a secret.
    var secretFile: String?

    /// Names in a configuration file; `OVATION_` and upper case in the environment.
    enum Key: String, CaseIterable {
        case store, host, port, listen, region, model, console
        case files
        case callbackHosts = "callback_hosts"
        case basePath = "base_path"
        case adminPort = "admin_port"
        case logLevel = "log_level"
        case logFormat = "log_format"
        case trustedProxies = "trusted_proxies"
        case adminClientID = "admin_client_id"
        case adminClientSecret = "admin_client_secret"
        case bodyBytesMax = "body_bytes_max"
        case bodiesBytesMax = "bodies_bytes_max"
        case itemsMax = "items_max"
        case importFileBytesMax = "import_file_bytes_max"
        case eventTimeAheadDays = "event_time_ahead_days"
        case connectionsMax = "connections_max"
        case idleTimeoutSeconds = "idle_timeout_seconds"
        case bodyTimeoutSeconds = "body_timeout_seconds"
        case answerTimeoutSeconds = "answer_timeout_seconds"
        case rejectionsMax = "rejections_max"
        case rejectionsDays = "rejections_days"
        case sessionIdleMinutes = "session_idle_minutes"
        case sessionHours = "session_hours"

        var key: ConfigKey { ConfigKey(rawValue) }
        var flag: String { "--" + rawValue.replacing("_", with: "-") }
        var variable: String { "OVATION_" + rawValue.uppercased() }
        /// Of Kubernetes, whose link gets the name of this setting.
        var service: String { "ovation-\(rawValue)".replacing("_", with: "-").replacing(/-port$/, with: "") }
        var isSecret: Bool { self == .adminClientSecret || self == .store }
    }

    /// Flags first, then the environment, then the file, then the defaults.
    static func read(flags: [Key: ConfigContent], file: String?) async throws -> Settings {
        var values: [AbsoluteConfigKey: ConfigValue] = [:]
        for (key, content) in flags {
            var content = content
            if case .string(let text) = content, let flag = try SettingText.flag(text, key.flag) {
                content = .string(flag)
            }
            values[AbsoluteConfigKey(key.key)] = ConfigValue(
                content, isSecret: key.isSecret)
        }
        let secrets = Key.allCases.filter(\.isSecret).map(\.variable)
        var variables = SettingText.environment()
        for name in secrets { variables[name] = try SettingText.secret(name) }
        let environment = EnvironmentVariablesProvider(
            environmentVariables: variables, secretsSpecifier: .specific(Set(secrets)))
        var providers: [any ConfigProvider] = [
            InMemoryProvider(name: "flags", values: values), environment.prefixKeys(with: "ovation"),
        ]
        if let file {
            try verify(file: file)
            providers.append(try await FileProvider<YAMLSnapshot>(filePath: FilePath(file)))
        }
        var settings = try Settings(ConfigReader(providers: providers))
        settings.secretFile = try file.flatMap { try hasSecret(file: $0) ? $0 : nil }
        return settings
    }

    private static func hasSecret(file: String) throws -> Bool {
        guard let data = FileManager.default.contents(atPath: file) else { return false }
        let text = String(decoding: data, as: UTF8.self)
        return text.contains(Key.adminClientSecret.rawValue) || ConnectionSecrets.hidden(in: text) != text
    }

    private init(_ reader: ConfigReader) throws {
        store = try Settings.text(reader, .store) ?? StoreLocation.usual
        host = try Settings.text(reader, .host) ?? "127.0.0.1"
        port = try Settings.int(reader, .port, in: 0...65535) ?? 8080
        adminPort = try Settings.int(reader, .adminPort, in: 0...65535)
        unixSocket = try Settings.unixSocket(reader)
        basePath = try Settings.basePath(reader)
        region = try Settings.text(reader, .region) ?? "eu"
        modelFile = try Settings.text(reader, .model).map { try SettingText.path($0, Key.model.rawValue) }
        files = try Settings.text(reader, .files).map { try SettingText.path($0, Key.files.rawValue) }
        callbackHosts = try Settings.callbackHosts(reader)
        let level = try Settings.text(reader, .logLevel) ?? "info"
        guard let logLevel = Logger.Level(rawValue: level.lowercased()) else {
            let words = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
            throw CommandFailure("log_level is one of \(words); '\(level)' is none of them.")
        }
        self.logLevel = logLevel
        let format = try Settings.text(reader, .logFormat) ?? LogFormat.text.rawValue
        guard let logFormat = LogFormat(rawValue: format.lowercased()) else {
            throw CommandFailure("log_format is text or json, not '\(format)'.")
        }
        self.logFormat = logFormat
        admin = try Settings.admin(reader)
        isConsoleOn = try Settings.flag(reader, .console) ?? true
        trustedProxies = try Settings.ranges(reader)
        try Settings.read(reader, into: &limits)
    }

    private static func read(_ reader: ConfigReader, into limits: inout Limits) throws {
        if let bytes = try Settings.int(reader, .bodyBytesMax, in: 1024...64 << 20) { limits.bodyBytesMax = bytes }
        if let bytes = try Settings.int(reader, .bodiesBytesMax, in: 8 << 20...1 << 36) {
            limits.bodiesBytesMax = bytes
        }
        if let items = try Settings.int(reader, .itemsMax, in: 1...100_000) { limits.itemsMax = items }
        if let bytes = try Settings.int(reader, .importFileBytesMax, in: 1024...1 << 32) {
            limits.importFileBytesMax = bytes
        }
        if let days = try Settings.int(reader, .eventTimeAheadDays, in: 0...36_500) {
            limits.eventTimeAheadMax = .seconds(days * 86_400)
        }
        if let connections = try Settings.int(reader, .connectionsMax, in: 1...1_000_000) {
            limits.connectionsMax = connections
        }
        if let seconds = try Settings.int(reader, .bodyTimeoutSeconds, in: 1...3600) {
            limits.bodyTimeout = .seconds(seconds)
        }
        if let seconds = try Settings.int(reader, .answerTimeoutSeconds, in: 1...3600) {
            limits.answerTimeout = .seconds(seconds)
        }
        if let seconds = try Settings.int(reader, .idleTimeoutSeconds, in: 1...86_400) {
            limits.idleTimeout = .seconds(seconds)
        }
        if let count = try Settings.int(reader, .rejectionsMax, in: 0...10_000) { limits.rejectionsMax = count }
        if let days = try Settings.int(reader, .rejectionsDays, in: 1...365) {
            limits.rejectionAge = .seconds(days * 86_400)
        }
        if let minutes = try Settings.int(reader, .sessionIdleMinutes, in: 1...1440) {
            limits.sessionIdleMax = .seconds(minutes * 60)
        }
        if let hours = try Settings.int(reader, .sessionHours, in: 1...720) {
            limits.sessionAgeMax = .seconds(hours * 3600)
        }
    }

    private static func flag(_ reader: ConfigReader, _ key: Key) throws -> Bool? {
        switch try text(reader, key)?.lowercased() {
        case nil: return reader.bool(forKey: key.key)
        case "true", "on", "1": return true
        case "false", "off", "0": return false
        case let word?: throw CommandFailure("\(key.rawValue) is true or false, not '\(word)'.")
        }
    }

    private static func unixSocket(_ reader: ConfigReader) throws -> String? {
        guard let text = try text(reader, .listen) else { return nil }
        guard text.hasPrefix("unix:"), text != "unix:" else {
            throw CommandFailure(
                "listen is 'unix:' and the path of a Unix socket, such as unix:/run/ovation/ovation.sock, not '\(text)'. An "
                    + "address goes into host and port.")
        }
        return try SettingText.path(String(text.dropFirst("unix:".count)), Key.listen.rawValue)
    }

    private static func basePath(_ reader: ConfigReader) throws -> BasePath {
        guard let text = try text(reader, .basePath) else { return .none }
        do throws(Problem) {
            return try BasePath(text)
        } catch {
            throw CommandFailure("base_path is '\(text)'. \(error.detail)")
        }
    }

    private static func ranges(_ reader: ConfigReader) throws -> [AddressRange] {
        let key = Key.trustedProxies
        let texts = reader.stringArray(forKey: key.key) ?? reader.string(forKey: key.key).map { [$0] } ?? []
        let words = texts.flatMap { $0.split { $0 == "," || $0 == " " } }
        return try words.map { word in
            guard let range = AddressRange(word) else {
                throw CommandFailure(
                    "\(key.rawValue) are addresses or ranges, such as 10.0.0.7, 10.0.0.0/8 or fd00::/8, or unix; "
                        + "'\(word)' is none.")
            }
            return range
        }
    }

    private static func callbackHosts(_ reader: ConfigReader) throws -> [CallbackHost] {
        let key = Key.callbackHosts
        let texts = reader.stringArray(forKey: key.key) ?? reader.string(forKey: key.key).map { [$0] } ?? []
        let words = texts.flatMap { $0.split { $0 == "," || $0 == " " } }
        guard words.count <= Limits.callbackHostsMax else {
            throw CommandFailure("\(key.rawValue) has at most \(Limits.callbackHostsMax) hosts.")
        }
        return try words.map { word in
            guard let host = CallbackHost(String(word)) else {
                throw CommandFailure(
                    "\(key.rawValue) are hosts, such as example.com or 10.0.0.7:8443; '\(word)' is none.")
            }
            return host
        }
    }

    private static func admin(_ reader: ConfigReader) throws -> AdminCredentials? {
        let id = try SettingText.credential(text(reader, .adminClientID), Key.adminClientID.rawValue)
        let secret = try SettingText.credential(text(reader, .adminClientSecret), Key.adminClientSecret.rawValue)
        switch (id, secret) {
        case (nil, nil): return nil
        case (let id?, let secret?): return try AdminCredentials(clientID: id, clientSecret: secret)
        default:
            throw CommandFailure("admin_client_id and admin_client_secret are set both or not at all.")
        }
    }

    private static func int(_ reader: ConfigReader, _ key: Key, in range: ClosedRange<Int>) throws -> Int? {
        // In a file a number can be quoted, or not.
        guard let text = try text(reader, key) else { return nil }
        guard let value = Int(text) else {
            guard !text.contains("://") else {
                // Kubernetes sets this for the pods beside a service that is called ovation.
                throw CommandFailure(
                    "\(key.variable) is '\(text)' and not a number. Kubernetes sets it so for a service called "
                        + "'\(key.service)': set enableServiceLinks: false in the pod, or give the service another name."
                )
            }
            throw CommandFailure("\(key.rawValue) is a number, not '\(text)'.")
        }
        guard range.contains(value) else {
            throw CommandFailure(
                "\(key.rawValue) is from \(range.lowerBound) to \(range.upperBound), not \(value).")
        }
        return value
    }

    /// nil where nothing is said.
    private static func text(_ reader: ConfigReader, _ key: Key) throws -> String? {
        let text =
            reader.string(forKey: key.key, isSecret: key.isSecret) ?? reader.int(forKey: key.key).map(String.init)
        return try SettingText.cleaned(text, key.rawValue)
    }

    /// A misspelt key would otherwise be a setting that silently does nothing.
    private static func verify(file: String) throws {
        guard let data = FileManager.default.contents(atPath: file) else {
            throw CommandFailure("The configuration file \(file) cannot be read.")
        }
        let text = try InputFile.text(of: data, file)
        let node: Node?
        do {
            node = try Yams.compose(yaml: text)
        } catch {
            throw CommandFailure("The configuration file \(file) is not valid YAML: \(error)")
        }
        guard let node else { return }
        guard let mapping = node.mapping else {
            throw CommandFailure("The configuration file \(file) is a list of settings, such as 'port: 8080'.")
        }
        for (key, _) in mapping where Key(rawValue: key.string ?? "") == nil {
            let known = Key.allCases.map(\.rawValue).joined(separator: ", ")
            throw CommandFailure("\(file) has an unknown setting '\(key.string ?? "?")'. Known ones: \(known).")
        }
    }
}
