public import OvationCore

// Exports and reports that are made as files, as they cross the wire.

extension Bodies {
    static let namesSchema = Schema.array(of: attributeSchema, max: Limits.exportNamesMax)
    private static let tagNamesSchema = Schema.array(of: tagSchema, max: Limits.exportNamesMax)
    private static let topicNamesSchema = Schema.array(of: topicSchema, max: Limits.exportNamesMax)
    private static let reportChannelSchema = Schema.discriminator("com.apsis1.channels.email")

    public struct ProfileExportRequest: Body {
        public var attributes: [WrittenKey]?
        public var tags: [WrittenKey]?
        public var events: [WrittenKey]?
        public var consents: Bool?
        public var startAt: Timestamp?
        public var endAt: Timestamp?
        public var segmentFilter: JSONValue?
        public init() {}

        public static let summary =
            "What a file of all profiles has. Only what is listed is in it, and at least one attribute or tag is listed."
        public static let members = Members<Self> {
            $0.optional(
                "attributes", \.attributes,
                "Attributes, by discriminator or version id. A discriminator names the attribute of each section that has it.",
                namesSchema)
            $0.optional("tags", \.tags, "Tags, by discriminator or version id.", tagNamesSchema, isInExample: false)
            $0.optional(
                "events", \.events, "Event types, by discriminator or version id; they need 'start_at'.",
                .array(of: eventTypeSchema, max: Limits.exportNamesMax), isInExample: false)
            $0.optional("consents", \.consents, "Whether the file has the state of consents; by default it has not.")
            $0.optional("start_at", \.startAt, "Events from this event time on.", isInExample: false)
            $0.optional(
                "end_at", \.endAt,
                "Events up to this event time, not including it; by default a week after 'start_at'.",
                isInExample: false)
            $0.optional(
                "segment_filter", \.segmentFilter, "Refused: there are no segments yet.", isInExample: false)
        }
    }

    public struct SingleExportRequest: Body {
        public var callbackURL = ""
        public var includeAttributeHistory: Bool?
        public var includeTypeDefinitions: Bool?
        public var includeMergedProfiles: Bool?
        public init() {}

        public static let summary = "Where to tell that the file of a profile is there, and what else it has."
        public static let members = Members<Self> {
            $0.required(
                "callback_url", \.callbackURL,
                "The server posts {\"code\":100} to it when it begins, and {\"code\":200} with the address of the file. Its host is "
                    + "one that the server's setting 'callback_hosts' has.",
                .string(min: 1, max: Limits.callbackURLBytesMax, example: "https://example.com/exports"))
            $0.optional(
                "include_attribute_history", \.includeAttributeHistory,
                "Whether each value that an attribute has had is in it; by default only the present one.")
            $0.optional(
                "include_type_definitions", \.includeTypeDefinitions,
                "Whether the attributes and event types are described in it; by default they are not.")
            $0.optional(
                "include_merged_profiles", \.includeMergedProfiles,
                "Whether the export keys of profiles that were merged into this one are in it; by default they are not."
            )
        }
    }

    public struct ReportChannel: Body {
        public var fieldName = ""
        public var channelDiscriminator = ""
        public init() {}

        public static let summary = "A channel, and the column with its addresses."
        public static let members = Members<Self> {
            $0.required(
                "field_name", \.fieldName, "The column.",
                .string(min: 1, max: Limits.nameLengthMax, example: "E-mail address"))
            $0.required("channel_discriminator", \.channelDiscriminator, "The channel.", reportChannelSchema)
        }
    }

    /// What both reports have.
    public struct ReportFields: Body {
        public var sectionDiscriminator = ""
        public var consentListDiscriminator: String?
        public var topicDiscriminators: [String]?
        public var channelDiscriminator: String?
        public var attributes: [WrittenKey]?
        public var tags: [WrittenKey]?
        public var segments: JSONValue?
        public init() {}

        public static let summary = "What a report is about, and its further columns."
        public static let members = Members<Self> {
            $0.required(
                "section_discriminator", \.sectionDiscriminator, "The section.",
                .discriminator("com.apsis1.sections.default"))
            $0.optional(
                "consent_list_discriminator", \.consentListDiscriminator,
                "The consent list, which is a folder of topics.",
                .discriminator("usercreated.targets.newsletters-3ayb7167e4"))
            $0.optional(
                "topic_discriminators", \.topicDiscriminators,
                "The topics; a consent to one of them is enough. By default all topics of the consent list.",
                topicNamesSchema, isInExample: false)
            $0.optional(
                "channel_discriminator", \.channelDiscriminator, "The channel of the consents.", reportChannelSchema)
            $0.optional(
                "attributes", \.attributes, "Attributes as further columns, by discriminator or version id.",
                namesSchema,
                isInExample: false)
            $0.optional(
                "tags", \.tags, "Tags as further columns, by discriminator or version id.", tagNamesSchema,
                isInExample: false)
            $0.optional("segments", \.segments, "Refused: there are no segments yet.", isInExample: false)
        }
    }

    public struct ConsentReportRequest: Body {
        public var fields = ReportFields()
        public var channels: [ReportChannel]?
        public init() {}

        public static let summary = "A report of who may be written to."
        public static let members = Members<Self> {
            $0.all(of: \.fields)
            $0.optional(
                "channels", \.channels, "Several channels, in place of 'channel_discriminator'.",
                .array(of: ReportChannel.schema, max: Limits.channelsMax), isInExample: false)
        }
    }

    public struct DuplicateReportRequest: Body {
        public var attributeDiscriminator = ""
        public var fields = ReportFields()
        public init() {}

        public static let summary =
            "A report of profiles that share the value of an attribute. With a channel, only profiles that may be written to."
        public static let members = Members<Self> {
            $0.required("attribute_discriminator", \.attributeDiscriminator, "The attribute.", attributeSchema)
            $0.all(of: \.fields)
        }
    }

    public struct NewFile: Body {
        public var fileDownloadURL = ""
        public var pollURL = ""
        public var jobID = ""
        public init() {}

        private static let urlSchema = Schema.string(
            example: "http://127.0.0.1:8080/audience/jobs/8e03978e-40d5-43e8-bc93-6894a57f9324/file")
        public static let summary = "Where the file is, as soon as it is made."
        public static let members = Members<Self> {
            $0.required(
                "file_download_url", \.fileDownloadURL,
                "It answers 404 until the file is there, 200 for a day, then 410, and 503 where it could not be made.",
                urlSchema)
            $0.required("poll_url", \.pollURL, "The same.", urlSchema)
            $0.required("job_id", \.jobID, "Id of the job that makes it.", Erasure.idSchema)
        }
    }
}
