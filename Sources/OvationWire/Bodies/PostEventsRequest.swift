public import OvationCore

/// The body of a post of events, item by item, before it is checked against any definition.
///
/// This reading is exact and says what is wrong and where. The server reads well-formed bodies on a faster path and
/// comes here for everything else.
public struct PostEventsRequest: Sendable {
    public let items: [JSONValue]

    /// One item, which has passed the checks of a list.
    public init(item: JSONValue) {
        items = [item]
    }

    public init(parsing bytes: some Collection<UInt8>, itemsMax: Int) throws(Problem) {
        let reader = try ObjectReader(JSONValue(parsing: bytes))
        try self.init(items: reader.required("items", reader.array("items")), itemsMax: itemsMax)
    }

    public init(items: [JSONValue], itemsMax: Int) throws(Problem) {
        guard items.count <= itemsMax else {
            throw Problem(
                .tooManyItems, "The body has \(items.count) items; \(itemsMax) are allowed. Send them in several posts."
            )
        }
        guard !items.isEmpty else {
            throw ObjectReader.refused("/items", .invalidValue, "'items' is empty; send at least one event.")
        }
        self.items = items
    }
}

/// One item taken apart: what fits, and all that does not.
public struct PostedEvent: Sendable {
    public var eventTime: Timestamp?
    public var versionID: EventVersion.ID?
    public var data: [JSONValue.Member]?
    public var errors: [ItemError] = []

    public init(_ item: JSONValue, index: Int) {
        let pointer = "/items/\(index)"
        guard case .object(let members) = item else {
            errors.append(
                ItemError(
                    index: index, pointer: pointer, code: .wrongType,
                    detail: "Expected an object, found \(item.typeName)."))
            return
        }
        var found: [String: JSONValue] = [:]
        for member in members where ["event_time", "version_id", "data"].contains(member.name) {
            if found.updateValue(member.value, forKey: member.name) != nil {
                errors.append(
                    ItemError(
                        index: index, pointer: pointer + "/" + member.name, code: .duplicateMember,
                        detail: "'\(member.name)' is given more than once."))
            }
        }
        func take<Value>(
            _ name: String, else code: Problem.Code, _ detail: String, _ read: (JSONValue) -> Value?
        ) -> Value? {
            guard let json = found[name], json != .null else {
                errors.append(
                    ItemError(
                        index: index, pointer: pointer + "/" + name, code: .missingMember,
                        detail: "'\(name)' is missing."))
                return nil
            }
            guard let value = read(json) else {
                errors.append(ItemError(index: index, pointer: pointer + "/" + name, code: code, detail: detail))
                return nil
            }
            return value
        }
        eventTime = take(
            "event_time", else: .invalidTime,
            "'event_time' is a text in RFC 3339, such as 2020-10-14T09:43:34.471Z."
        ) { $0.string.flatMap { Timestamp(rfc3339: $0) } }
        versionID = take(
            "version_id", else: .invalidVersionID, "'version_id' is a number or a string of digits."
        ) { VersionID.parse($0) }
        data = take("data", else: .wrongType, "'data' is an object.") { $0.members }
    }
}

extension JSONValue {
    /// As the data of an event sees it.
    public var posted: PostedValue {
        switch self {
        case .null: .null
        case .bool(let value): .boolean(value)
        case .number(let text): .number(text)
        case .string(let text): .text(text)
        case .array, .object: .nested
        }
    }
}

extension JSONWriter {
    /// The `data` of an event, as it is stored and read back.
    public mutating func append(eventData fields: [(name: String, value: FieldValue)]) {
        bytes.append(UInt8(ascii: "{"))
        for (index, field) in fields.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            append(string: field.name)
            bytes.append(UInt8(ascii: ":"))
            switch field.value {
            case .string(let text): append(string: text)
            case .integer(let value): append(value)
            case .double(let value): append(value)
            case .boolean(let value): append(value)
            }
        }
        bytes.append(UInt8(ascii: "}"))
    }
}
