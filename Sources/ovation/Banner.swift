import Foundation
import OvationCore
import OvationServer

/// What a person reads when the server is up: where it is, the key that was made, and the article's three commands
/// with the values of this server.
struct Banner: Sendable {
    let settings: Settings
    let newAdminKey: AdminCredentials?
    let model: Model?
    /// nil when no model was given.
    let appliedSteps: Int?
    /// Path of a link that opens the console once.
    let consoleLink: String?
    /// Of the port that is shown.
    let host: String
    /// Paths of the sockets that it listens on too, or instead.
    let unixSockets: [String]

    /// To be read before the key is stored, since it is kept nowhere.
    static func announce(_ key: AdminCredentials) throws(OutputFailure) {
        try Output.print(
            lines: """
                A new store. Its admin API key, shown this once:
                  client id      \(key.clientID)
                  client secret  \(key.clientSecret)

                """)
        try Output.flush()
    }

    /// When it was not stored after all.
    static func withdraw() throws(OutputFailure) {
        try Output.print("The store was not made by this server, so the key above does not work.")
        try Output.flush()
    }

    /// - Parameter port: nil: it listens on Unix sockets alone.
    func text(port: Int?) -> String {
        let store = (try? StoreLocation(settings.store))?.description ?? ""
        let state = "region \(settings.region), \(store)"
        guard let port else { return textWithoutPort(state) }
        let url = BrowserAddress.url(host: host, port: port) + settings.basePath.text
        let everywhere = BrowserAddress.isEverywhere(host) ? "on all addresses, " : ""
        var lines = ["Ovation \(Ovation.version) is ready at \(url)  (\(everywhere)\(state))"]
        lines += unixSockets.map { "It listens on the Unix socket \($0) too." }
        lines += whatIsThere
        if settings.isConsoleOn {
            lines.append("")
            if let consoleLink {
                lines += ["Open the console, signed in (once, within the hour):", "  \(url)\(consoleLink)"]
            } else {
                lines += [
                    "The console is at \(url)/console; an admin API key signs in,",
                    "or the link that 'ovation console' prints on this machine.",
                ]
            }
        }
        return (lines + commands(url) + [""]).joined(separator: "\n")
    }

    /// No address that a browser could open, and no commands with one.
    private func textWithoutPort(_ state: String) -> String {
        let places = unixSockets.map { $0.isEmpty ? "without a file" : $0 }.joined(separator: ", ")
        var lines = ["Ovation \(Ovation.version) is ready on the Unix socket \(places)  (\(state))"]
        lines += whatIsThere
        if settings.isConsoleOn, let consoleLink {
            lines += [
                "", "Open the console, signed in (once, within the hour), at your proxy's address and this path:",
                "  \(settings.basePath.text)\(consoleLink)",
            ]
        }
        return (lines + [""]).joined(separator: "\n")
    }

    private var whatIsThere: [String] {
        var lines: [String] = []
        if let file = settings.modelFile, let steps = appliedSteps {
            lines.append(steps == 0 ? "\(file) is in force." : "\(file): \(steps) steps applied.")
        }
        if newAdminKey == nil, settings.admin == nil {
            lines += [
                "", "The admin API key was shown at the first start. If it is lost, start once with",
                "OVATION_ADMIN_CLIENT_ID and OVATION_ADMIN_CLIENT_SECRET set to a new one.",
            ]
        }
        return lines
    }

    private func commands(_ url: String) -> [String] {
        let token = [
            "", "Try it (copy, paste, one after the other):", "", "# a token",
            SampleCommands.token(
                baseURL: url, clientID: newAdminKey?.clientID ?? "$OVATION_ADMIN_CLIENT_ID",
                clientSecret: newAdminKey?.clientSecret ?? "$OVATION_ADMIN_CLIENT_SECRET"),
        ]
        guard let (section, eventType, version) = example else {
            return token + [
                "", "# the sections; define an event type in the console, or with 'ovation model apply FILE'",
                "curl --request GET --url \(url)/audience/sections --header \"authorization: Bearer $TOKEN\"",
            ]
        }
        let keyspace = BuiltIn.keyspaces.first { eventType.permissions[$0.discriminator.text]?.write == true }
        return token + [
            "", "# the event types", SampleCommands.eventTypes(baseURL: url, section: section),
            "", "# post an event to Steve: 204",
            SampleCommands.post(
                baseURL: url, section: section, keyspace: keyspace, version: version.id ?? 0, fields: version.fields,
                // The article's own.
                eventTime: Timestamp(rfc3339: "2020-10-14T09:43:34.471Z") ?? Timestamp(milliseconds: 0)),
            "", "# and there it is",
            "curl --url \(SampleCommands.events(baseURL: url, section: section, keyspace: keyspace)) \\",
            "  --header \"authorization: Bearer $TOKEN\"",
        ]
    }

    /// The first event type of the model that has a fixed version.
    private var example: (String, Model.EventType, VersionDefinition)? {
        for section in model?.sections ?? [] {
            for eventType in section.eventTypes {
                guard let discriminator = section.discriminator?.text,
                    case .all(let versions) = eventType.versions,
                    let version = versions.last(where: { !$0.isDraft && $0.id != nil })
                else { continue }
                return (discriminator, eventType, version)
            }
        }
        return nil
    }
}
