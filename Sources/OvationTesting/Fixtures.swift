import Foundation
public import OvationCore
public import Testing

/// Values that many tests start from: the article's own, wherever it has one.
public enum Fixtures {
    public static let now = Timestamp(rfc3339: "2026-11-23T12:00:00Z")!
    public static let emailKeyspace = "com.apsis1.keyspaces.email"
    public static let section = "usercreated.sections.my_section-h4h3dpu3qi"
    public static let eventType = "com.apsis1.events.transaction.custom-my-transaction-l9ce3syo6t"
    public static let versionID: EventVersion.ID = 2_565_266

    public static let fields = [
        Field(name: "myNumberField", type: .integer),
        Field(name: "myNumberWithDecimalField", type: .double),
        Field(name: "myTextField", type: .string),
        Field(name: "myTrueFalseField", type: .boolean),
        Field(name: "source", type: .string),
    ]

    /// The article's section and event type, as a model.
    public static func model() throws(Problem) -> Model {
        Model(
            keyspaces: [],
            sections: [
                Model.Section(
                    discriminator: try Discriminator(section), name: "My section",
                    eventTypes: [
                        Model.EventType(
                            discriminator: try Discriminator(eventType), name: "my transaction", description: "",
                            category: .transaction,
                            permissions: [emailKeyspace: Permission(read: true, write: true)],
                            versions: .all([
                                VersionDefinition(
                                    id: versionID, fields: fields,
                                    validFrom: Timestamp(rfc3339: "2021-01-07T12:17:56.054Z"))
                            ]))
                    ])
            ])
    }

    public static let account = Account(number: 1, name: "Main account", createdAt: now)

    /// An account with the built-in definitions and the article's.
    public static func catalogue() throws(Problem) -> Catalogue {
        let founded = try Catalogue(account: account).applying(Catalogue.founding, at: now, by: "server").catalogue
        var random = SeededGenerator(seed: 1)
        let plan = try founded.plan(toReach: model(), at: now, using: &random)
        return try founded.applying(plan.changes, at: now, by: "server").catalogue
    }

    public static func address(_ key: String, id: Int64? = nil, keyspace: Int64 = 1) throws(Problem) -> ProfileAddress {
        // Any spread of ids will do where no test asks for the server's own.
        let founding = id ?? key.utf8.reduce(Int64(5380) + keyspace) { $0 &* 33 &+ Int64($1) }
        return ProfileAddress(
            account: account.number, keyspace: keyspace,
            key: try ProfileKey(key, format: keyFormats[keyspace] ?? .text), foundingID: ProfileID(founding))
    }

    /// A person has one e-mail address, mobile number and CRM ID. In section 2 the attributes 1, 2 and 3 have them too.
    public static let mergeRules = MergeRules(
        identities: (1...3).map { number in
            MergeRules.Identity(
                keyspace: number, format: keyFormats[number] ?? .text,
                attributes: [MergeRules.Attribute(section: 2, number: number)])
        })

    public static func batch(
        _ key: String, times: [Int64], version: EventVersion.ID = versionID, data: String = #"{"myNumberField":1}"#,
        section: Int64 = 2, receivedAt: Timestamp = now, id: Int64? = nil, idempotency: Idempotency? = nil,
        replayOf: Rejection.ID? = nil
    ) throws(Problem) -> EventBatch {
        var bytes: [UInt8] = []
        var rows: [EventBatch.Row] = []
        for time in times {
            bytes += data.utf8
            rows.append(
                EventBatch.Row(
                    eventTime: Timestamp(milliseconds: time), version: version, dataEnd: bytes.count))
        }
        return EventBatch(
            profile: try address(key, id: id), section: section, receivedAt: receivedAt, events: rows, data: bytes,
            idempotency: idempotency, replayOf: replayOf)
    }

    /// One event of each key, and one line that was refused.
    public static func chunk(
        _ keys: [String], idempotency: Idempotency? = nil
    ) throws(Problem) -> EventChunk {
        var addresses: [ProfileAddress] = []
        for key in keys { addresses.append(try address(key)) }
        addresses.sort { $0.foundingID.value < $1.foundingID.value }
        var (profiles, bytes, rows): ([EventChunk.Profile], [UInt8], [EventChunk.Row]) = ([], [], [])
        for address in addresses {
            let start = bytes.count
            bytes += address.key.text.utf8
            rows.append(EventChunk.Row(eventTime: now, version: versionID, data: 0..<2))
            profiles.append(
                EventChunk.Profile(
                    keyspace: 1, key: start..<bytes.count, foundingID: address.foundingID, rowsEnd: rows.count))
        }
        return EventChunk(
            account: 1, section: 2, receivedAt: now, profiles: profiles, keys: bytes, rows: rows,
            data: Array("{}".utf8), idempotency: idempotency, refused: 1)
    }

    /// An act that changes no keys, by `someone`.
    public static func act(_ subject: String) -> ActEntry {
        ActEntry(at: now, actor: "someone", act: Act(.apiKeyCreated, subject: subject, detail: "what it was"))
    }

