/// What one row of a file says of a profile.
public struct ImportRow: Sendable, Equatable {
    /// By the places of the mapping's keys; the first that is there names the profile, the others are merged into it.
    public struct Key: Sendable, Equatable {
        public let keyspace: Keyspace
        public let key: ProfileKey
    }

    public let keys: [Key]
    public let edits: [ProfileEdit]
    public let consents: [ConsentEdit]
}

/// Why a row is refused.
public struct ImportRefusal: Error, Sendable, Equatable {
    /// Name of the column; empty: the row as a whole.
    public let column: String
    public let code: Problem.Code
    public let detail: String

    public init(column: String = "", _ code: Problem.Code, _ detail: String) {
        self.column = column
        self.code = code
        self.detail = detail
    }
}

/// A plan on a file whose header is known.
public struct ImportColumns: Sendable {
    public let plan: ImportPlan
    public let header: [String]
    /// Where the columns of the plan stand in a row, in the order of the plan. Every cell asks for it.
    private let keys: [Int]
    private let attributes: [(index: Int, isMapped: Bool)]
    private let tags: [Int]
    private let consents: [(index: Int, addressIndex: Int)]

    /// - Throws: a problem that names the columns that are missing, or one that the header has twice.
    public init(_ plan: ImportPlan, header: [String]) throws(Problem) {
        // A mapping can name a column as a file has it: with blanks around the name.
        let columns = plan.columns.map { String($0.trimmingSpaces) }
        let wanted = Set(columns)
        var indexes: [String: Int] = [:]
        for (index, name) in header.enumerated() {
            let name = String(name.trimmingSpaces)
            guard indexes.updateValue(index, forKey: name) == nil || !wanted.contains(name) else {
                throw Problem(.invalidFile, "The file has more than one column \(name.quoted).")
            }
        }
        let missing = columns.filter { indexes[$0] == nil }
        guard missing.isEmpty else {
            throw Problem(
                .invalidFile,
                // A file without names has a person's data there.
                "The file has no column \(missing.prefix(10).map(\.quoted).joined(separator: ", ")). Its first row has to name "
                    + "the columns; it has \(header.count).")
        }
        self.plan = plan
        self.header = header
        let index = { (column: String) in indexes[String(column.trimmingSpaces)] ?? 0 }
        keys = plan.mapping.keys.map { index($0.column) }
        attributes = plan.attributes.map { column in
            let discriminator = column.found.attribute.discriminator
            return (index(column.column), !plan.target.catalogue.keyspaces(mappedTo: discriminator).isEmpty)
        }
        tags = plan.tags.map { index($0.column) }
        consents = plan.consents.map { (index($0.column), index($0.addressColumn)) }
    }

    /// - Throws: the first thing that is wrong with the row.
    public func row(_ row: CSVRow) throws(ImportRefusal) -> ImportRow {
        guard !row.isMalformed else {
            throw ImportRefusal(.invalidFile, "Text stands behind the closing quotes of a field.")
        }
        guard row.fields.count == header.count else {
            throw ImportRefusal(
                .invalidFile, "The row has \(row.fields.count) fields, and the first row \(header.count).")
        }
        let keys = try keys(of: row)
        guard !keys.isEmpty else {
            throw ImportRefusal(column: plan.mapping.keys[0].column, .invalidProfileKey, "There is no profile key.")
        }
        var edits: [ProfileEdit] = []
        for (column, place) in zip(plan.attributes, attributes) {
            if let edit = try edit(column, cell(place.index, of: row), isMapped: place.isMapped) { edits.append(edit) }
        }
        for (column, index) in zip(plan.tags, tags) {
            if let edit = try edit(column, cell(index, of: row)) { edits.append(edit) }
        }
        var consents: [ConsentEdit] = []
        for (column, place) in zip(plan.consents, self.consents) {
            let cells = (cell(place.index, of: row), cell(place.addressIndex, of: row))
            guard let consent = try consent(column, cells.0, address: cells.1, &edits) else { continue }
            consents.append(consent)
        }
        return ImportRow(keys: keys, edits: edits, consents: consents)
    }

