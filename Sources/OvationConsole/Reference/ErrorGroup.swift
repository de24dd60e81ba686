/// Problem codes with their meaning, as the document about errors has them. The document is the one place that says what
/// a code means, so the page reads it there.
public struct ErrorGroup: Sendable, Equatable {
    public struct Row: Sendable, Equatable {
        public let code: String
        /// Empty for a code of one entry in `errors`.
        public let status: String
        public let meaning: String
        public let advice: String

        public init(code: String, status: String, meaning: String, advice: String) {
            self.code = code
            self.status = status
            self.meaning = meaning
            self.advice = advice
        }
    }

    public let id: String
    public let name: String
    public let rows: [Row]

    public init(id: String, name: String, rows: [Row]) {
        self.id = id
        self.name = name
        self.rows = rows
    }

    /// All codes, in groups. The text is built into the program, so a test has read it.
    public static var all: [ErrorGroup] { groups(in: String(decoding: PackageResources.errors_md, as: UTF8.self)) }

    /// Each heading with the tables under it.
    static func groups(in text: String) -> [ErrorGroup] {
        var groups: [ErrorGroup] = []
        var name = ""
        var rows: [Row] = []
        func finish() {
            guard !rows.isEmpty else { return }
            groups.append(ErrorGroup(id: "errors-\(groups.count + 1)", name: name, rows: rows))
            rows = []
        }
        for line in text.split(separator: "\n") {
            if line.hasPrefix("#") {
                finish()
                name = String(line.drop { $0 == "#" || $0 == " " })
            } else if let row = row(line) {
                rows.append(row)
            }
        }
        finish()
        return groups
    }

    /// A row that begins with a code; nil for other lines.
    private static func row(_ line: Substring) -> Row? {
        guard line.hasPrefix("| `") else { return nil }
        let cells = line.split(separator: "|").map { words(String($0)) }.filter { !$0.isEmpty }
        switch cells.count {
        case 4: return Row(code: cells[0], status: cells[1], meaning: cells[2], advice: cells[3])
        case 3: return Row(code: cells[0], status: "", meaning: cells[1], advice: cells[2])
        default: return nil
        }
    }

    /// Without the marks of code, and with the texts of links alone.
    private static func words(_ cell: String) -> String {
        let text = cell.replacing("`", with: "").replacing(/\[([^\]]*)\]\([^)]*\)/) { $0.output.1 }
        return String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
