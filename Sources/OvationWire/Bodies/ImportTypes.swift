public import OvationCore

// Imports of profiles, as they cross the wire.

extension Bodies {
    public struct ImportKeyspace: Body {
        public var keyspaceDiscriminator = ""
        public var fieldSelector = ""
        public var mergeProfiles: Bool?
        public init() {}

        public static let summary = "The column with the keys of a keyspace."
        public static let members = Members<Self> {
            $0.required(
                "keyspace_discriminator", \.keyspaceDiscriminator, "The keyspace.",
                .discriminator("com.apsis1.keyspaces.email"))
            $0.required("field_selector", \.fieldSelector, "The column, as the first row names it.", columnSchema)
            $0.optional(
                "merge_profiles", \.mergeProfiles,
                "Whether the profiles of a row's keys become one. Where there are several keyspaces, it has to be true.",
                isInExample: false)
        }
    }

    static let columnSchema = Schema.string(min: 1, example: "email")

    public struct ImportOptions: Body {
        public var updateExistingProfiles: Bool?
        public var clearExistingAttributes: Bool?
        public var validateOnly: Bool?
        public init() {}

        public static let summary = "What an import does with what is there."
        public static let members = Members<Self> {
            $0.optional(
                "update_existing_profiles", \.updateExistingProfiles,
                "Whether profiles that are there are updated; by default they are.")
            $0.optional(
                "clear_existing_attributes", \.clearExistingAttributes,
                "Whether an empty cell clears its attribute; by default it leaves it as it is.")
            $0.optional(
                "validate_only", \.validateOnly,
                "Whether the file is only checked: refused rows are reported, and nothing is stored.",
                isInExample: false)
        }
    }

    public struct ImportAttribute: Body {
        public var fieldSelector = ""
        public var attributeVersionID: WrittenKey?
        public var attributeDiscriminator: String?
        public init() {}

        public static let summary = "The column with the values of an attribute."
        public static let members = Members<Self> {
            $0.required("field_selector", \.fieldSelector, "The column.", columnSchema)
            $0.optional(
                "attribute_version_id", \.attributeVersionID, "The version whose type the values have.",
                WrittenKey.schema.with(example: "1000000000000018"))
            $0.optional(
                "attribute_discriminator", \.attributeDiscriminator,
                "Instead of it: the attribute, in its current version.",
                attributeSchema, isInExample: false)
        }
    }

    public struct ImportTag: Body {
        public var fieldSelector = ""
        public var tagVersionID: WrittenKey?
        public var tagDiscriminator: String?
        public init() {}

        public static let summary = "The column that says who has a tag: 1 or true adds it, 0 or false removes it."
        public static let members = Members<Self> {
            $0.required("field_selector", \.fieldSelector, "The column.", columnSchema)
            $0.optional(
                "tag_version_id", \.tagVersionID, "Version id of the tag.",
                WrittenKey.schema.with(example: "2565270"), isInExample: false)
            $0.optional("tag_discriminator", \.tagDiscriminator, "Instead of it: the tag.", tagSchema)
        }
    }

    public struct ImportConsent: Body {
        public var fieldSelector = ""
        public var topicDiscriminator = ""
        public var channelDiscriminator = ""
        public var consentListDiscriminator: String?
        public var type = ConsentType.optIn
        public var resubscribeIfOptedOut: Bool?
        public init() {}

        public static let summary =
            "The column that says who gets a consent: 1 or true sets it; 0, false or nothing leaves it as it is."
        public static let members = Members<Self> {
            $0.required("field_selector", \.fieldSelector, "The column.", columnSchema)
            $0.required("topic_discriminator", \.topicDiscriminator, "The topic, of the section.", topicSchema)
            $0.required(
                "channel_discriminator", \.channelDiscriminator, "The channel.",
                .discriminator("com.apsis1.channels.email"))
            $0.optional(
                "consent_list_discriminator", \.consentListDiscriminator, "The consent list that the topic is in.",
                .discriminator("usercreated.targets.newsletters-3ayb7167e4"), isInExample: false)
            $0.required("type", \.type, "The consent. 'pending-opt-in' and 'confirmed-opt-in' are for admin keys.")
            $0.optional(
                "resubscribe_if_opted_out", \.resubscribeIfOptedOut,
                "Whether who has opted out is opted in again; by default they stay opted out.")
        }
    }

    public struct ImportConsents: Body {
        public var addressFieldSelector = ""
        public var consents: [ImportConsent] = []
        public init() {}

        public static let summary = "Consents of the addresses in a column."
        public static let members = Members<Self> {
            $0.required(
                "address_field_selector", \.addressFieldSelector, "The column with the addresses.", columnSchema)
            $0.required("consents", \.consents, "The consents.")
        }
    }

    /// What both generations have.
    public struct ImportMappings: Body {
        public var options: ImportOptions?
        public var attributeMappings: [ImportAttribute]?
        public var tagMappings: [ImportTag]?
        public var consentMappings: [ImportConsents]?
        public init() {}

        public static let summary = "What the columns of a file mean."
        public static let members = Members<Self> {
            $0.optional("options", \.options, "What is done with what is there.")
            $0.optional("attribute_mappings", \.attributeMappings, "Columns with values of attributes.")
            $0.optional("tag_mappings", \.tagMappings, "Columns that say who has a tag.")
            $0.optional("consent_mappings", \.consentMappings, "Columns that say who gets a consent.")
        }
    }

