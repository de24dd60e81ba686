import ArgumentParser
import Foundation
import OvationClient
import Synchronization
import Yams

/// How the client commands find a server and prove who they are.
struct ConnectionOptions: ParsableArguments {
    @Option(help: "Base URL of the server, or unix:PATH. (default: OVATION_URL, or http://127.0.0.1:8080)")
    var url: String?
    @Option(help: "Instead of --url, the vendor's own host: eu or apac.")
    var region: String?
    @Option(help: "Client id of an API key. (default: OVATION_CLIENT_ID)")
    var clientId: String?
    @Option(help: "Client secret of the API key; better in OVATION_CLIENT_SECRET, where 'ps' does not show it.")
    var clientSecret: String?
    @OptionGroup var certificates: CertificateOptions

    func client() throws -> APIClient {
        let environment = SettingText.environment()
        let file = try ConnectionOptions.file(environment)
        func credential(_ flag: String?, _ name: String) throws -> String? {
            let word = name.uppercased()
            if let flag = try SettingText.flag(flag, "--" + name.replacing("_", with: "-")) {
                return try SettingText.credential(flag, "--" + name.replacing("_", with: "-"))
            }
            let value = { (variable: String) in
                name == "client_secret" ? try SettingText.secret(variable) : environment[variable]
            }
            for variable in ["OVATION_\(word)", "OVATION_ADMIN_\(word)"] {
                if let value = try SettingText.credential(value(variable), variable) { return value }
            }
            return try SettingText.credential(file[name], "\(name) in client.yaml")
        }
        guard let id = try credential(clientId, "client_id"), let secret = try credential(clientSecret, "client_secret")
        else {
            throw CommandFailure(
                "An API key is needed: give --client-id and --client-secret, set OVATION_CLIENT_ID and "
                    + "OVATION_CLIENT_SECRET, or write client_id and client_secret into ~/.config/ovation/client.yaml.")
        }
        return APIClient(
            try baseURL(environment, file), .key(id: id, secret: secret), trusting: try certificates.file())
    }

    private func baseURL(_ environment: [String: String], _ file: [String: String]) throws -> String {
        if let url = try SettingText.flag(url, "--url") { return try ConnectionOptions.verified(url, "--url") }
        switch try SettingText.flag(region, "--region") {
        case "eu": return "https://api.apsis.one"
        case "apac": return "https://api-apac.apsis.one"
        case nil: break
        case let other?: throw CommandFailure("The vendor's regions are eu and apac; for '\(other)' give --url.")
        }
        if let url = environment["OVATION_URL"] { return try ConnectionOptions.verified(url, "OVATION_URL") }
        if let url = try SettingText.cleaned(file["url"], "url in client.yaml") {
            return try ConnectionOptions.verified(url, "url in client.yaml")
        }
        return "http://127.0.0.1:8080"
    }

    /// The address of a server and nothing else: a user in it would be printed, and a path that ends in a query be none.
    static func verified(_ url: String, _ name: String) throws -> String {
        if url.hasPrefix("unix:") {
            guard url.hasPrefix("unix:/"), !url.hasPrefix("unix://") else {
                throw CommandFailure(
                    "\(name) is 'unix:' and the whole path of a socket, such as unix:/run/ovation/ovation.sock, not '\(url)'."
                )
            }
            return url
        }
        guard let parts = URLComponents(string: url), ["http", "https"].contains(parts.scheme?.lowercased()),
            parts.host?.isEmpty == false, parts.query == nil, parts.fragment == nil
        else { throw CommandFailure("\(name) is an address such as http://127.0.0.1:8080, not '\(url)'.") }
        guard parts.user == nil, parts.password == nil else {
            throw CommandFailure("\(name) has a user in it. Give the API key by --client-id and OVATION_CLIENT_SECRET.")
        }
        return url
    }

    /// `url`, `client_id` and `client_secret`; empty when there is no file.
    private static func file(_ environment: [String: String]) throws -> [String: String] {
        let folder = environment["XDG_CONFIG_HOME"] ?? (environment["HOME"] ?? "") + "/.config"
        let path = folder + "/ovation/client.yaml"
        guard let data = FileManager.default.contents(atPath: path) else { return [:] }
        for warning in FileAccess.warnings([path]) { StandardError.writeLine("warning: " + warning) }
        let text = try InputFile.text(of: data, path)
        // As it is written: a secret of digits is no number.
        let node: Node?
        do {
            node = try Yams.compose(yaml: text)
        } catch {
            throw CommandFailure("\(path) is not valid YAML: \(error)")
        }
        guard let node, node != Node("") else { return [:] }
        guard let mapping = node.mapping else {
            throw CommandFailure("\(path) is a list of settings, such as 'url: http://127.0.0.1:8080'.")
        }
        return Dictionary(
            mapping.compactMap { key, value in key.string.flatMap { key in value.scalar.map { (key, $0.string) } } },
            uniquingKeysWith: { $1 })
    }
}

/// Which certificates of servers a client command trusts.
struct CertificateOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Certificates to trust instead of the system's, in PEM. (default: SSL_CERT_FILE)", valueName: "file"),
        completion: .file())
    var ca: String?

    /// nil: those of the system.
    func file() throws -> String? {
        if let ca = try SettingText.flag(ca, "--ca") { return try SettingText.path(ca, "--ca") }
        return SettingText.environment()["SSL_CERT_FILE"]
    }
}

/// The connections of this process: made when a command first asks a server, and closed when the command ends.
enum Connections {
    private static let made = Mutex<HTTPConnections?>(nil)

    /// - Parameter file: the same in each call, since a command trusts the same certificates all the time.
    static func trusting(_ file: String?) -> HTTPConnections {
        made.withLock { made in
            let connections = made ?? HTTPConnections(trusting: file)
            made = connections
            return connections
        }
    }

    static func shutdown() async {
        let connections = made.withLock { made in
            defer { made = nil }
            return made
        }
        await connections?.shutdown()
    }
}

extension APIClient {
    /// - Parameter file: the certificates that are trusted; nil: those of the system.
    convenience init(_ address: String, _ credentials: Credentials, trusting file: String?) {
        self.init(
            address: address, credentials: credentials, userAgent: "ovation/\(Ovation.version)",
            connections: Connections.trusting(file))
    }
}
