public import OvationCore
import OvationWire

/// The article's commands with the values of this server: for the console, and for the terminal.
public enum SampleCommands {
    /// Fetches a token into `$TOKEN`. Id and secret are words of ours, or variables whose values can be any.
    public static func token(baseURL: String, clientID: String, clientSecret: String) -> String {
        """
        TOKEN=$(curl -s \(baseURL)/oauth/token -d grant_type=client_credentials \\
          --data-urlencode "client_id=\(clientID)" \\
          --data-urlencode "client_secret=\(clientSecret)" \\
          | sed -E 's/.*"access_token":"([^"]+)".*/\\1/')
        """
    }

    /// Lists a section's event types.
    public static func eventTypes(baseURL: String, section: String) -> String {
        """
        curl --request GET \\
          --url \(baseURL)/audience/sections/\(section)/events \\
          --header "authorization: Bearer $TOKEN"
        """
    }

    /// Posts one event to a profile of a made-up key.
    public static func post(
        baseURL: String, section: String, keyspace: Keyspace?, version: EventVersion.ID, fields: [Field],
        eventTime: Timestamp
    ) -> String {
        let data = fields.map { "        \"\($0.name)\": \(sample(of: $0))" }.joined(separator: ",\n")
        return """
            curl -i --request POST \\
              --url \(events(baseURL: baseURL, section: section, keyspace: keyspace)) \\
              --header "authorization: Bearer $TOKEN" \\
              --data '{
              "items": [
                {
                  "event_time": "\(eventTime.rfc3339)",
                  "version_id": \(version),
                  "data": {
            \(data)
                  }
                }
              ]
            }'
            """
    }

    /// Where the events of the made-up profile are posted to and read from.
    public static func events(baseURL: String, section: String, keyspace: Keyspace?) -> String {
        let discriminator = keyspace?.discriminator.text ?? "com.apsis1.keyspaces.email"
        let key = sampleKey(keyspace?.keyFormat ?? .email)
        return "\(baseURL)/audience/keyspaces/\(discriminator)/profiles/"
            + "\(PercentEncoding.encode(segment: key))/sections/\(section)/events"
    }

    public static func sampleKey(_ format: KeyFormat) -> String {
        switch format {
        case .email: "steve@apsis.com"
        case .mobile: "46793699558"
        case .text: "steve"
        }
    }

    /// The article's values where the fields are the article's.
    private static func sample(of field: Field) -> String {
        switch (field.name, field.type) {
        case ("source", .string): "\"some web shop\""
        case (_, .string): "\"some transaction\""
        case (_, .integer): "27183"
        case (_, .double): "213.21"
        case (_, .boolean): "false"
        }
    }
}

extension Catalogue {
    /// The keyspace that a sample for an event type uses: e-mail where that may be written, else the first that may.
    func sampleKeyspace(_ permissions: [Discriminator<Keyspace>: Permission]) -> Keyspace? {
        sampleKeyspace { permissions[$0.discriminator]?.write == true }
    }

    func sampleKeyspace(where isWritable: (Keyspace) -> Bool) -> Keyspace? {
        let writable = keyspaces.filter(isWritable)
        return writable.first { $0.keyFormat == .email } ?? writable.first
    }
}
