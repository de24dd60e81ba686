public import OvationCore

extension Bodies {
    public struct LivePost: Body {
        public var at = Timestamp(milliseconds: 0)
        public var outcome = PostOutcome.accepted
        public var sectionDiscriminator = ""
        public var keyspaceDiscriminator: String?
        public var profileKey: String?
        public var clientID = ""
        public var requestID = ""
        public var eventCount: Int64 = 0
        public var types: [LiveType] = []
        public var code: String?
        public var detail: String?
        public var errors: [ItemError]?
        public var bodyExcerpt: String?
        public var rejectionID: String?
        public init() {}

        public static let summary = "The outcome of a post: the data of an event 'post' of the live stream."
        public static let members = Members<Self> {
            $0.required("at", \.at, "When it arrived.")
            $0.required("outcome", \.outcome, "What became of it.")
            $0.required(
                "section_discriminator", \.sectionDiscriminator, "The section it was posted to.",
                .discriminator("com.apsis1.sections.default"))
            $0.nullable(
                "keyspace_discriminator", \.keyspaceDiscriminator,
                "The keyspace; null for a part of a bulk upload, which can go to many profiles.",
                .discriminator("com.apsis1.keyspaces.email"))
            $0.nullable(
                "profile_key", \.profileKey, "The key; null for a part of a bulk upload.",
                .string(example: "steve@apsis.com"))
            $0.required(
                "client_id", \.clientID, "The API key that posted it.",
                .string(example: "752cdd05-75e0-4f8a-bd08-62e3df753ff3"))
            $0.required("request_id", \.requestID, "Names the request.", .string(example: "1zevgzeysrh17-a"))
            $0.required("event_count", \.eventCount, "How many events.", .count(1))
            $0.required("types", \.types, "How many of each event type.")
            $0.optional("code", \.code, "Of a refused one: why.", ProblemCode.schema, isInExample: false)
            $0.optional("detail", \.detail, "Why, for a person.", isInExample: false)
            $0.optional(
                "errors", \.errors, "Single things that are wrong.", .array(of: ItemError.schema, max: 10),
                isInExample: false)
            $0.optional("body_excerpt", \.bodyExcerpt, "The beginning of the body.", isInExample: false)
            $0.optional(
                "rejection_id", \.rejectionID, "The refused post, if it was kept.", .id("17"), isInExample: false)
        }
    }

    public struct LiveType: Body {
        public var discriminator = ""
        public var name = ""
        public var eventCount: Int64 = 0
        public init() {}

        public static let summary = "How many events of a type a post has."
        public static let members = Members<Self> {
            $0.required("discriminator", \.discriminator, "The event type.", eventTypeSchema)
            $0.required("name", \.name, "Its name.", .string(example: "Coffee sold"))
            $0.required("event_count", \.eventCount, "How many events.", .count(1))
        }
    }

    public struct LiveDropped: Body {
        public var count: Int64 = 0
        public init() {}

        public static let summary =
            "How many posts a slow reader missed: the data of an event 'dropped' of the live stream."
        public static let members = Members<Self> { $0.required("count", \.count, "How many posts.", .count()) }
    }

    public struct Activity: Body {
        public var startedAt = Timestamp(milliseconds: 0)
        public var countedSince = Timestamp(milliseconds: 0)
        public var minutes: [ActivityMinute] = []
        public var events: [ActivityType] = []
        public var sections: [ActivitySection] = []
        public var commits = ActivityCommits()
        public var eventsStored: Int64 = 0
        public var openRejections: Int64 = 0
        public var postsWaiting: Int64 = 0
        public var storeBytes: Int64 = 0
        public var failures: [ActivityFailure] = []
        public init() {}

        public static let summary = "The last sixty minutes, and the state of this process."
        public static let members = Members<Self> {
            $0.required("started_at", \.startedAt, "When the process started.")
            $0.required(
                "counted_since", \.countedSince,
                "The store has counted everything since; of a minute before, nothing is known.")
            $0.required(
                "minutes", \.minutes,
                "The last sixty, oldest first, with the running one, as the store has counted them for all servers that "
                    + "share it.", minutesSchema)
            $0.required(
                "events", \.events, "Events of these minutes by type, those with the most accepted ones first.")
            $0.required(
                "sections", \.sections,
                "Events of these minutes by section, with those that named no version of it.")
            $0.required("commits", \.commits, "How long commits took.")
            $0.required("events_stored", \.eventsStored, "How many events are stored.", .count())
            $0.required(
                "open_rejections", \.openRejections,
                "Refused posts that were neither replayed nor dismissed.", .count(0))
            $0.required("posts_waiting", \.postsWaiting, "Posts that wait for a commit.", .count(0))
            $0.required("store_bytes", \.storeBytes, "How large the store is.", .count(40_960))
            $0.required(
                "failures", \.failures, "Answers of 5xx, newest first.",
                .array(of: ActivityFailure.schema, max: Limits.recentFailuresMax))
        }

        private static var minutesSchema: Schema {
            var schema = Schema.array(of: ActivityMinute.schema, min: 60, max: 60)
            schema.example = .array(Array(repeating: ActivityMinute.definition.example, count: 60))
            return schema
        }
    }

    public struct ActivityMinute: Body {
        public var at = Timestamp(milliseconds: 0)
        public var counts = ActivityCounts()
        public init() {}

