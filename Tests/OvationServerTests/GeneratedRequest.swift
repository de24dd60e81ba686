import OvationTesting

/// What a generated request writes, or that it reads a page of events.
enum GeneratedRequest: CaseIterable {
    case events, attributes, namedAttributes, tags, consents, page

    static let tag = "usercreated.tags.customer-0123456789"
    static let topic = "usercreated.topics.offers-0123456789"
    static let smsTopic = "usercreated.topics.sms-0123456789"
    static let folder = "usercreated.targets.letters-0123456789"
    /// Versions of default attributes.
    private static let firstName = "1000000000000020"
    private static let birthdate = "1000000000000022"

    var method: String {
        switch self {
        case .events, .consents: "POST"
        case .attributes, .namedAttributes, .tags: "PATCH"
        case .page: "GET"
        }
    }

    /// - Parameter path: of events.
    func path(_ path: String) -> String {
        switch self {
        case .events, .page: path
        case .attributes: path.replacing("/events", with: "/attributes")
        case .namedAttributes: "/v2" + path.replacing("/events", with: "/attributes")
        case .tags: path.replacing("/events", with: "/tags")
        case .consents: "/v2" + path.replacing("/events", with: "/consents")
        }
    }

    func body(isOdd: Bool, using random: inout SeededGenerator) -> String {
        let bodies = isOdd ? oddBodies + Self.brokenBodies + [plainBodies[0] + Self.spaces] : plainBodies
        return bodies.randomElement(using: &random)!
    }

    /// Of a page.
    static func query(isOdd: Bool, using random: inout SeededGenerator) -> String {
        (isOdd ? oddQueries + plainQueries : plainQueries).randomElement(using: &random)!
    }

    private static let plainQueries = [
        "", "?limit=1", "?limit=2", "?limit=100", "?from=2020-10-14T09:43:30Z", "?limit=3&to=2020-10-14T09:43:30Z",
        "?event_discriminators=\(Fixtures.eventType)", "?cursor=ekfzaaaaa.5&limit=2", "?unknown=1",
    ]

    private static let oddQueries = [
        "?limit=0", "?limit=101", "?limit=1000", "?limit=1001", "?limit=x", "?limit=1&limit=2", "?limit=",
        "?cursor=x", "?cursor=", "?cursor=e1.1&cursor=e2.2", "?from=yesterday", "?from=2020-10-14&to=2020-10-14",
        "?event_discriminators=none", "?event_discriminators=", "?include=changes", "?include=all",
        "?include=changes&limit=2", "?ignore_keyspace_permissions=true", "?ignore_keyspace_permissions=x",
        "?limit=%zz", "?limit=2&x=<>\"", "?%00=1",
    ]

    private static let spaces = String(repeating: " ", count: 8 * 1024)

    private static let brokenBodies = [
        "", "{", "[]", "null", "{}", "1", #"{"":1}"#, #"{"a":1,"a":2}"#, "\u{FEFF}{}", #"{"unknown":null}"#,
        String(repeating: "[", count: 2000), #"{"x":"\u0000"}"#,
    ]

    private var plainBodies: [String] {
        switch self {
        case .events, .page: []
        case .attributes:
            [
                #"{"\#(Self.firstName)":"Ada"}"#, #"{"\#(Self.firstName)":"Bob","\#(Self.birthdate)":"1970-01-02"}"#,
                #"{"\#(Self.firstName)":null}"#, #"{"\#(Self.birthdate)":""}"#, #"{"\#(Self.firstName)":"é 😀"}"#,
            ]
        case .namedAttributes:
            [
                #"{"com.apsis1.attributes.firstname":"Ada"}"#,
                #"{"com.apsis1.attributes.lastname":"L","com.apsis1.attributes.birthdate":"1970-01-02"}"#,
                #"{"com.apsis1.attributes.lastname":null}"#, #"{"com.apsis1.attributes.mobile":"+46701234567"}"#,
            ]
        case .tags: [#"{"\#(Self.tag)":true}"#, #"{"\#(Self.tag)":false}"#, #"{"\#(Self.tag)":null}"#]
        case .consents: ["opt-in", "opt-out"].map { Self.consent($0) }
        }
    }

    private var oddBodies: [String] {
        switch self {
        case .events, .page: []
        case .attributes:
            [
                #"{"\#(Self.firstName)":1}"#, #"{"\#(Self.birthdate)":"yesterday"}"#, #"{"1":"x"}"#,
                #"{"\#(Self.firstName)":"\#(String(repeating: "n", count: 1001))"}"#,
                #"{"\#(Self.firstName)":"a","\#(Self.firstName)":"b"}"#,
                #"{"com.apsis1.attributes.firstname":"Ada"}"#, #"{"\#(Self.firstName)":"Eve","1":"x"}"#,
            ]
        case .namedAttributes:
            [
                #"{"com.apsis1.attributes.email":"b@b.se"}"#, #"{"com.apsis1.attributes.email":null}"#,
                #"{"com.apsis1.attributes.email":"none"}"#, #"{"com.apsis1.attributes.email":"a@b.se"}"#,
                #"{"com.apsis1.attributes.mobile":"1"}"#, #"{"usercreated.attributes.none-0123456789":1}"#,
            ]
        case .tags:
            [#"{"\#(Self.tag)":1}"#, #"{"usercreated.tags.none-0123456789":true}"#, #"{"1":true}"#]
        case .consents:
            [
                Self.consent("confirmed-opt-in"), Self.consent("pending-opt-in"), Self.consent("none"),
                Self.consent("opt-in", topic: "usercreated.topics.none-0123456789"),
                Self.consent("opt-in", topic: Self.smsTopic),
                Self.consent("opt-in", channel: "com.apsis1.channels.fax"),
                Self.consent("opt-out", channel: "com.apsis1.channels.sms"), #"{"type":"opt-in"}"#,
                Self.consent("opt-in").replacing("why", with: String(repeating: "w", count: 2000)),
            ]
        }
    }

    private static func consent(
        _ type: String, topic: String = topic, channel: String = "com.apsis1.channels.email"
    ) -> String {
        #"{"type":"\#(type)","topic_discriminator":"\#(topic)","channel_discriminator":"\#(channel)","reason":"why"}"#
    }
}
