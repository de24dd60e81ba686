import OvationCore
import OvationTesting
import OvationWire
import Testing

@Suite("Bodies")
struct BodyTests {
    @Test(
        "a token request is JSON or a form, whatever the content type says",
        arguments: [
            #"{"grant_type":"client_credentials","client_id":"a","client_secret":"b c"}"#,
            "\n {\"client_secret\":\"b c\",\"client_id\":\"a\",\"grant_type\":\"client_credentials\",\"x\":1}",
            "grant_type=client_credentials&client_id=a&client_secret=b+c",
            "client_id=a&client_secret=b%20c&grant_type=client_credentials&scope=x",
        ])
    func tokenRequests(body: String) throws {
        let request = try TokenCredentials(parsing: Array(body.utf8))
        #expect(request.clientID == "a" && request.clientSecret == "b c")
    }

    @Test("a byte order mark before a token request is skipped; another encoding is refused by its name")
    func tokenRequestsWithMark() throws {
        let form = "grant_type=client_credentials&client_id=a&client_secret=b"
        for text in [form, #"{"grant_type":"client_credentials","client_id":"a","client_secret":"b"}"#] {
            let request = try TokenCredentials(parsing: [0xEF, 0xBB, 0xBF] + Array(text.utf8))
            #expect(request.clientID == "a" && request.clientSecret == "b")
            let wide = text.utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
            for bytes in [[0xFF, 0xFE] + wide, wide, [0xFE, 0xFF, 0] + wide.dropLast()] {
                let problem = #expect(throws: Problem.self) { try TokenCredentials(parsing: bytes) }
                #expect(problem?.code == .invalidRequest && problem?.detail.contains("UTF-16") == true)
            }
            // Half a mark is none.
            for bytes in [[0xEF], [0xEF, 0xBB]] as [[UInt8]] {
                #expect(throws: Problem.self) { try TokenCredentials(parsing: bytes + Array(text.utf8)) }
            }
        }
    }

    @Test("what a person wrote is UTF-8, with or without a mark, or is refused by line or by its encoding")
    func writtenText() throws {
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        #expect(try WrittenText.read(Array("å\n".utf8)) == "å\n")
        #expect(try WrittenText.read(mark + Array("å".utf8)) == "å")
        #expect(try WrittenText.read([]) == "" && WrittenText.read(mark) == "" && WrittenText.read([0x61]) == "a")
        let wrong: [([UInt8], String)] = [
            (Array("name: a\nname: ".utf8) + [0xE5], "Line 2 "), ([0xE5] + Array("\n".utf8), "Line 1 "),
            (Array("a\r\nb\r\n".utf8) + [0xC3, 0x0A], "Line 3 "), (mark + [0x61, 0x0A, 0xFF], "Line 2 "),
            ([0x61, 0xED, 0xA0, 0x80], "Line 1 "), ([0xFF, 0xFE, 0x61, 0], "UTF-16"),
            ([0xFE, 0xFF, 0, 0x61], "UTF-16"),
            ([0x61, 0, 0x62, 0], "UTF-16"), ([0, 0x61, 0, 0x62], "UTF-16"), ([0xFF, 0xFE, 0, 0, 0x61], "UTF-32"),
            ([0, 0, 0xFE, 0xFF], "UTF-32"), ([0, 0, 0, 0x61], "UTF-32"), ([0x61, 0, 0, 0], "UTF-32"),
        ]
        for (bytes, word) in wrong {
            let problem = #expect(throws: Problem.self) { try WrittenText.read(bytes) }
            #expect(problem?.detail.contains(word) == true, "\(bytes): \(problem?.detail ?? "")")
        }
    }

    @Test("a JSON text in another encoding is refused by its name")
    func wideJSON() {
        for bytes in [[0xFF, 0xFE, 0x7B, 0], [0x7B, 0, 0x7D, 0], [0xFE, 0xFF, 0, 0x7B]] as [[UInt8]] {
            let problem = #expect(throws: Problem.self) { try JSONValue(parsing: bytes) }
            #expect(problem?.code == .invalidJSON && problem?.detail.contains("UTF-16") == true)
        }
    }

