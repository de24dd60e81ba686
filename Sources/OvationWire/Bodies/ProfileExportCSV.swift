public import OvationCore

/// The columns of an export of profiles as CSV: those of the definitions at its beginning.
public struct ProfileColumns: Sendable {
    /// By number, with the discriminators.
    public var keyspaces: [(number: Int64, name: String)] = []
    public var attributes: [(number: Int64, name: String)] = []
    public var tags: [(number: Int64, name: String)] = []
    public var consents: [(topic: String, channel: String)] = []
    /// Channels with opt-outs of the section and of the account.
    public var optOuts: [String] = []
    /// Whether a text that a spreadsheet would calculate gets an apostrophe before it.
    public let guardsFormulas: Bool
    /// Whether a byte order mark stands before everything.
    public let hasMark: Bool

    public init(guardsFormulas: Bool, hasMark: Bool) {
        self.guardsFormulas = guardsFormulas
        self.hasMark = hasMark
    }

    public var count: Int { 3 + keyspaces.count + attributes.count + tags.count + consents.count + optOuts.count }
}

extension JSONWriter {
    /// The first line. Each name begins with that of the member that a line of JSON has.
    public mutating func append(csvHeader columns: ProfileColumns) {
        if columns.hasMark { bytes.append(contentsOf: [0xEF, 0xBB, 0xBF]) }
        append(raw: "profile_id,created_at,state")
        for name in columns.keyspaces.map({ "keys." + $0.name }) + columns.attributes.map({ "attributes." + $0.name })
            + columns.tags.map({ "tags." + $0.name }) + columns.consents.map({ "consents.\($0.topic).\($0.channel)" })
            + columns.optOuts.map({ "opt_outs." + $0 })
        {
            append(raw: ",")
            bytes.append(contentsOf: name.utf8)
        }
        append(raw: "\r\n")
    }

    /// A value as a cell. An empty text is told apart from none.
    public mutating func append(cell value: FieldValue, guardsFormulas: Bool) {
        switch value {
        case .string(""): append(raw: "\"\"")
        case .string(let text): append(cell: text, guardsFormulas: guardsFormulas)
        case .integer(let number): append(number)
        case .double(let number): append(number)
        case .boolean(let flag): append(flag)
        }
    }

    public mutating func append(cell text: String, guardsFormulas: Bool) {
        appendQuotedIfNeeded(Array(text.utf8), guardsFormulas: guardsFormulas)
    }
}
