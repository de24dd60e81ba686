public import OvationCore

extension Bodies {
    public struct PostEvents: Body {
        public var items: [PostedEvent] = []
        public init() {}

        public static let summary = "Events of one profile."
        public static let members = Members<Self> {
            $0.required("items", \.items, "The events, in any order.", itemsSchema)
        }

        static let itemsSchema = Schema.array(of: PostedEvent.schema, min: 1, max: Limits().itemsMax)
    }

    public struct PostedEvent: Body {
        public var eventTime = Timestamp(milliseconds: 0)
        public var versionID: JSONValue = ""
        public var data: JSONValue = .object([])
        public init() {}

        public static let summary = "An event to store."
        public static let members = Members<Self> {
            $0.required("event_time", \.eventTime, "When it happened.")
            $0.required("version_id", \.versionID, "The version of the event type that its data fits.", .versionID)
            $0.required("data", \.data, "Its fields, by the names that the version gives them.", dataSchema)
        }
    }

    static let dataSchema = Schema(
        [
            "type": "object",
            "additionalProperties": .object([.init("type", ["string", "number", "boolean", "null"])]),
        ], example: .object([.init("cups", 2), .init("barista", "Ada")]))

    public struct PostEventsReport: Body {
        public var accepted: Int64 = 0
        public var refused: Int64 = 0
        public var items: [PostedItem] = []
        public init() {}

        public static let summary = "The result of each event of a lenient post."
        public static let members = Members<Self> {
            $0.required("accepted", \.accepted, "How many are stored.", .count(1))
            $0.required("refused", \.refused, "How many were refused.", .count(1))
            $0.required("items", \.items, "Each event, in the order of the post.")
        }
    }

    public struct PostedItem: Body {
        public var index: Int64 = 0
        public var status: Int64 = 0
        public var errors: [ItemError]?
        public var errorsOmitted: Int64?
        public init() {}

        public static let summary = "The result of one event of a lenient post."
        public static let members = Members<Self> {
            $0.required("index", \.index, "Its position in the post.", .count(0))
            $0.required(
                "status", \.status, "204: it is stored. 400 or 403: it is not.",
                Schema(["type": "integer", "enum": [204, 400, 403]], example: 400))
            $0.optional("errors", \.errors, "Why it was refused.")
            $0.optional(
                "errors_omitted", \.errorsOmitted, "How many more reasons there are.", .count(), isInExample: false)
        }
    }

    public struct StoredEvent: Body {
        public var id = ""
        public var eventTime = Timestamp(milliseconds: 0)
        public var receivedAt = Timestamp(milliseconds: 0)
        public var versionID: String?
        public var discriminator = ""
        public var data: JSONValue = .object([])
        public init() {}

        public static let summary = "An event as it is stored, or a change of the profile."
        public static let members = Members<Self> {
            $0.required("id", \.id, "Its id, which no other event ever has.", .id("17"))
            $0.required("event_time", \.eventTime, "When it happened.")
            $0.required("received_at", \.receivedAt, "When it arrived.")
            $0.nullable(
                "version_id", \.versionID, "The version it was posted with; null for a change of the profile.",
                .id("2565266"))
            $0.required(
                "discriminator", \.discriminator, "Its event type, or what was changed of the profile.",
                eventTypeSchema)
            $0.required(
                "data", \.data, "Its fields; of a change, what it changed, and who asked for it.",
                .any(of: dataSchema, ProfileChangeData.schema))
        }
    }

    public struct EventPage: ListBody {
        public var items: [StoredEvent] = []
        public var nextCursor: String?
        public init() {}

        public static let summary = "A page of a profile's events."
        public static let members = Members<Self> {
            $0.required("items", \.items, "The newest first.")
            $0.nullable(
                "next_cursor", \.nextCursor, "The 'cursor' of the next page; null: this was the last one.",
                .string(example: "ekgb1x2.h"))
        }
    }

    public struct EventDays: ListBody {
        public var items: [EventDay] = []
        public init() {}

        public static let summary = "How many events fall on each day."
        public static let members = Members<Self> {
            $0.required(
                "items", \.items, "Oldest first; days without events are left out.",
                .array(of: EventDay.schema, max: Limits.daysMax))
        }
    }