    @Test(
        "a token request that lacks something says what",
        arguments: [
            ("", "invalid_request"), ("{}", "invalid_request"), ("[]", "validation_failed"), ("{", "invalid_json"),
            ("grant_type=password", "unsupported_grant_type"), ("grant_type=client_credentials", "invalid_request"),
            (#"{"grant_type":"client_credentials","client_id":1}"#, "validation_failed"), ("%", "invalid_request"),
        ])
    func badTokenRequests(body: String, code: String) {
        let problem = #expect(throws: Problem.self) { try TokenCredentials(parsing: Array(body.utf8)) }
        #expect(problem?.code.rawValue == code)
    }

    @Test("the article's event type is written to the letter")
    func articleEventType() throws {
        let eventType = try #require(try Fixtures.catalogue().eventType(Discriminator(Fixtures.eventType)))
        let text = String(
            decoding: JSONWriter.write(Bodies.EventType(eventType, showsPermissions: false).json), as: UTF8.self)
        #expect(
            text == #"{"name":"my transaction","discriminator":"com.apsis1.events.transaction.custom-my-transaction-"#
                + #"l9ce3syo6t","description":"","versions":[{"id":"2565266","type":{"myNumberField":"integer","#
                + #""myNumberWithDecimalField":"double","myTextField":"string","myTrueFalseField":"boolean","source":"#
                + #""string"},"deprecated_at":null,"valid_from":"2021-01-07T12:17:56.054Z"}]}"#)
    }

    private static func read(_ json: JSONValue) throws(Problem) -> Model { try Model(Bodies.Model(json: json)) }

    private static func written(_ model: Model) -> JSONValue { Bodies.Model(model).json }

    @Test("a model reads back as it was written")
    func models() throws {
        let model = try Fixtures.catalogue().model
        #expect(try Self.read(Self.written(model)) == model)
        let required = Model(
            keyspaces: [],
            sections: [
                Model.Section(
                    discriminator: nil, name: "S",
                    eventTypes: [
                        Model.EventType(
                            discriminator: nil, name: "E", description: "d", category: .signal, permissions: [:],
                            versions: .current([Field(name: "f", type: .double, required: true)]))
                    ])
            ])
        #expect(try Self.read(Self.written(required)) == required)
    }

    @Test("channels, folders and topics of a model read back as they were written, and a misspelt member is refused")
    func topicModels() throws {
        let push: Discriminator<OvationCore.Channel> = try Discriminator("com.example.channels.push")
        let topics = [
            Model.Topic(discriminator: try Discriminator("com.example.topics.offers"), name: "O", description: "d"),
            Model.Topic(discriminator: nil, name: "P", channel: push),
        ]
        let folder = Model.Folder(
            discriminator: try Discriminator("com.example.targets.news"), name: "N", description: "e", topics: topics)
        let model = Model(
            keyspaces: [],
            sections: [Model.Section(discriminator: nil, name: "S", eventTypes: [], folders: [folder])],
            channels: [
                Model.Channel(discriminator: push, name: "Push", keyspace: try Discriminator(Fixtures.emailKeyspace)),
                Model.Channel(discriminator: nil, name: "Post"),
            ])
        #expect(try Self.read(Self.written(model)) == model)
        #expect(Self.written(Model(keyspaces: [], sections: [])).members?.map(\.name) == ["keyspaces", "sections"])
        for (text, pointer) in [
            (#"{"channels":[{"name":"c","keyspace":"a.b"}]}"#, "/channels/0/keyspace"),
            (#"{"sections":[{"name":"s","folders":[{"name":"f","topic":[]}]}]}"#, "/sections/0/folders/0/topic"),
            (
                #"{"sections":[{"name":"s","folders":[{"name":"f","topics":[{"name":"t","channel":"a.b"}]}]}]}"#,
                "/sections/0/folders/0/topics/0/channel"
            ),
        ] {
            let json = try JSONValue(parsing: text)
            let problem = #expect(throws: Problem.self) { try Self.read(json) }
            #expect(problem?.errors.first?.pointer == pointer)
        }
    }

    @Test("an answer of an older server reads as an empty body where it leaves members out")
    func received() throws {
        func check<Answer: Body>(_ type: Answer.Type) throws {
            #expect(try Answer(received: .object([])).json == Answer().json, "\(type)")
            let nulls = (Answer().json.members ?? []).map { JSONValue.Member($0.name, .null) }
            #expect(try Answer(received: .object(nulls)).json == Answer().json, "\(type)")
            #expect(throws: Problem.self) { try Answer(received: .array([])) }
        }
        try check(Bodies.APIKeys.self)
        try check(Bodies.NewAPIKey.self)
        try check(Bodies.FullEventType.self)
        try check(Bodies.RejectionWithBody.self)
        try check(Bodies.RejectionCause.self)
        try check(Bodies.ReplayReport.self)
        try check(Bodies.ModelPlan.self)
        try check(Bodies.BulkProgress.self)
        try check(Bodies.ExportEnd.self)
        try check(Bodies.ProfileExportEnd.self)
        try check(Bodies.ExportedProfile.self)
    }

    @Test("what is inside of an answer of another server is completed too, and what it says is kept")
    func receivedParts() throws {
        let json = try JSONValue(
            parsing: #"{"items":[{"name":"A","description":null,"versions":[{"id":7,"type":{"f":"string"}}],"x":1}]}"#)
        let type = try #require(try Bodies.EventTypes(received: json).items.first)
        #expect((type.name, type.description, type.discriminator) == ("A", "", ""))
        #expect(type.versions.first?.id == "7" && type.versions.first?.type.entries.map(\.name) == ["f"])
        // A field would be lost in silence.
        let other = try JSONValue(parsing: #"{"versions":[{"type":{"f":"colour"}}]}"#)
        let problem = #expect(throws: Problem.self) { try Bodies.FullEventType(received: other) }
        #expect(problem?.errors.first?.pointer == "/versions/0/type/f")
    }

    @Test(
        "a model that does not fit says where",
        arguments: [
            (#"{"section":[]}"#, "/section"), (#"{"sections":[{}]}"#, "/sections/0/name"),
            (
                #"{"sections":[{"name":"s","event_types":[{"name":"e","fields":{}}]}]}"#,
                "/sections/0/event_types/0/category"
            ),
            (
                #"{"sections":[{"name":"s","event_types":[{"name":"e","category":"signal","fields":{"f":"date"}}]}]}"#,
                "/sections/0/event_types/0/fields/f"
            ), (#"{"keyspaces":[{"name":"k","key_format":"x"}]}"#, "/keyspaces/0/key_format"),
        ])
    func badModels(body: String, pointer: String) throws {
        let json = try JSONValue(parsing: body)
        let problem = #expect(throws: Problem.self) { try Self.read(json) }
        #expect(problem?.errors.first?.pointer == pointer)
    }

    /// What a request of a type is refused for: pointer, code and sentence of its first error.
    private static func refusal<Given: Body>(_ type: Given.Type, _ body: String) throws -> [String]? {
        let json = try JSONValue(parsing: body)
        do throws(Problem) {
            _ = try Given(json: json)
            return nil
        } catch {
            let first = try #require(error.errors.first)
            #expect(error.detail == "The request body does not fit: " + first.detail)
            return [first.pointer, first.code.rawValue, first.detail]
        }
    }

    @Test("a request that does not fit says at which member, by which code, and in which words")
    func refusals() throws {
        let cases: [(any Body.Type, String, [String])] = [
            (Bodies.SectionRequest.self, "{}", ["/name", "missing_member", "'name' is missing."]),
            (Bodies.SectionRequest.self, #"{"name":1}"#, ["/name", "wrong_type", "'name' is a string, found number."]),
            (Bodies.SectionRequest.self, "[]", ["", "wrong_type", "Expected an object, found array."]),
            (
                Bodies.KeyspaceChange.self, #"{"manage_subscriptions":"yes"}"#,
                ["/manage_subscriptions", "wrong_type", "'manage_subscriptions' is true or false, found string."]
            ),
            (
                Bodies.KeyspaceRequest.self, #"{"name":"k","key_format":"x"}"#,
                ["/key_format", "invalid_value", "'key_format' is one of 'email', 'mobile', 'text'."]
            ),
            (
                Bodies.VersionRequest.self, #"{"fields":{},"valid_from":"today"}"#,
                [
                    "/valid_from", "invalid_time",
                    "'valid_from' is a date and time such as 2021-01-07T12:17:56.054Z.",
                ]
            ),
            (
                Bodies.VersionRequest.self, #"{"fields":{},"version_id":"-1"}"#,
                ["/version_id", "invalid_version_id", "'version_id' is a positive number."]
            ),
            (
                Bodies.VersionRequest.self, #"{"fields":{"a/b":{"type":"date"}}}"#,
                [
                    "/fields/a~1b/type", "invalid_value",
                    "A field's type is 'string', 'integer', 'double' or 'boolean'.",
                ]
            ),
            (
                Bodies.VersionRequest.self, #"{"fields":{"a":{"typ":"string"}}}"#,
                ["/fields/a/typ", "unknown_field", "There is no 'typ' here, only 'type', 'required'."]
            ),
            (
                Bodies.VersionRequest.self, #"{"fields":{"a":1}}"#,
                ["/fields/a", "wrong_type", "A field is a type or an object with a 'type'."]
            ),
            (
                Bodies.EventTypeChange.self, #"{"keyspace_permissions":[{"read":true}]}"#,
                [
                    "/keyspace_permissions/0/keyspace_discriminator", "missing_member",
                    "'keyspace_discriminator' is missing.",
                ]
            ),
            (
                Bodies.EventTypeChange.self, #"{"keyspace_permissions":{"a.b":{"read":1}}}"#,
                ["/keyspace_permissions/a.b/read", "wrong_type", "'read' is true or false, found number."]
            ),
            (
                Bodies.APIKeyRequest.self, #"{"name":"k","keyspaces":{"a.b":"write"}}"#,
                ["/keyspaces/a.b", "invalid_value", "Access to a keyspace is 'read' or 'read_write'."]
            ),
            (
                Bodies.RotateAPIKeyRequest.self, #"{"overlap_hours":1.5}"#,
                ["/overlap_hours", "invalid_value", "'overlap_hours' is a whole number from 0 to 720."]
            ),
            (
                Bodies.ReplayRequest.self, #"{"item":[]}"#,
                ["/item", "unknown_field", "There is no 'item' here, only 'items', 'profile_key'."]
            ),
        ]
        for (type, body, expected) in cases { #expect(try Self.refusal(type, body) == expected, "\(body)") }
        let discriminator = try #require(try Self.refusal(Bodies.SectionChange.self, #"{"discriminator":"x"}"#))
        #expect(discriminator.starts(with: ["/discriminator", "invalid_discriminator"]))
    }

    @Test("what belongs to a version is not dropped in silence where the fields are missing")
    func versionParts() throws {
        for member in [#""version_id":7"#, #""valid_from":"2021-01-07T12:17:56.054Z""#, #""draft":true"#] {
            let body = try Bodies.EventTypeChange(json: JSONValue(parsing: "{\(member)}"))
            let problem = #expect(throws: Problem.self) { try body.version.definition() }
            #expect(problem?.errors.first?.pointer == "/fields" && problem?.errors.first?.code == .missingMember)
        }
        #expect(try Bodies.EventTypeChange(json: .object([])).version.definition() == nil)
    }

    @Test("permissions are read from a list and from a map, and written as the body has them")
    func permissions() throws {
        let list = try JSONValue(parsing: #"[{"keyspace_discriminator":"a.b","read":true,"write":false}]"#)
        let map = try JSONValue(parsing: #"{"a.b":{"read":true,"write":false}}"#)
        for json in [list, map] {
            #expect(try Bodies.PermissionList(json: json, at: "").json == list)
            #expect(try Bodies.PermissionMap(json: json, at: "").json == map)
        }
    }

    @Test("a page of events is written as bytes as its value would be")
    func eventPages() throws {
        let catalogue = try Fixtures.catalogue()
        let version = try #require(catalogue.eventTypes.first?.versions.first?.id)
        let events = [(17, version), (16, 1), (15, version)].map { id, version in
            StoredEvent(
                id: id, eventTime: Timestamp(milliseconds: 1_602_668_614_471), receivedAt: Timestamp(milliseconds: 5),
                version: version, data: #"{"a":1.5e3,"b":"é\"","c":true}"#)
        }
        for next in [nil, EventPosition(eventTime: Timestamp(milliseconds: 7), id: 3)] {
            let page = EventPage(events: events, next: next)
            let bytes = EventPageBody.write(page) { catalogue.version($0)?.eventType.discriminator.text }
            let body = Bodies.EventPage(page, in: catalogue)
            #expect(body.items.count == 2)
            #expect(
                String(decoding: bytes, as: UTF8.self) == String(decoding: JSONWriter.write(body.json), as: UTF8.self))
        }
    }
}
