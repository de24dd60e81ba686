import OvationCore

/// What is measured with: the definitions of the vendor's article and the event that it posts.
public enum Article {
    static let now = Timestamp(rfc3339: "2026-11-23T12:00:00Z")!
    static let emailKeyspace = "com.apsis1.keyspaces.email"
    static let section = "usercreated.sections.my_section-h4h3dpu3qi"
    static let versionID: EventVersion.ID = 2_565_266
    static let account = Account(number: 1, name: "Main account", createdAt: now)
    static let clientID = "752cdd05-75e0-4f8a-bd08-62e3df753ff3"
    static let path = "/audience/keyspaces/\(emailKeyspace)/profiles/steve%40apsis.com/sections/\(section)/events"

    /// The body that the article posts, with its line breaks.
    public static let body = """
        {
          "items": [
            {
              "event_time": "2020-10-14T09:43:34.471Z",
              "version_id": 2565266,
              "data": {
                "myNumberField": 27183,
                "myNumberWithDecimalField": 213.21,
                "myTextField": "some transaction",
                "myTrueFalseField": false,
                "source": "some web shop"
              }
            }
          ]
        }
        """

    static let data =
        #"{"myNumberField":27183,"myNumberWithDecimalField":213.21,"myTextField":"some transaction","#
        + #""myTrueFalseField":false,"source":"some web shop"}"#

    /// The same event, a hundred times, as a program writes it: without white space.
    public static let hundred: String = {
        let item = #"{"event_time":"2020-10-14T09:43:34.471Z","version_id":2565266,"data":\#(data)}"#
        return #"{"items":["# + [String](repeating: item, count: 100).joined(separator: ",") + "]}"
    }()

    /// An account with the built-in definitions and the article's, and the log that makes it.
    static func catalogue() throws(Problem) -> (catalogue: Catalogue, entries: [LogEntry]) {
        let (founded, first) = try Catalogue(account: account).applying(Catalogue.founding, at: now, by: "server")
        let fields = [
            Field(name: "myNumberField", type: .integer), Field(name: "myNumberWithDecimalField", type: .double),
            Field(name: "myTextField", type: .string), Field(name: "myTrueFalseField", type: .boolean),
            Field(name: "source", type: .string),
        ]
        let eventType = Model.EventType(
            discriminator: try Discriminator("com.apsis1.events.transaction.custom-my-transaction-l9ce3syo6t"),
            name: "my transaction", description: "", category: .transaction,
            permissions: [emailKeyspace: Permission(read: true, write: true)],
            versions: .all([VersionDefinition(id: versionID, fields: fields, validFrom: now)]))
        let model = Model(
            keyspaces: [],
            sections: [
                Model.Section(discriminator: try Discriminator(section), name: "My section", eventTypes: [eventType])
            ])
        var random = SystemRandomNumberGenerator()
        let plan = try founded.plan(toReach: model, at: now, using: &random)
        let (catalogue, rest) = try founded.applying(plan.changes, at: now, by: "server")
        return (catalogue, first + rest)
    }

    /// An API key that may do what integrations do. Its secret is of no use: tokens are made without it.
    static var apiKey: APIKey {
        APIKey(
            clientID: clientID, account: account.number, name: "Benchmark", role: .integration, sections: nil,
            keyspaces: nil, secretHash: [], createdAt: now, lastUsedAt: now)
    }
}
