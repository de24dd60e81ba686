/// The typed fields of one version, in the order they were defined.
///
/// A class, so that a post of a thousand events passes around one reference instead of copies of the fields.
public final class EventSchema: Sendable, Equatable {
    public let fields: [Field]
    /// The same once more, for reading bytes of a request.
    public let table: FieldTable
    /// A bit for each required field; of use up to 64 fields.
    public let requiredMask: UInt64
    private let indexByName: [String: Int]

    /// - Throws: `validation_failed` when there are too many fields, two of one name, or a name that is not 1 to 100
    ///   characters of letters, digits, `_`, `-` and `.`, beginning with a letter or `_`.
    public init(fields: [Field]) throws(Problem) {
        var indexByName: [String: Int] = [:]
        var errors: [ItemError] = []
        if fields.count > Limits.fieldsMax {
            errors.append(
                ItemError(
                    index: nil, pointer: "/fields", code: .limitExceeded,
                    detail: "An event type has at most \(Limits.fieldsMax) fields."))
        }
        for (index, field) in fields.prefix(Limits.fieldsMax).enumerated() {
            let pointer = "/fields/" + JSONPointer.escaped(field.name)
            if !EventSchema.isFieldName(field.name) {
                errors.append(
                    ItemError(
                        index: nil, pointer: pointer, code: .invalidName,
                        detail: "A field name has 1 to \(Limits.fieldNameLengthMax) letters, digits, '_', '-' and "
                            + "'.', and begins with a letter or '_'."))
            }
            if indexByName.updateValue(index, forKey: field.name) != nil {
                errors.append(
                    ItemError(
                        index: nil, pointer: pointer, code: .duplicateMember,
                        detail: "There are two fields of this name."))
            }
        }
        guard errors.isEmpty else {
            throw Problem(.validationFailed, "The fields of the event type are not valid.", errors: errors)
        }
        self.fields = fields
        self.table = FieldTable(fields)
        self.requiredMask = fields.prefix(64).enumerated().reduce(0) { mask, field in
            field.element.required ? mask | 1 << UInt64(field.offset) : mask
        }
        self.indexByName = indexByName
    }

    public func index(ofFieldNamed name: String) -> Int? { indexByName[name] }

    /// Whether the fields are the same, in whatever order.
    public func hasFields(_ other: [Field]) -> Bool {
        other.count == fields.count && Set(other) == Set(fields)
    }

    public static func == (left: EventSchema, right: EventSchema) -> Bool { left.fields == right.fields }

    private static func isFieldName(_ name: String) -> Bool {
        guard let first = name.unicodeScalars.first, name.unicodeScalars.count <= Limits.fieldNameLengthMax else {
            return false
        }
        guard first == "_" || first.properties.isAlphabetic else { return false }
        return name.unicodeScalars.allSatisfy {
            $0.properties.isAlphabetic || $0.properties.numericType != nil || $0 == "_" || $0 == "-" || $0 == "."
        }
    }
}

/// Fields in two flat arrays, so that going over them follows no references and counts none.
public struct FieldTable: Sendable {
    public struct Entry: Sendable {
        /// Where the field stands in ``names``.
        public let start: Int
        /// Bytes of the name alone.
        public let nameCount: Int
        public let type: FieldType
    }

    public let entries: [Entry]
    /// `,"name":` of each field, as it stands in JSON. A field name has nothing to escape.
    public let names: [UInt8]

    init(_ fields: [Field]) {
        var entries: [Entry] = []
        var names: [UInt8] = []
        for field in fields {
            entries.append(Entry(start: names.count, nameCount: field.name.utf8.count, type: field.type))
            names += ",\"\(field.name)\":".utf8
        }
        self.entries = entries
        self.names = names
    }
}
