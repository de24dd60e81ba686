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

    static func announce(_ key: AdminCredentials) {
        write(
            """
            A new store. Its admin API key, shown this once:
              client id      \(key.clientID)
              client secret  \(key.clientSecret)

            """)
    }

    /// Not print(): that waits in a buffer when standard output is a pipe.
    static func write(_ text: String) {
        FileHandle.standardOutput.write(Data((text + "\n").utf8))
    }

    func text(port: Int) -> String {
        let host = settings.host.contains(":") ? "[\(settings.host)]" : settings.host
        let url = "http://\(host):\(port)"
        var lines = ["Ovation \(Ovation.version) is ready at \(url)  (region \(settings.region), \(settings.store))"]
        if let file = settings.modelFile, let steps = appliedSteps {
            lines.append(steps == 0 ? "\(file) is in force." : "\(file): \(steps) steps applied.")
        }
        if newAdminKey == nil, settings.admin == nil {
            lines += [
                "", "The admin API key was shown at the first start. If it is lost, start once with",
                "OVATION_ADMIN_CLIENT_ID and OVATION_ADMIN_CLIENT_SECRET set to a new one.",
            ]
        }
        return (lines + commands(url) + [""]).joined(separator: "\n")
    }

    private func commands(_ url: String) -> [String] {
        let id = newAdminKey?.clientID ?? "$OVATION_ADMIN_CLIENT_ID"
        let secret = newAdminKey?.clientSecret ?? "$OVATION_ADMIN_CLIENT_SECRET"
        let token = [
            "", "Try it (copy, paste, one after the other):", "",
            "# a token",
            "TOKEN=$(curl -s \(url)/oauth/token -d grant_type=client_credentials \\",
            "  -d \"client_id=\(id)\" -d \"client_secret=\(secret)\" \\",
            "  | sed -E 's/.*\"access_token\":\"([^\"]+)\".*/\\1/')",
        ]
        guard let (section, eventType, version) = example else {
            return token + [
                "", "# the sections; define an event type with 'ovation model apply FILE'",
                "curl --request GET --url \(url)/audience/sections --header \"authorization: Bearer $TOKEN\"",
            ]
        }
        let keyspace = eventType.permissions.keys.sorted().first ?? "com.apsis1.keyspaces.email"
        let events = "\(url)/audience/keyspaces/\(keyspace)/profiles/steve%40apsis.com/sections/\(section)/events"
        let data = version.fields.map { "        \"\($0.name)\": \(sample(of: $0))" }.joined(separator: ",\n")
        return token + [
            "", "# the event types",
            "curl --request GET \\", "  --url \(url)/audience/sections/\(section)/events \\",
            "  --header \"authorization: Bearer $TOKEN\"",
            "", "# post an event to Steve: 204",
            "curl -i --request POST \\", "  --url \(events) \\", "  --header \"authorization: Bearer $TOKEN\" \\",
            "  --data '{", "  \"items\": [", "    {", "      \"event_time\": \"2020-10-14T09:43:34.471Z\",",
            "      \"version_id\": \(version.id ?? 0),", "      \"data\": {", data, "      }", "    }", "  ]", "}'",
            "", "# and there it is",
            "curl --url \(events) \\", "  --header \"authorization: Bearer $TOKEN\"",
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

    /// The article's values where the fields are the article's.
    private func sample(of field: Field) -> String {
        switch (field.name, field.type) {
        case ("source", .string): "\"some web shop\""
        case (_, .string): "\"some transaction\""
        case (_, .integer): "27183"
        case (_, .double): "213.21"
        case (_, .boolean): "false"
        }
    }
}
