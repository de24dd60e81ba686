import HTTPTypes
import OvationCore
import OvationTesting
import OvationWire
import Testing

@testable import OvationServer

@Suite("The server speaks the bodies that the API describes")
struct DescribedBodyTests {
    private static let email = "com.apsis1.keyspaces.email"
    private static let profile = "/audience/keyspaces/\(email)/profiles/steve%40apsis.com"

    /// One call of an endpoint.
    private struct Step {
        let endpoint: Endpoint
        var path: KeyValuePairs<String, String> = [:]
        var query = ""
        /// nil: the example of the description, where it has a body.
        var body: String?
        var headers: [(String, String)] = []
    }

    private static func text(_ json: JSONValue) -> String { String(decoding: JSONWriter.write(json), as: UTF8.self) }

    private func example(of endpoint: Endpoint) -> String? {
        endpoint.spec.body?.json.map { Self.text($0.example) }
    }

    /// What an endpoint answered, read as the description says and written again.
    private func check(_ answer: TestServer.Answer, of endpoint: Endpoint) throws {
        let described = try #require(
            endpoint.spec.answers.first { $0.status == Int(answer.status.code) }, "\(endpoint): \(answer.text)")
        guard let body = described.body else {
            #expect(described.content.isEmpty == answer.text.isEmpty, "\(endpoint): \(answer.text)")
            return
        }
        func written<Described: Body>(_ body: Described.Type) throws -> JSONValue {
            try Described(json: answer.json).json
        }
        #expect(Self.text(try written(body)) == answer.text, "\(endpoint)")
    }

    @discardableResult
    private func take(_ step: Step, on server: TestServer) async throws -> TestServer.Answer {
        let body = step.body ?? example(of: step.endpoint)
        let answer = try await server.send(
            step.endpoint.method, step.endpoint.path(step.path) + step.query, body: body, headers: step.headers)
        #expect(answer.status.kind == .successful, "\(step.endpoint): \(answer.text)")
        try check(answer, of: step.endpoint)
        return answer
    }

    /// The event type of the examples, with a version that is published and one that is a draft.
    private static let event = "com.apsis1.events.transaction.custom-coffee-sold-k3v9x2b7qa"
    private static let section = "usercreated.sections.shop"
    private static let attribute = "usercreated.attributes.favourite_cake-98h3ud5p4v"
    private static let tag = "usercreated.tags.vip-98h3ud5p4v"
    private static let folder = "usercreated.targets.newsletters-3ayb7167e4"

    private static let definitions: [Step] = [
        Step(endpoint: .createToken, body: TestServer.tokenBody), Step(endpoint: .listSigningKeys),
        Step(endpoint: .createKeyspace), Step(endpoint: .listKeyspaces),
        Step(endpoint: .changeKeyspace, path: ["keyspace": "usercreated.keyspaces.loyalty-card"]),
        Step(endpoint: .getKeyspace, path: ["keyspace": email]),
        Step(endpoint: .createSection), Step(endpoint: .listSections),
        Step(endpoint: .changeSection, path: ["section": section]),
        Step(endpoint: .getSection, path: ["section": section]),
        Step(endpoint: .createEventType, path: ["section": section]),
        Step(
            endpoint: .addVersion, path: ["section": section, "event": event],
            body: #"{"fields":{"cups":"integer","barista":"string"},"version_id":"3000001"}"#),
        Step(
            endpoint: .addVersion, path: ["section": section, "event": event],
            body: #"{"fields":{"milk":"boolean"},"draft":true,"version_id":3000002}"#),
        Step(endpoint: .getEventType, path: ["section": section, "event": event]),
        Step(endpoint: .listEventTypes, path: ["section": section], query: "?include_keyspace_permissions=true"),
        Step(endpoint: .listEventTypes, path: ["section": section]),
        Step(endpoint: .createAttribute, path: ["section": section]),
        Step(
            endpoint: .addAttributeVersion, path: ["section": section, "attribute": attribute],
            body: #"{"type":"string","render_hint":"date_YYYY-MM-DD","version_id":"3000011"}"#),
        Step(
            endpoint: .addAttributeVersion, path: ["section": section, "attribute": attribute],
            body: #"{"type":"integer","draft":true,"version_id":3000012}"#),
        Step(endpoint: .getAttribute, path: ["section": section, "attribute": attribute]),
        Step(endpoint: .listAttributes, path: ["section": section], query: "?include_keyspace_permissions=true"),
        Step(endpoint: .listAttributes, path: ["section": section]),
        Step(endpoint: .createTag, path: ["section": section]),
        Step(endpoint: .getTag, path: ["section": section, "tag": tag]),
        Step(endpoint: .listTags, path: ["section": section], query: "?include_keyspace_permissions=true"),
        Step(endpoint: .listTags, path: ["section": section]),
        Step(endpoint: .createChannel), Step(endpoint: .listChannels),
        Step(endpoint: .createFolder, path: ["section": section]),
        Step(endpoint: .listFolders, path: ["section": section]),
        Step(endpoint: .listTopicFolders, path: ["section": section]),
        Step(endpoint: .listConsentLists, path: ["section": section]),
        Step(endpoint: .createTopic, path: ["section": section]),
        Step(
            endpoint: .createTopic, path: ["section": section],
            body: #"{"name":"All","folder_discriminator":"\#(folder)"}"#),
        Step(endpoint: .listTopics, path: ["section": section]),
        Step(endpoint: .listConsentListTopics, path: ["section": section, "consent_list": folder]),
        Step(endpoint: .exportModel), Step(endpoint: .planModel), Step(endpoint: .applyModel),
    ]

    private static var posted: String {
        text(Bodies.PostEvents.definition.example).replacing("2565266", with: "3000001")
    }

    private static let events: [Step] = [
        Step(
            endpoint: .postEvents, path: ["keyspace": email, "key": "steve@apsis.com", "section": section],
            body: posted),
        Step(
            endpoint: .postEvents, path: ["keyspace": email, "key": "steve@apsis.com", "section": section],
            body: #"{"items":[{"event_time":"2020-10-14T09:43:34.471Z","version_id":3000001,"data":{}},1]}"#,
            headers: [("Prefer", "handling=lenient")]),
        Step(
            endpoint: .loadEvents, path: ["section": section],
            body: text(Bodies.BulkLine.definition.example).replacing("2565266", with: "3000001") + "\n{}\n"),
        Step(
            endpoint: .listEvents, path: ["keyspace": email, "key": "steve@apsis.com", "section": section],
            query: "?limit=1"),
        Step(
            endpoint: .listEvents, path: ["keyspace": email, "key": "steve@apsis.com", "section": section],
            query: "?include=changes"),
        Step(endpoint: .listEventDays, path: ["keyspace": email, "key": "steve@apsis.com", "section": section]),
        Step(endpoint: .getProfile, path: ["keyspace": email, "key": "steve@apsis.com"]),
        Step(endpoint: .findProfiles, query: "?key=steve"),
        Step(endpoint: .getUsage, path: ["section": section]),
        Step(endpoint: .exportEvents, path: ["section": section]),
        Step(endpoint: .exportProfiles, path: ["section": section]),
        Step(endpoint: .listRejections, path: ["section": section]), Step(endpoint: .listAllRejections),
        Step(endpoint: .getActivity), Step(endpoint: .listLog, query: "?limit=1000"),
        Step(endpoint: .about), Step(endpoint: .health), Step(endpoint: .ready), Step(endpoint: .metrics),
    ]

    private static let place: KeyValuePairs = ["keyspace": email, "key": "steve@apsis.com", "section": section]
    /// The first names in the section of the examples, which is the third.
    private static let firstName = String(BuiltInAttribute.firstVersion(ofAttribute: 3 * 8 + 4))

    /// What a profile holds: before there are events, and after.
    private static let values: [Step] = [
        Step(endpoint: .createProfile, path: ["keyspace": email, "section": section]),
        Step(endpoint: .changeAttributeValues, path: place, body: "{\"\(firstName)\":\"Ada\"}"),
        Step(endpoint: .changeAttributeValuesByName, path: place),
        Step(endpoint: .changeProfileTags, path: place, body: "{}"),
        Step(endpoint: .getAttributeValues, path: place), Step(endpoint: .listAttributeValues, path: place),
        Step(endpoint: .getProfileTags, path: place), Step(endpoint: .listProfileChanges, path: place),
        Step(endpoint: .listProfileChanges, path: place, query: "?limit=1"),
        Step(endpoint: .getProfile, path: place),
        Step(
            endpoint: .removeAttributeValue,
            path: ["keyspace": email, "key": "steve@apsis.com", "section": section, "version": firstName]),
        Step(
            endpoint: .removeAttributeValueByName,
            path: [
                "keyspace": email, "key": "steve@apsis.com", "section": section,
                "attribute": "com.apsis1.attributes.lastname",
            ]),
    ]

    @Test("every answer is what the description says, member by member and in its order, and every example is taken")
    func everyEndpoint() async throws {
        try await TestServer.run { server async throws in
            var taken: Set<Endpoint> = []
            func take(_ step: Step) async throws -> TestServer.Answer {
                taken.insert(step.endpoint)
                return try await self.take(step, on: server)
            }
            for step in Self.definitions + Self.values + Self.events { _ = try await take(step) }
            let place = Self.place
            let profile = try await take(Step(endpoint: .getProfile, path: place)).json["profile_id"]?.string ?? ""
            _ = try await take(Step(endpoint: .getProfileByID, path: ["profile_id": profile]))
            let refused = try await take(Step(endpoint: .listAllRejections)).json["items"]?.array?.first
            let rejection: KeyValuePairs = ["section": Self.section, "id": refused?["id"]?.string ?? ""]
            _ = try await take(Step(endpoint: .getRejection, path: rejection))
            try await takeCauses(of: refused?["cause"]?.string ?? "", take)
            let replay = Self.text(Bodies.ReplayRequest.definition.example).replacing("2565266", with: "3000001")
            _ = try await take(Step(endpoint: .replayRejection, path: rejection, body: replay))
            _ = try await take(Step(endpoint: .listRejections, path: ["section": Self.section]))
            let replayed = try await take(Step(endpoint: .getRejection, path: rejection)).json
            #expect(replayed["stored_events"]?.array?.count == 1 && replayed["replayed_event_ids"]?.array?.count == 1)
            _ = try await take(Step(endpoint: .dismissRejection, path: rejection))
            let events = try await take(Step(endpoint: .listEvents, path: place)).json["items"]?.array
            _ = try await take(
                Step(
                    endpoint: .deleteEvent,
                    path: [
                        "keyspace": Self.email, "key": "steve@apsis.com", "section": Self.section,
                        "id": events?.first?["id"]?.string ?? "",
                    ]))
            _ = try await take(Step(endpoint: .deleteEvents, path: place))
            let key = try await take(Step(endpoint: .createAPIKey, body: Self.keyBody)).json["client_id"]?.string ?? ""
            for endpoint in [
                Endpoint.rotateAPIKey, .listAPIKeys, .revokeAPIKey, .rotateSigningKey, .createConsoleLink,
            ] {
                _ = try await take(Step(endpoint: endpoint, path: ["client_id": key]))
            }
            let type: KeyValuePairs = ["section": Self.section, "event": Self.event, "version": "3000002"]
            _ = try await take(Step(endpoint: .publishVersion, path: type))
            _ = try await take(Step(endpoint: .deprecateVersion, path: type))
            _ = try await take(Step(endpoint: .changeEventType, path: type))
            let draft = #"{"fields":{"sugar":"boolean"},"draft":true,"version_id":3000009}"#
            _ = try await take(Step(endpoint: .addVersion, path: type, body: draft))
            _ = try await take(
                Step(
                    endpoint: .discardVersion,
                    path: ["section": Self.section, "event": Self.event, "version": "3000009"]))
            _ = try await take(Step(endpoint: .removeEventType, path: type))
            try await takeKeys(take)
            try await takeConsents(take)
            try await takeImports(server, take)
            try await takeErasure(take)
            try await takeFields(take)
            try await takeTopics(take)
            // The document is larger than what is described of it, and the stream has no end.
            #expect(Set(Endpoint.allCases).subtracting(taken) == [.openAPI, .streamLive])
        }
    }

    /// Merges, and keys that come and go: the profile of the examples is there.
    private func takeKeys(_ take: (Step) async throws -> TestServer.Answer) async throws {
        _ = try await take(Step(endpoint: .mergeProfiles, headers: [("Prefer", "validate-only")]))
        _ = try await take(Step(endpoint: .mergeProfiles))
        let merged: KeyValuePairs = ["keyspace": "com.apsis1.keyspaces.web", "key": "1f8e4b"]
        _ = try await take(Step(endpoint: .getProfile, path: merged))
        _ = try await take(Step(endpoint: .unmergeProfile, path: merged, headers: [("Prefer", "handling=restore")]))
        let web = Self.text(Bodies.KeyReference(keyspace: "com.apsis1.keyspaces.web", key: "w").json)
        _ = try await take(Step(endpoint: .addProfileKey, path: Self.place, body: web))
        _ = try await take(Step(endpoint: .listProfileKeys, path: Self.place))
        let key: KeyValuePairs = [
            "keyspace": Self.email, "key": "steve@apsis.com", "other_keyspace": "com.apsis1.keyspaces.web",
            "other_key": "w",
        ]
        _ = try await take(Step(endpoint: .removeProfileKey, path: key))
        _ = try await take(Step(endpoint: .switchIdentifier, path: Self.place))
        let back = Bodies.NewProfile.definition.example
        _ = try await take(
            Step(
                endpoint: .createProfile, path: ["keyspace": Self.email, "section": Self.section],
                body: Self.text(back)))
    }

    /// Topics of the examples, and what is said of them.
    private func takeConsents(_ take: (Step) async throws -> TestServer.Answer) async throws {
        let section: KeyValuePairs = ["section": Self.section]
        let folder = "usercreated.targets.letters-3ayb7167e4"
        _ = try await take(
            Step(endpoint: .createFolder, path: section, body: #"{"name":"L","discriminator":"\#(folder)"}"#))
        let topic = "usercreated.topics.letters-cbyntm8qnw"
        let made = #"{"name":"T","discriminator":"\#(topic)","folder_discriminator":"\#(folder)"}"#
        _ = try await take(Step(endpoint: .createTopic, path: section, body: made))
        let address: KeyValuePairs = [
            "channel": "com.apsis1.channels.email", "address": "steve@apsis.com", "section": Self.section,
            "consent_list": folder,
        ]
        let consent =
            #"{"type":"opt-in","reason":"","topic_discriminator":"\#(topic)","#
            + #""channel_discriminator":"com.apsis1.channels.email"}"#
        _ = try await take(Step(endpoint: .postConsent, path: Self.place, body: consent))
        _ = try await take(Step(endpoint: .putSuppression, path: address))
        let subscription = #"{"consent_list_discriminator":"\#(folder)","topic_discriminator":"\#(topic)"}"#
        _ = try await take(Step(endpoint: .postSubscription, path: Self.place, body: subscription))
        let optOut = #"{"type":"opt-out","section_discriminator":"\#(Self.section)"}"#
        _ = try await take(Step(endpoint: .postAddressConsent, path: address, body: optOut))
        for endpoint in [Endpoint.listConsents, .listConsentChanges, .listProfileChanges, .listConsentCounts] {
            _ = try await take(Step(endpoint: endpoint, path: Self.place))
        }
        for endpoint in [Endpoint.getSuppression, .listSuppressions, .listSuppressionChanges, .listEvaluations] {
            _ = try await take(Step(endpoint: endpoint, path: address))
        }
        _ = try await take(
            Step(endpoint: .askSending, path: address, query: "?section=\(Self.section)&topic=\(topic)"))
        _ = try await take(Step(endpoint: .liftSuppression, path: address))
        _ = try await take(Step(endpoint: .liftAddressOptOut, path: address, query: "?section=\(Self.section)"))
    }

    /// One that brings a row in, one that refuses a row, and one that is cancelled.
    private func takeImports(
        _ server: TestServer, _ take: (Step) async throws -> TestServer.Answer
    ) async throws {
        let section: KeyValuePairs = ["section": Self.section]
        let mapping = #"{"keyspace_discriminator":"\#(Self.email)","field_selector":"mail"}"#
        let merging = #"{"keyspace_mappings":[\#(mapping)]}"#
        let cancelled = try await take(Step(endpoint: .createMergingImport, path: section, body: merging))
        let body = #"{"keyspace_mapping":\#(mapping)}"#
        let checked = Step(endpoint: .createImport, path: section, body: body, headers: [("Prefer", "validate-only")])
        _ = try await take(checked)
        let made = try await take(Step(endpoint: .createImport, path: section, body: body)).json
        let id = made["import_id"]?.string ?? ""
        let form = TestServer.form(
            key: made["file_upload_body"]?["upload_key"]?.string ?? "", file: "mail\na@b.se\nx\n")
        _ = try await take(
            Step(
                endpoint: .uploadImportFile, path: ["import_id": id], body: form,
                headers: [("Content-Type", TestServer.formType)]))
        try await server.runJobs()
        let place: KeyValuePairs = ["section": Self.section, "import_id": id, "job": id]
        let done = try await take(Step(endpoint: .getImport, path: place)).json["result"]
        #expect(done?["status"]?.string == "completed", "\(String(describing: done))")
        _ = try await take(Step(endpoint: .getImportReport, path: place))
        _ = try await take(Step(endpoint: .getJob, path: place))
        _ = try await take(Step(endpoint: .cancelJob, path: ["job": cancelled.json["import_id"]?.string ?? ""]))
        _ = try await take(Step(endpoint: .listJobs))
    }

    private func takeErasure(_ take: (Step) async throws -> TestServer.Answer) async throws {
        let key: KeyValuePairs = ["keyspace": "com.apsis1.keyspaces.crm-id", "key": "to be locked"]
        let locked: KeyValuePairs = ["keyspace": "com.apsis1.keyspaces.crm-id", "section": Self.section]
        _ = try await take(Step(endpoint: .createProfile, path: locked, body: #"{"profile_key":"to be locked"}"#))
        _ = try await take(Step(endpoint: .lockProfile, path: key))
        let deleted = try await take(Step(endpoint: .deleteProfile, path: Self.place))
        let erasure = deleted.header("Erasure-Id") ?? ""
        _ = try await take(Step(endpoint: .getErasure, path: ["erasure_id": erasure]))
        _ = try await take(Step(endpoint: .listErasures))
    }

    /// What is done to an attribute and a tag that are there.
    private func takeFields(_ take: (Step) async throws -> TestServer.Answer) async throws {
        let draft: KeyValuePairs = ["section": Self.section, "attribute": Self.attribute, "version": "3000012"]
        for endpoint in [Endpoint.publishAttributeVersion, .deprecateAttributeVersion, .changeAttribute] {
            _ = try await take(Step(endpoint: endpoint, path: draft))
        }
        let body = #"{"type":"boolean","draft":true,"version_id":3000019}"#
        _ = try await take(Step(endpoint: .addAttributeVersion, path: draft, body: body))
        let other: KeyValuePairs = ["section": Self.section, "attribute": Self.attribute, "version": "3000019"]
        _ = try await take(Step(endpoint: .discardAttributeVersion, path: other))
        _ = try await take(Step(endpoint: .removeAttribute, path: draft))
        let tag: KeyValuePairs = ["section": Self.section, "tag": Self.tag]
        for endpoint in [Endpoint.changeTag, .removeTag] { _ = try await take(Step(endpoint: endpoint, path: tag)) }
    }

    /// What is done to a channel, a folder and a topic that are there.
    private func takeTopics(_ take: (Step) async throws -> TestServer.Answer) async throws {
        let topic: KeyValuePairs = ["section": Self.section, "topic": "usercreated.topics.weekly_offers-cbyntm8qnw"]
        for endpoint in [Endpoint.changeTopic, .removeTopic] {
            _ = try await take(Step(endpoint: endpoint, path: topic))
        }
        let folder: KeyValuePairs = ["section": Self.section, "folder": Self.folder]
        _ = try await take(Step(endpoint: .changeFolder, path: folder))
        let empty = #"{"name":"Empty","discriminator":"usercreated.targets.empty-98h3ud5p4v"}"#
        _ = try await take(Step(endpoint: .createFolder, path: folder, body: empty))
        _ = try await take(
            Step(
                endpoint: .removeFolder,
                path: ["section": Self.section, "folder": "usercreated.targets.empty-98h3ud5p4v"]))
        let channel: KeyValuePairs = ["channel": "usercreated.channels.push-98h3ud5p4v"]
        for endpoint in [Endpoint.changeChannel, .removeChannel] {
            _ = try await take(Step(endpoint: endpoint, path: channel))
        }
    }

    /// None of them pass, so all that is left afterwards is as it was.
    private func takeCauses(of cause: String, _ take: (Step) async throws -> TestServer.Answer) async throws {
        let path: KeyValuePairs = ["cause": cause]
        let listed = try await take(Step(endpoint: .listRejectionCauses)).json["items"]?.array ?? []
        #expect(listed.contains { $0["cause"]?.string == cause })
        _ = try await take(Step(endpoint: .getRejectionCause, path: path))
        // A body says nothing here, and many a client sends one with every POST.
        for (body, headers) in [(nil, [("Prefer", "validate-only")]), ("{}", [])] {
            let step = Step(endpoint: .replayRejectionCause, path: path, body: body, headers: headers)
            let report = try await take(step).json
            #expect(report["failures"]?.array?.count == 1, "\(report)")
        }
        let asked = Step(endpoint: .dismissRejectionCause, path: path, headers: [("Prefer", "validate-only")])
        #expect(try await take(asked).json["through"]?.string != nil)
        let none = String(repeating: "0", count: 32)
        let nothing = try await take(Step(endpoint: .dismissRejectionCause, path: ["cause": none]))
        #expect(nothing.json["through"] == .null)
    }

    private static let keyBody = text(Bodies.APIKeyRequest.definition.example).replacing(
        "com.apsis1.sections.default", with: section)

    @Test("every member of a request that is described is read: of another type it is refused, and named")
    func membersAreRead() async throws {
        try await TestServer.run { server async throws in
            #expect(try await server.post("{\"items\":[1]}").status == .badRequest)
            var count = 0
            for endpoint in Endpoint.allCases {
                guard let text = example(of: endpoint), let members = try JSONValue(parsing: text).members,
                    let described = endpoint.spec.body?.json?.parts.first?.definition.json["properties"]?.members
                else { continue }
                let refused = try await server.send(.get, "/audience/rejections").json["items"]?.array?.first
                let path = endpoint.path([
                    "keyspace": Self.email, "key": "steve@apsis.com", "section": Fixtures.section,
                    "event": Fixtures.eventType, "client_id": TestServer.clientID, "version": "2565266",
                    "attribute": "com.apsis1.attributes.email", "tag": "com.example.tags.vip",
                    "channel": "com.apsis1.channels.email", "address": "steve@apsis.com",
                    "folder": "com.example.targets.news",
                    "topic": "com.example.topics.offers", "id": refused?["id"]?.string ?? "",
                ])
                for member in described {
                    let wrong: JSONValue = .array([.array([.number("1")])])
                    let isList = member.value["type"]?.string == "array"
                    let rest = members.filter { $0.name != member.name && $0.name != "versions" }
                    let kept = member.name == "versions" ? rest.filter { $0.name != "fields" } : rest
                    let body = JSONValue.object(kept + [.init(member.name, isList ? .number("5") : wrong)])
                    let answer = try await server.send(endpoint.method, path, body: Self.text(body))
                    let place = "\(endpoint.label) \(member.name): \(answer.text)"
                    #expect(answer.status == .badRequest, "\(place)")
                    #expect(
                        answer.text.contains("'\(member.name)'")
                            || answer.errors.contains {
                                $0.hasPrefix("/\(member.name)")
                            }, "\(place)")
                    count += 1
                }
            }
            #expect(count > 30)
        }
    }
}

extension TestServer {
    fileprivate static let tokenBody =
        #"{"grant_type":"client_credentials","client_id":"\#(clientID)","client_secret":"\#(clientSecret)"}"#
}
