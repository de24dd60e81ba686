import OvationWire

/// Rows for people, in columns as wide as their widest text, under a line that names them.
enum Columns {
    static func show(_ names: [String], _ rows: [[String]]) throws {
        let lines = ([names] + rows).map { $0.map { TerminalText.line($0.isEmpty ? "-" : $0) } }
        let widths = names.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
        for line in lines {
            let cells = zip(line, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
            var text = cells.joined(separator: "  ")
            while text.last == " " { text.removeLast() }
            try Output.print(text)
        }
    }
}