    public struct ImportRequest: Body {
        public var keyspaceMapping = ImportKeyspace()
        public var mappings = ImportMappings()
        public init() {}

        public static let summary = "An import of profiles from a file of CSV."
        public static let members = Members<Self> {
            $0.required("keyspace_mapping", \.keyspaceMapping, "The column with the keys of the profiles.")
            $0.all(of: \.mappings)
        }
    }

    public struct MergingImportRequest: Body {
        public var keyspaceMappings: [ImportKeyspace] = []
        public var mappings = ImportMappings()
        public init() {}

        public static let summary =
            "Profiles from a file of CSV, with merges of the profiles of several keys."
        public static let members = Members<Self> {
            $0.required(
                "keyspace_mappings", \.keyspaceMappings, "The columns with keys. The first names the profile of a row.",
                .array(of: ImportKeyspace.schema, min: 1, max: 10))
            $0.all(of: \.mappings)
        }
    }

    // MARK: Answers

    public struct UploadFields: Body {
        public var uploadKey = ""
        public init() {}

        public static let summary = "The fields of the form that uploads the file, beside the file."
        public static let members = Members<Self> {
            $0.required(
                "upload_key", \.uploadKey, "Lets the file be uploaded once, without a token.",
                .string(example: "c29ya3VpbmUtZXhhbXBsZS1rZXk"))
        }
    }

    public struct NewImport: Body {
        public var importID = ""
        public var fileUploadURL = ""
        public var fileUploadURLExpiresAt = ""
        public var fileUploadBody = UploadFields()
        public init() {}

        public static let summary = "An import that waits for its file."
        public static let members = Members<Self> {
            $0.required("import_id", \.importID, "Its id.", Erasure.idSchema)
            $0.required(
                "file_upload_url", \.fileUploadURL,
                "Where the file is posted: multipart/form-data with the members of file_upload_body as fields, and the file "
                    + "last, as 'file'.",
                .string(example: "https://ovation.example/audience/imports/8e03978e-40d5-43e8-bc93-6894a57f9324/file"))
            $0.required(
                "file_upload_url_expires_at", \.fileUploadURLExpiresAt, "Until when, in UTC.",
                .string(example: "2026-11-23T13:00:00+00:00"))
            $0.required("file_upload_body", \.fileUploadBody, "Fields of the form.")
        }
    }

    public enum JobStatus: String, BodyWord {
        case waitingForFile = "waiting_for_file"
        case queued
        case inProgress = "in_progress"
        case completed, error, cancelled
        public static let summary =
            "How far a job is. 'completed' can have refused rows; 'error' is a job that failed as a whole."
    }

    public struct JobFailure: Body {
        public var code = ""
        public var detail = ""
        public init() {}

        public static let summary = "Why a job failed as a whole."
        public static let members = Members<Self> {
            $0.required(
                "code", \.code, "The word that programs compare.", ProblemCode.schema.with(example: "invalid_file"))
            $0.required(
                "detail", \.detail, "The same for a person.", .string(example: "The file has no column 'email'."))
        }
    }

    public struct JobResult: Body {
        public var status = JobStatus.queued
        public var new: Int64 = 0
        public var updated: Int64 = 0
        public var notChanged: Int64 = 0
        public var failed: Int64 = 0
        public var bytes: Int64 = 0
        public var bytesDone: Int64 = 0
        public var endedAt: Timestamp?
        public var error: JobFailure?
        public init() {}

        public static let summary = "How far a job is, and what became of the rows so far."
        public static let members = Members<Self> {
            $0.required("status", \.status, "How far it is.")
            $0.required("new", \.new, "Rows that made a profile.", .count(17))
            $0.required("updated", \.updated, "Rows that changed a profile.", .count(3))
            $0.required("not_changed", \.notChanged, "Rows that changed nothing.", .count(1))
            $0.required("failed", \.failed, "Rows that were refused; the report has each with its reason.", .count(2))
            $0.required("bytes", \.bytes, "Bytes of the file; 0 before it is there.", .count(4711))
            $0.required("bytes_done", \.bytesDone, "Bytes of it that are done.", .count(4711))
            $0.nullable("ended_at", \.endedAt, "When it ended; null: it has not.")
            $0.nullable("error", \.error, "Why it failed as a whole; null: it has not.")
        }
    }

    public struct Import: Body {
        public var importID = ""
        public var sectionDiscriminator = ""
        public var requestedBy = ""
        public var createdAt = Timestamp(milliseconds: 0)
        public var result = JobResult()
        public var refusedRows: [RefusedRow]?
        public init() {}

        /// No member is called `status`, `title` or `detail`: clients of the original take those for a problem.
        public static let summary = "An import, and how far it is."
        public static let members = Members<Self> {
            $0.required("import_id", \.importID, "Its id.", Erasure.idSchema)
            $0.required(
                "section_discriminator", \.sectionDiscriminator, "The section.",
                .discriminator("com.apsis1.sections.default"))
            $0.required(
                "requested_by", \.requestedBy, "The API key that asked for it.",
                .string(example: "752cdd05-75e0-4f8a-bd08-62e3df753ff3"))
            $0.required("created_at", \.createdAt, "When it was asked for.")
            $0.required("result", \.result, "How far it is.")
            $0.optional(
                "refused_rows", \.refusedRows,
                "The first refused rows; the report has all. Not there where the report lies with another server.",
                .array(of: RefusedRow.schema, max: Limits.importPreviewRowsMax))
        }
    }
}