    public static func lock(_ key: String, id: Int64? = nil, at now: Timestamp = now) throws(Problem) -> ProfileChange {
        ProfileChange(profile: try address(key, id: id), at: now, actor: "me", operations: [.lock])
    }

    /// - Parameter number: of the erasure; two with the same number have the same id.
    public static func erase(
        _ key: String, number: Int = 1, id: Int64? = nil, at now: Timestamp = now, actor: String = "me",
        precondition: ProfileChange.Precondition = .exists, idempotency: Idempotency? = nil
    ) throws(Problem) -> ProfileChange {
        ProfileChange(
            profile: try address(key, id: id), at: now, actor: actor, precondition: precondition,
            idempotency: idempotency, operations: [.erase(erasureID(number), formats: keyFormats)])
    }

    /// Of the keyspaces that every account has.
    public static let keyFormats = Dictionary(
        uniqueKeysWithValues: BuiltIn.keyspaces.map { ($0.number, $0.keyFormat) })

    public static func erasureID(_ number: Int) -> ErasureID {
        var random = SeededGenerator(seed: UInt64(number))
        return ErasureID(using: &random)
    }

    /// Of a profile that it makes if there is none.
    public static func update(
        _ key: String, _ edits: [ProfileEdit], section: Int64 = 2, id: Int64? = nil, at now: Timestamp = now,
        actor: String = "me", precondition: ProfileChange.Precondition = .none, idempotency: Idempotency? = nil
    ) throws(Problem) -> ProfileChange {
        ProfileChange(
            profile: try address(key, id: id), at: now, actor: actor, precondition: precondition,
            idempotency: idempotency, operations: [.update(section: section, edits)])
    }

    /// The value of an attribute, under a version that its number leads to.
    public static func set(_ number: Int64, _ value: FieldValue, version: VersionID? = nil) -> ProfileEdit {
        ProfileEdit(.attribute(number), ProfileValue(version: version ?? number + 5000, value: value))
    }

    public static func clear(_ number: Int64) -> ProfileEdit { ProfileEdit(.attribute(number), nil) }

    public static func tag(_ number: Int64, _ isSet: Bool = true) -> ProfileEdit {
        ProfileEdit(.tag(number), isSet ? ProfileValue(version: number + 9000, value: .boolean(true)) : nil)
    }

    /// A random operation on two consents and two opt-outs.
    static func consents(section: Int64, _ random: inout SeededGenerator) -> ProfileChange.Operation {
        let places = [
            ConsentPlace(topic: 1, channel: 1), ConsentPlace(topic: 1, channel: 2),
            ConsentPlace(topic: 2, channel: nil),
            ConsentPlace(topic: nil, channel: 1),
        ].shuffled(using: &random).prefix(Int.random(in: 1...3, using: &random))
        if Int.random(in: 0..<5, using: &random) == 0 {
            return .update(section: section, places.map { ProfileEdit($0.field, nil) })
        }
        return .consent(
            section: section,
            places.map { place in
                if Int.random(in: 0..<5, using: &random) == 0 {
                    return ConsentEdit(place, Lift(source: "a form", reason: ["", "asked again"][Int(section % 2)]))
                }
                return ConsentEdit(
                    place,
                    Consent(
                        ConsentType.allCases.randomElement(using: &random) ?? .optIn,
                        source: ["", "a form", "ü:1"].randomElement(using: &random) ?? "",
                        reason: ["", "said so"].randomElement(using: &random) ?? ""),
                    refused: Bool.random(using: &random) ? .refusesChange : .changesNothing)
            })
    }

    public static func expectChanged(
        _ outcome: ProfileChangeOutcome, location: SourceLocation = #_sourceLocation
    ) {
        guard case .changed = outcome else {
            Issue.record("\(outcome)", sourceLocation: location)
            return
        }
    }

    public static func refusedPost(
        key: String = "a@b.se", section: Int64 = 2, keyspace: Int64 = 1, code: Problem.Code = .validationFailed,
        detail: String = "1 of 1 events is wrong.", body: String = #"{"items":[]}"#, receivedAt: Timestamp = now
    ) -> RefusedPost {
        RefusedPost(
            account: account.number, section: section, keyspace: keyspace, key: key, receivedAt: receivedAt,
            clientID: "752cdd05-75e0-4f8a-bd08-62e3df753ff3", requestID: "r1", code: code, detail: detail,
            errors: [
                ItemError(index: 0, pointer: "/items/0/data/x", code: .unknownField, detail: "There is no field 'x'."),
                ItemError(index: nil, pointer: "", code: .invalidJSON, detail: "a NUL: \u{0}"),
            ],
            eventCount: 1, body: Array(body.utf8))
    }
}

/// A folder that goes when the value does.
public final class TemporaryFolder: Sendable {
    public let path: String

    public init() throws {
        path = FileManager.default.temporaryDirectory.path + "/ovation-test-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }
}

/// The same numbers for the same seed, on every machine. A property test prints its seed when it fails.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(seed: UInt64) {
        state = seed
    }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}