    public struct EventDay: Body {
        public var date = ""
        public var eventCount: Int64 = 0
        public init() {}

        public static let summary = "A day with events."
        public static let members = Members<Self> {
            $0.required("date", \.date, "The day, in UTC.", .string(format: "date", example: "2020-10-14"))
            $0.required("event_count", \.eventCount, "How many events.", .integer(min: 1, example: 3))
        }
    }

    public struct Deleted: Body {
        public var deleted: Int64 = 0
        public init() {}

        public static let summary = "How many events were deleted."
        public static let members = Members<Self> { $0.required("deleted", \.deleted, "How many.", .count()) }
    }

    // MARK: Lines

    public struct BulkLine: Body {
        public var keyspace = ""
        public var profileKey = ""
        public var event = PostedEvent()
        public init() {}

        public static let summary = "A line of a bulk upload."
        public static let members = Members<Self> {
            $0.required(
                "keyspace", \.keyspace, "The keyspace of the key.", .discriminator("com.apsis1.keyspaces.email"))
            $0.required("profile_key", \.profileKey, "Whose event it is.", .string(example: "steve@apsis.com"))
            $0.all(of: \.event)
        }
    }

    public struct ExportLine: Body {
        public var line = BulkLine()
        public var eventID = ""
        public var receivedAt = Timestamp(milliseconds: 0)
        public init() {}

        public static let summary =
            "A line of an export: a line of a bulk upload, with the id and the time of arrival."
        public static let members = Members<Self> {
            $0.all(of: \.line)
            $0.required("event_id", \.eventID, "Its id here.", .id("17"))
            $0.required("received_at", \.receivedAt, "When it arrived here.")
        }
    }

    public struct ExportedChange: Body {
        public var keyspace = ""
        public var profileKey = ""
        public var eventTime = Timestamp(milliseconds: 0)
        public var discriminator = ""
        public var data = ProfileChangeData()
        public var eventID = ""
        public var receivedAt = Timestamp(milliseconds: 0)
        public init() {}

        public static let summary = "A line of an export with changes: what was changed of a profile."
        public static let members = Members<Self> {
            $0.required(
                "keyspace", \.keyspace, "The keyspace of a key of the profile.",
                .discriminator("com.apsis1.keyspaces.email"))
            $0.required("profile_key", \.profileKey, "The key.", .string(example: "steve@apsis.com"))
            $0.required("event_time", \.eventTime, "When it was changed.")
            $0.required(
                "discriminator", \.discriminator, "What happened.",
                .string(example: "com.ovation.events.profile.updated"))
            $0.required("data", \.data, "What was changed, and who asked for it.")
            $0.required("event_id", \.eventID, "Its id here, which no event has.", .id("18"))
            $0.required("received_at", \.receivedAt, "The time of the change.")
        }
    }

    public struct BulkCounts: Body {
        public var lines: Int64 = 0
        public var stored: Int64 = 0
        public var duplicates: Int64 = 0
        public var refused: Int64 = 0
        public var chunks: Int64 = 0
        public var duplicateChunks: Int64 = 0
        public init() {}

        public static let summary = "The result of an upload so far."
        public static let members = Members<Self> {
            $0.required("lines", \.lines, "All lines, blank ones included.", .count(3))
            $0.required("stored", \.stored, "Events that were stored.", .count(2))
            $0.required(
                "duplicates", \.duplicates, "Events that an upload with the same key had stored before.", .count(0))
            $0.required("refused", \.refused, "Lines that were refused.", .count(1))
            $0.required("chunks", \.chunks, "Parts that the upload was cut into.", .count(1))
            $0.required(
                "duplicate_chunks", \.duplicateChunks, "Parts that an upload with the same key had stored before.",
                .count(0))
        }
    }

    public struct BulkSummary: Body {
        public var counts = BulkCounts()
        public var errors: [ItemError] = []
        public var errorsOmitted: Int64?
        public init() {}

        public static let summary = "What became of a bulk upload."
        public static let members = Members<Self> {
            $0.all(of: \.counts)
            $0.required(
                "errors", \.errors, "Why lines were refused.", .array(of: ItemError.schema, max: Limits.bulkErrorsMax))
            $0.optional(
                "errors_omitted", \.errorsOmitted, "How many more reasons there are.", .count(), isInExample: false)
        }
    }
}
