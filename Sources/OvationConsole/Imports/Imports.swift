/// `GET /console/imports/new`: the file of a new import, by its first rows
public struct ImportFilePage: ConsolePage {
    public static let template = "import_file"
    public var title: String { "New import" }

    public let sections: [Choice]
    /// The first rows, as they were sent.
    public let sample: String
    /// Such as `50 MiB`.
    public let sizeMax: String
    public let isMasked: Bool
    public let errors: [FormError]
    let errorLines: [ErrorLine]
    let sampleError: String?

    public init(sections: [Choice], sample: String = "", sizeMax: String, isMasked: Bool, errors: [FormError] = []) {
        self.sections = sections
        self.sample = sample
        self.sizeMax = sizeMax
        self.isMasked = isMasked
        self.errors = errors
        errorLines = errors.lines()
        sampleError = errors.message(for: "sample")
    }
}

/// Answers a post to `/console/imports/columns`: what the columns of the file mean, and what that would do
public struct ImportColumnsPage: ConsolePage {
    public static let template = "import_columns"
    public var title: String { "New import" }

    /// A list of meanings under one heading.
    public struct Group: Sendable, Equatable {
        public let name: String
        public let choices: [Choice]

        public init(name: String, choices: [Choice]) {
            self.name = name
            self.choices = choices
        }
    }

    public struct Column: Sendable, Equatable {
        public let name: String
        /// Of the first rows.
        public let values: [String]
        public let groups: [Group]
        let control: String
        let example: String
        let error: String?

        /// - Parameters:
        ///   - index: in the file, from 0.
        public init(index: Int, name: String, values: [String], groups: [Group], error: String? = nil) {
            self.name = name
            self.values = values
            self.groups = groups
            self.error = error
            control = ImportColumnsPage.control(index)
            example = values.filter { !$0.isEmpty }.prefix(3).joined(separator: " · ")
        }
    }

    public struct Row: Sendable, Equatable {
        public enum Outcome: Sendable, Equatable { case new, updated, notChanged, refused }

        public let line: String
        public let key: String
        public let outcome: Outcome
        /// Of a refused row; empty: it is none.
        public let reason: String
        let words: String
        let chip: String

        public init(line: Int, key: String, outcome: Outcome, reason: String = "") {
            self.line = line.grouped
            self.key = key
            self.outcome = outcome
            self.reason = reason
            (words, chip) =
                switch outcome {
                case .new: ("A new profile", "good")
                case .updated: ("An update", "current")
                case .notChanged: ("No change", "")
                case .refused: ("Refused", "refused")
                }
        }
    }

    /// What would happen with the first rows.
    public struct Preview: Sendable, Equatable {
        public let rows: [Row]

        public init(rows: [Row]) { self.rows = rows }
    }

    public let section: Named
    public let sample: String
    public let columns: [Column]
    /// Columns of the file that the page does not show.
    public let omitted: Int
    /// Columns that can have the address of a consent; empty: the section has no topics.
    public let addresses: [Choice]
    public let options: [Choice]
    /// nil: the mapping is not one yet.
    public let preview: Preview?
    public let errors: [FormError]
    let errorLines: [ErrorLine]
    let omittedWords: String
    let moreMeanings: String

    public static func control(_ index: Int) -> String { "meaning_\(index)" }

    /// - Parameter hasMoreMeanings: whether there are meanings that the lists do not have.
    public init(
        section: Named, sample: String, columns: [Column], omitted: Int, hasMoreMeanings: Bool, addresses: [Choice],
        options: [Choice], preview: Preview?, errors: [FormError] = []
    ) {
        self.section = section
        self.sample = sample
        self.columns = columns.map { column in
            let error = errors.message(for: column.control)
            return error == nil ? column : column.with(error: error)
        }
        self.omitted = omitted
        self.addresses = addresses
        self.options = options
        self.preview = preview
        self.errors = errors
        errorLines = errors.lines(inOrderOf: columns.map(\.control))
        omittedWords =
            omitted == 0
            ? "" : "\(omitted.counting("more column")) can be mapped by ‘ovation profiles import’ or by the API."
        moreMeanings =
            hasMoreMeanings
            ? "The lists have the first meanings of each kind. Others can be given by ‘ovation profiles import’ or by the API."
            : ""
    }
}

extension ImportColumnsPage.Column {
    fileprivate func with(error: String?) -> Self {
        Self(control: control, name: name, values: values, groups: groups, example: example, error: error)
    }

    private init(
        control: String, name: String, values: [String], groups: [ImportColumnsPage.Group], example: String,
        error: String?
    ) {
        self.control = control
        self.name = name
        self.values = values
        self.groups = groups
        self.example = example
        self.error = error
    }
}

/// Answers a post to `/console/imports`: the import is made, and waits for its file
public struct ImportUploadPage: ConsolePage {
    public static let template = "import_upload"
    public var title: String { "New import" }

    /// Of the API's endpoint that takes the file.
    public let action: String
    /// Lets the file be uploaded, once.
    public let uploadKey: String
    /// Of the page of the job.
    public let jobHref: String
    public let isCheckOnly: Bool
    public let until: Moment

    public init(action: String, uploadKey: String, jobHref: String, isCheckOnly: Bool, until: Moment) {
        self.action = action
        self.uploadKey = uploadKey
        self.jobHref = jobHref
        self.isCheckOnly = isCheckOnly
        self.until = until
    }
}
