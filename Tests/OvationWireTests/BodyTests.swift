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
        let request = try TokenRequest(parsing: Array(body.utf8))
        #expect(request.clientID == "a" && request.clientSecret == "b c")
    }

    @Test(
        "a token request that lacks something says what",
        arguments: [
            ("", "invalid_request"), ("{}", "invalid_request"), ("[]", "validation_failed"), ("{", "invalid_json"),
            ("grant_type=password", "unsupported_grant_type"), ("grant_type=client_credentials", "invalid_request"),
            (#"{"grant_type":"client_credentials","client_id":1}"#, "validation_failed"), ("%", "invalid_request"),
        ])
    func badTokenRequests(body: String, code: String) {
        let problem = #expect(throws: Problem.self) { try TokenRequest(parsing: Array(body.utf8)) }
        #expect(problem?.code.rawValue == code)
    }

    @Test("the article's event type is written to the letter")
    func articleEventType() throws {
        let eventType = try #require(try Fixtures.catalogue().eventType(Discriminator(Fixtures.eventType)))
        let text = String(decoding: JSONWriter.write(eventType.json(.listed)), as: UTF8.self)
        #expect(
            text == #"{"name":"my transaction","discriminator":"com.apsis1.events.transaction.custom-my-transaction-"#
                + #"l9ce3syo6t","description":"","versions":[{"id":"2565266","type":{"myNumberField":"integer","#
                + #""myNumberWithDecimalField":"double","myTextField":"string","myTrueFalseField":"boolean","source":"#
                + #""string"},"deprecated_at":null,"valid_from":"2021-01-07T12:17:56.054Z"}]}"#)
    }

    @Test("a model reads back as it was written")
    func models() throws {
        let model = try Fixtures.catalogue().model
        #expect(try ModelBody.parse(ModelBody.json(model)) == model)
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
        #expect(try ModelBody.parse(ModelBody.json(required)) == required)
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
        let problem = #expect(throws: Problem.self) { try ModelBody.parse(json) }
        #expect(problem?.errors.first?.pointer == pointer)
    }
}