        public static let summary = "What came in within a minute."
        public static let members = Members<Self> {
            $0.required("at", \.at, "When it began.")
            $0.all(of: \.counts)
        }
    }

    public struct ActivitySection: Body {
        public var sectionDiscriminator = ""
        public var counts = ActivityCounts()
        public init() {}

        public static let summary = "What came in to a section."
        public static let members = Members<Self> {
            $0.required(
                "section_discriminator", \.sectionDiscriminator, "The section.",
                .discriminator("com.apsis1.sections.default"))
            $0.all(of: \.counts)
        }
    }

    public struct ActivityCounts: Body {
        public var accepted: Int64 = 0
        public var refused: Int64 = 0
        public var duplicate: Int64 = 0
        public init() {}

        public static let summary = "How many events came in, by outcome."
        public static let members = Members<Self> {
            $0.required("accepted", \.accepted, "Events that were stored.", .count())
            $0.required("refused", \.refused, "Events that were refused.", .count(0))
            $0.required("duplicate", \.duplicate, "Events that were repeated with an Idempotency-Key.", .count(0))
        }
    }

    public struct ActivityType: Body {
        public var sectionDiscriminator = ""
        public var discriminator = ""
        public var name = ""
        public var eventCount: Int64 = 0
        public var refused: Int64 = 0
        public var duplicate: Int64 = 0
        public init() {}

        public static let summary = "How many events of a type came in."
        public static let members = Members<Self> {
            $0.required(
                "section_discriminator", \.sectionDiscriminator, "The section of the event type.",
                .discriminator("com.apsis1.sections.default"))
            $0.required("discriminator", \.discriminator, "The event type.", eventTypeSchema)
            $0.required("name", \.name, "Its name.", .string(example: "Coffee sold"))
            $0.required("event_count", \.eventCount, "Events that were stored.", .count(1))
            $0.required("refused", \.refused, "Events that were refused.", .count(0))
            $0.required("duplicate", \.duplicate, "Events that were repeated with an Idempotency-Key.", .count(0))
        }
    }

    public struct ActivityCommits: Body {
        public var count: Int64 = 0
        public var medianSeconds: Double?
        public var p99Seconds: Double?
        public init() {}

        public static let summary = "How long commits took, as upper bounds."
        public static let members = Members<Self> {
            $0.required("count", \.count, "How many commits.", .count())
            $0.nullable("median_seconds", \.medianSeconds, "Half of them took no longer.")
            $0.nullable("p99_seconds", \.p99Seconds, "99 of 100 took no longer.")
        }
    }

    public struct ActivityFailure: Body {
        public var at = Timestamp(milliseconds: 0)
        public var endpoint = ""
        public var status: Int64 = 0
        public var code = ""
        public var detail = ""
        public var requestID = ""
        public init() {}

        public static let summary = "An error or an outage of the server itself."
        public static let members = Members<Self> {
            $0.required("at", \.at, "When.")
            $0.required("endpoint", \.endpoint, "Method and path template.", .string(example: "GET /audience/sections"))
            $0.required("status", \.status, "The HTTP status.", .integer(min: 500, max: 599, example: 503))
            $0.required("code", \.code, "Why.", ProblemCode.schema.with(example: "busy"))
            $0.required("detail", \.detail, "Why, for a person.", .string(example: "The server is stopping."))
            $0.required("request_id", \.requestID, "Names the request.", .string(example: "1zevgzeysrh17-a"))
        }
    }

    public struct About: Body {
        public var name = ""
        public var version = ""
        public var region = ""
        public var api = ""
        public var token = ""
        public init() {}

        public static let summary = "What this server is."
        public static let members = Members<Self> {
            $0.required("name", \.name, "What it is.", .constant("Ovation"))
            $0.required("version", \.version, "The version of the server.", .string(example: "0.2.0"))
            $0.required("region", \.region, "The region it stands for.", .string(example: "eu"))
            $0.required("api", \.api, "Where its API is described.", .string(example: "/openapi.json"))
            $0.required("token", \.token, "Where tokens come from.", .string(example: "/oauth/token"))
        }
    }

    public struct Health: Body {
        public var healthy = false
        public init() {}

        public static let summary = "The process answers."
        public static let members = Members<Self> { $0.required("healthy", \.healthy, "Always true.", alwaysTrue) }
    }

    public struct Ready: Body {
        public var ready = false
        public var missing: [String]?
        public init() {}

        public static let summary = "The store can be written and read."
        public static let members = Members<Self> {
            $0.required("ready", \.ready, "Always true.", alwaysTrue)
            $0.optional(
                "missing", \.missing,
                "Nodes of the store that do not answer; what they have can be neither read nor written. Absent: all answer.",
                .array(of: .string(example: "db2.example.com:5432")))
        }
    }

    static let alwaysTrue = Schema(["type": "boolean", "const": .bool(true)], example: .bool(true))

    /// This document.
    public struct OpenAPI: Body {
        public var openapi = ""
        public var info: JSONValue = .object([])
        public var paths: JSONValue = .object([])
        public init() {}

        public static let summary = "An OpenAPI document."
        public static let members = Members<Self> {
            $0.required("openapi", \.openapi, "The version of OpenAPI.", .string(example: "3.1.0"))
            $0.required("info", \.info, "What is described.", .anyObject(["title": "Ovation", "version": "0.2.0"]))
            $0.required("paths", \.paths, "The operations.", .anyObject([:]))
        }
    }
}
