import OvationCore

// What an import would do with the first rows of a file, as it crosses the wire.

extension Bodies {
    public struct ImportPreviewRequest: Body {
        public var sample = ""
        public var `import`: ImportRequest?
        public init() {}

        public static let summary = "The beginning of a file, and what its columns are to mean."
        public static let members = Members<Self> {
            $0.required(
                "sample", \.sample,
                "The beginning of the file, with the row that names the columns, up to the end of a row. A last row that ends "
                    + "within quotes is passed over.",
                .string(min: 1, example: "email,first_name\r\nsteve@apsis.com,Steve\r\n"))
            $0.optional(
                "import", \.import,
                "The request of the import. Without it the columns and the first rows are told alone.")
        }
    }

    public enum PreviewedRow: String, BodyWord {
        case new, updated
        case notChanged = "not_changed"
        case failed
        public static let summary =
            "What an import would do with a row now: 'new' makes a profile, 'updated' finds one, 'not_changed' leaves it as it is, "
            + "'failed' refuses the row."
    }

    public struct ImportPreviewRow: Body {
        public var line: Int64 = 0
        public var cells: [String] = []
        public var outcome: PreviewedRow?
        public var column: String?
        public var detail: String?
        public init() {}

        public static let summary = "A row of the file."
        public static let members = Members<Self> {
            $0.required("line", \.line, "The line that it begins in.", .count(2))
            $0.required(
                "cells", \.cells, "Its cells.",
                .array(of: .string(example: "steve@apsis.com"), max: Limits.csvColumnsMax))
            $0.nullable("outcome", \.outcome, "What would become of it; null: no import was given.")
            $0.nullable(
                "column", \.column, "The column that is wrong; null: none, or the row as a whole.", columnSchema)
            $0.nullable(
                "detail", \.detail, "Why it would be refused; null: it would not.",
                .string(example: "This is no date that is known here, such as 1993-03-07."))
        }
    }

    public struct ImportPreview: Body {
        public var columns: [String] = []
        public var rows: [ImportPreviewRow] = []
        public init() {}

        public static let summary = "The columns of a file, and its first rows."
        public static let members = Members<Self> {
            $0.required(
                "columns", \.columns, "As the first row names them.",
                .array(of: .string(example: "email"), max: Limits.csvColumnsMax))
            $0.required(
                "rows", \.rows, "The rows behind it.",
                .array(of: ImportPreviewRow.schema, max: Limits.importPreviewRowsMax))
        }
    }

    public struct RefusedRow: Body {
        public var line: Int64 = 0
        public var column = ""
        public var detail = ""
        public init() {}

        public static let summary = "A row of a file that was refused."
        public static let members = Members<Self> {
            $0.required("line", \.line, "The line that it begins in.", .count(3))
            $0.required(
                "column", \.column, "The column that is wrong; empty: the row as a whole.", .string(example: "born"))
            $0.required(
                "detail", \.detail, "Why it was refused.",
                .string(example: "This is no date that is known here, such as 1993-03-07."))
        }
    }
}

extension ImportReport {
    /// The first refused rows of a report.
    /// - Parameter beginning: of the report, from its first byte on. A last row without its line break is passed over.
    public static func refusedRows(_ beginning: [UInt8]) -> [Bodies.RefusedRow] {
        var reader = CSVReader(delimiter: UInt8(ascii: ","))
        reader.append(beginning)
        var rows: [Bodies.RefusedRow] = []
        // The first row names the columns.
        guard (try? reader.next()) != nil else { return [] }
        while rows.count < Limits.importPreviewRowsMax, let row = try? reader.next() {
            // The last row of a report that is full has no line.
            let last = row.fields.suffix(columns.count).map(meaning)
            guard last.count == columns.count, let line = Int64(last[0]) else { continue }
            var refused = Bodies.RefusedRow()
            (refused.line, refused.column, refused.detail) = (line, last[1], last[2])
            rows.append(refused)
        }
        return rows
    }
}