    /// Without the apostrophes that keep a spreadsheet from calculating: the files that this server writes have them.
    private func cell(_ index: Int, of row: CSVRow) -> String {
        let text = row.fields[index]
        guard text.utf8.contains(UInt8(ascii: "'")), let bytes = FormulaGuard.unguarded(Array(text.utf8)) else {
            return text
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private func keys(of row: CSVRow) throws(ImportRefusal) -> [ImportRow.Key] {
        var keys: [ImportRow.Key] = []
        for (place, keyspace) in plan.keyspaces.enumerated() {
            let text = String(cell(self.keys[place], of: row).trimmingSpaces)
            guard !text.isEmpty else { continue }
            let column = plan.mapping.keys[place].column
            keys.append(ImportRow.Key(keyspace: keyspace, key: try key(text, of: keyspace, column: column)))
        }
        return keys
    }

    private func key(
        _ text: String, of keyspace: Keyspace, column: String
    ) throws(ImportRefusal) -> ProfileKey {
        do throws(Problem) {
            return try ProfileKey(text, format: keyspace.keyFormat)
        } catch {
            throw ImportRefusal(column: column, error.code, error.detail)
        }
    }

    /// nil: the cell says nothing.
    private func edit(
        _ column: ImportPlan.AttributeColumn, _ cell: String, isMapped: Bool
    ) throws(ImportRefusal) -> ProfileEdit? {
        let field = ProfileField.attribute(column.found.attribute.number)
        guard !cell.trimmingSpaces.isEmpty else {
            return plan.mapping.clearsAttributes ? ProfileEdit(field, nil) : nil
        }
        let posted = try column.found.version.content.posted(cell, isKey: isMapped).get(column)
        switch plan.target.check(posted, for: column.found) {
        case .cleared: return plan.mapping.clearsAttributes ? ProfileEdit(field, nil) : nil
        case .refused(let code, let detail): throw ImportRefusal(column: column.column, code, detail)
        case .value(let value):
            return ProfileEdit(field, ProfileValue(version: column.found.version.id, value: value))
        }
    }

    private func edit(_ column: ImportPlan.TagColumn, _ cell: String) throws(ImportRefusal) -> ProfileEdit? {
        let field = ProfileField.tag(column.tag.number)
        switch ImportColumns.mark(cell) {
        case .says(true):
            return ProfileEdit(field, ProfileValue(version: column.tag.versionID, value: .boolean(true)))
        case .says(false): return ProfileEdit(field, nil)
        case .empty: return nil
        case .unknown:
            throw ImportRefusal(column: column.column, .wrongType, "1 or true adds the tag, 0 or false removes it.")
        }
    }

    /// nil: the cell asks for none.
    private func consent(
        _ column: ImportPlan.ConsentCell, _ cell: String, address: String, _ edits: inout [ProfileEdit]
    ) throws(ImportRefusal) -> ConsentEdit? {
        switch ImportColumns.mark(cell) {
        case .says(true): break
        case .says(false), .empty: return nil
        case .unknown:
            throw ImportRefusal(
                column: column.column, .wrongType,
                "1 or true sets '\(column.consent.type.word)'; 0, false or nothing leaves the consent as it is.")
        }
        let text = String(address.trimmingSpaces)
        guard !text.isEmpty else {
            throw ImportRefusal(column: column.addressColumn, .invalidProfileKey, "A consent needs the address.")
        }
        _ = try key(text, of: column.keyspace, column: column.addressColumn)
        if let found = column.addressAttribute {
            let field = ProfileField.attribute(found.attribute.number)
            // Several consents have one address.
            if !edits.contains(where: { $0.field == field }),
                case .value(let value) = plan.target.check(.text(text), for: found)
            {
                edits.append(ProfileEdit(field, ProfileValue(version: found.version.id, value: value)))
            }
        }
        return ConsentEdit(
            column.place, column.consent, refused: .changesNothing, keepsOptOut: column.keepsOptOut)
    }

    private enum Mark {
        case says(Bool)
        case empty
        case unknown
    }

    private static func mark(_ cell: String) -> Mark {
        switch cell.trimmingSpaces.lowercased() {
        case "1", "true": .says(true)
        case "0", "false": .says(false)
        case "": .empty
        default: .unknown
        }
    }
}

private enum PostedCell {
    case posted(PostedValue)
    case refused(Problem.Code, String)

    func get(_ column: ImportPlan.AttributeColumn) throws(ImportRefusal) -> PostedValue {
        switch self {
        case .posted(let value): return value
        case .refused(let code, let detail): throw ImportRefusal(column: column.column, code, detail)
        }
    }
}

extension AttributeContent {
    /// A cell as if it had come as JSON.
    fileprivate func posted(_ cell: String, isKey: Bool) -> PostedCell {
        let trimmed = String(cell.trimmingSpaces)
        switch (type, renderHint) {
        case (_, .date):
            guard let text = ImportDate.text(cell) else {
                return .refused(.invalidValue, "This is no date that is known here, such as 1993-03-07.")
            }
            return .posted(.text(text))
        case (_, .timestamp):
            guard let seconds = ImportDate.seconds(cell) else {
                return .refused(
                    .invalidValue, "This is no date that is known here, and no number of seconds since 1970.")
            }
            return .posted(.number(String(seconds)))
        case (_, .location): return .posted(.text(trimmed.uppercased()))
        case _ where isKey: return .posted(.text(trimmed))
        case (.string, nil): return .posted(.text(cell))
        case (.integer, nil), (.double, nil):
            guard let number = JSONNumber.text(trimmed) else {
                return .refused(.wrongType, "Expected a number, written with digits and a point.")
            }
            return .posted(.number(number))
        case (.boolean, nil):
            switch trimmed.lowercased() {
            case "true": return .posted(.boolean(true))
            case "false": return .posted(.boolean(false))
            default: return .refused(.wrongType, "Expected true or false.")
            }
        }
    }
}

/// A number as people and programs write it in a cell.
private enum JSONNumber {
    /// In JSON's grammar: without a plus and without zeros in front. nil: it is no number.
    static func text(_ cell: String) -> String? {
        var bytes = cell.utf8[...]
        let isNegative = bytes.first == UInt8(ascii: "-")
        if isNegative || bytes.first == UInt8(ascii: "+") { bytes.removeFirst() }
        let whole = bytes.prefix { $0 &- 48 <= 9 }
        bytes = bytes.dropFirst(whole.count)
        var fraction = ""
        if bytes.first == UInt8(ascii: ".") {
            let digits = bytes.dropFirst().prefix { $0 &- 48 <= 9 }
            guard !digits.isEmpty else { return nil }
            fraction = "." + String(Substring(digits))
            bytes = bytes.dropFirst(digits.count + 1)
        }
        guard !whole.isEmpty else { return nil }
        var exponent = ""
        if bytes.first == UInt8(ascii: "e") || bytes.first == UInt8(ascii: "E") {
            let digits = bytes.dropFirst().drop { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "-") }
            guard !digits.isEmpty, bytes.count - digits.count <= 2, digits.allSatisfy({ $0 &- 48 <= 9 }) else {
                return nil
            }
            exponent = "e" + String(Substring(bytes.dropFirst()))
            bytes = bytes.suffix(0)
        }
        guard bytes.isEmpty else { return nil }
        let digits = whole.drop { $0 == UInt8(ascii: "0") }
        return (isNegative ? "-" : "") + (digits.isEmpty ? "0" : String(Substring(digits))) + fraction + exponent
    }
}
