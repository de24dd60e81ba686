public import OvationCore

extension Bodies {
    public struct Profile: Body {
        public var profileID = ""
        public var keys: [ProfileKey] = []
        public var parts: [ProfileMember]?
        public var createdAt = Timestamp(milliseconds: 0)
        public init() {}

        public static let summary = "A profile: a person, or another thing that the keys name."
        public static let members = Members<Self> {
            $0.required("profile_id", \.profileID, "An id that does not show the keys.", idSchema)
            $0.required("keys", \.keys, "The keys it is known by.")
            $0.optional(
                "members", \.parts, "What it was merged from, the canonical member first; left out in searches.",
                .array(of: ProfileMember.schema, max: Limits.profileMembersMax))
            $0.required("created_at", \.createdAt, "When its first event arrived.")
        }

        static let idSchema = Schema.string(pattern: "^[0-9a-f]{16}$", example: "0123456789abcdef")
    }

    public struct ProfileKey: Body {
        public var keyspaceDiscriminator = ""
        public var key = ""
        public init() {}

        public static let summary = "A key of a profile."
        public static let members = Members<Self> {
            $0.required(
                "keyspace_discriminator", \.keyspaceDiscriminator, "The keyspace it is a key of.",
                .discriminator("com.apsis1.keyspaces.email"))
            $0.required("key", \.key, "The key, in the form of its keyspace.", .string(example: "steve@apsis.com"))
        }
    }

    /// A part of a profile: what came by one key.
    public struct ProfileMember: Body {
        public var key: ProfileKey?
        public var createdAt = Timestamp(milliseconds: 0)
        public var mergedAt: Timestamp?
        public var canonical = false
        public init() {}

        public static let summary = "A part of a profile: what came by one key. Most profiles have one."
        public static let members = Members<Self> {
            $0.nullable(
                "key", \.key, "Its key; null: it was taken from it, or is one of a keyspace that you may not read.")
            $0.required("created_at", \.createdAt, "When it was made.")
            $0.nullable("merged_at", \.mergedAt, "When it became a part of the profile; null: it always was one.")
            $0.required("canonical", \.canonical, "Whether its data come before those of the others.")
        }
    }

    public struct ProfileWithCounts: Body {
        public var profile = Profile()
        public var lastSeenAt: Timestamp?
        public var eventCount: Int64 = 0
        public var sections: [SectionCounts] = []
        public init() {}

        public static let summary = "A profile, what it holds, and how many events it has."
        public static let members = Members<Self> {
            $0.all(of: \.profile)
            $0.nullable(
                "last_seen_at", \.lastSeenAt,
                "When its last event arrived; null: there is none, or there are some that you may not see.")
            $0.required("event_count", \.eventCount, "How many events you may see.", .count())
            $0.required("sections", \.sections, "Sections with events, attributes or tags.")
        }
    }

    public struct SectionCounts: Body {
        public var sectionDiscriminator = ""
        public var eventCount: Int64 = 0
        public var events: [EventTypeCounts] = []
        public var attributes: [HeldAttribute] = []
        public var tags: [HeldTag] = []
        public var consents: [Consent] = []
        public init() {}

        public static let summary = "What a profile has in a section, and how many events."
        public static let members = Members<Self> {
            $0.required(
                "section_discriminator", \.sectionDiscriminator, "The section.",
                .discriminator("com.apsis1.sections.default"))
            $0.required("event_count", \.eventCount, "How many events.", .count())
            $0.required("events", \.events, "How many of each event type.")
            $0.required("attributes", \.attributes, "The attributes that may be read through the keyspace.")
            $0.required("tags", \.tags, "The tags that may be read through the keyspace.")
            $0.required("consents", \.consents, "The consents, where they may be read through the keyspace.")
        }
    }

    public struct EventTypeCounts: Body {
        public var discriminator = ""
        public var eventCount: Int64 = 0
        public var newestEventTime = Timestamp(milliseconds: 0)
        public init() {}

        public static let summary = "How many events of a type a profile has."
        public static let members = Members<Self> {
            $0.required("discriminator", \.discriminator, "The event type.", eventTypeSchema)
            $0.required("event_count", \.eventCount, "How many events.", .count())
            $0.required("newest_event_time", \.newestEventTime, "When the newest one happened.")
        }
    }

    public struct ProfileMatch: Body {
        public var match = Match.exact
        public var foundBy: FoundBy?
        public var profile = Profile()
        public init() {}

        public static let summary = "A profile that was found."
        public static let members = Members<Self> {
            $0.required("match", \.match, "How it was found.")
            $0.nullable("found_by", \.foundBy, "What it was found by; null: an older server does not say.")
            $0.all(of: \.profile)
        }
    }

    /// What a profile was found by.
    public struct FoundBy: Body {
        public var keyspaceDiscriminator = ""
        public var value = ""
        public var attributeDiscriminator: String?
        public var sectionDiscriminator: String?
        public var hidden = false
        public init() {}

        public static let summary = "The key that was found, or the value of a mapped attribute."
        public static let members = Members<Self> {
            $0.required(
                "keyspace_discriminator", \.keyspaceDiscriminator,
                "The keyspace that the key is of, or that the attribute is mapped to.",
                .discriminator("com.apsis1.keyspaces.email"))
            $0.required(
                "value", \.value, "The key, or the value in the form of a key.", .string(example: "steve@apsis.com"))
            $0.nullable(
                "attribute_discriminator", \.attributeDiscriminator,
                "The attribute that has the value; null: the profile was found by a key.", attributeSchema)
            $0.nullable(
                "section_discriminator", \.sectionDiscriminator, "The section of that attribute.",
                .discriminator("com.apsis1.sections.default"))
            $0.required(
                "hidden", \.hidden,
                "Whether the profile, which was merged, has another value of the attribute that counts.")
        }
    }

    public struct ProfileMatches: ListBody {
        public var items: [ProfileMatch] = []
        public var complete = false
        public init() {}

        public static let summary = "Profiles that were found."
        public static let members = Members<Self> {
            $0.required("items", \.items, "Those with exactly this key or value first.")
            $0.required("complete", \.complete, "Whether these are all; false: there may be more.")
        }
    }
}

// MARK: - Refused posts

extension Bodies {
    public struct Rejection: Body {
        public var id = ""
        public var state = RejectionFilter.State.open
        public var receivedAt = Timestamp(milliseconds: 0)
        public var sectionDiscriminator = ""
        public var keyspaceDiscriminator = ""
        public var profileKey = ""
        public var clientID = ""
        public var requestID = ""
        public var cause = ""
        public var code = ""
        public var detail = ""
        public var errors: [ItemError] = []
        public var eventCount: Int64 = 0
        public var bodyBytes: Int64 = 0
        public var replayedAt: Timestamp?
        public var replayedProfileID: String?
        public var bodyExcerpt: String?
        public init() {}

        public static let summary = "A refused post."
        public static let members = Members<Self> {
            $0.required("id", \.id, "Its id.", .id("17"))
            $0.required("state", \.state, "Whether it was replayed.")
            $0.required("received_at", \.receivedAt, "When it arrived.")
            $0.required(
                "section_discriminator", \.sectionDiscriminator, "The section it was posted to.",
                .discriminator("com.apsis1.sections.default"))
            $0.required(
                "keyspace_discriminator", \.keyspaceDiscriminator, "The keyspace it was posted through.",
                .discriminator("com.apsis1.keyspaces.email"))
            $0.required(
                "profile_key", \.profileKey, "The key of the profile, as it was sent.", .string(example: "steve"))
            $0.required(
                "client_id", \.clientID, "The API key that posted it.",
                .string(example: "752cdd05-75e0-4f8a-bd08-62e3df753ff3"))
            $0.required("request_id", \.requestID, "Names the request.", .string(example: "1zevgzeysrh17-a"))
            $0.required(
                "cause", \.cause, "Its cause: GET /audience/rejections/causes lists them.",
                RejectionCause.idSchema)
            $0.required("code", \.code, "Why it was refused.", ProblemCode.schema)
            $0.required(
                "detail", \.detail, "Why, for a person.",
                .string(example: "The event was refused, and nothing was stored; 'errors' says why."))
            $0.required(
                "errors", \.errors, "Every single error.",
                .array(of: ItemError.schema, max: Limits.errorsListedMax))
            $0.required(
                "event_count", \.eventCount, "Its events; 0 if the body could not be read that far.", .count(1))
            $0.required("body_bytes", \.bodyBytes, "How long its body is.", .count(120))
            $0.nullable("replayed_at", \.replayedAt, "When it was posted again.")
            $0.nullable(
                "replayed_profile_id", \.replayedProfileID, "The profile that it was posted to then.",
                .string(example: "0123456789abcdef"))
            $0.optional(
                "body_excerpt", \.bodyExcerpt, "The beginning of the body; in lists, for admin keys.",
                .string(example: "{\"items\":["), isInExample: false)
        }
    }

    public struct RejectionWithBody: Body {
        public var rejection = Rejection()
        public var body = ""
        public var replayedEventIDs: [String]?
        public var storedEvents: [StoredEvent]?
        public init() {}

        public static let summary = "A refused post, with its body, and with what a replay of it stored."
        public static let members = Members<Self> {
            $0.all(of: \.rejection)
            $0.required("body", \.body, "The body as it came.", .string(example: "{\"items\":[]}"))
            $0.nullable(
                "replayed_event_ids", \.replayedEventIDs,
                "The events that a replay stored; null if there was none, or if an older version did it.",
                .array(of: .id("17"), max: Limits().itemsMax))
            $0.nullable(
                "stored_events", \.storedEvents, "Those of them that were not deleted since, up to 1 MiB of them.")
        }
    }

    public struct Rejections: ListBody {
        public var items: [Rejection] = []
        public var nextBefore: String?
        public init() {}

        public static let summary = "A page of refused posts."
        public static let members = Members<Self> {
            $0.required(
                "items", \.items, "The newest first.", .array(of: Rejection.schema, max: Limits.rejectionPageMax))
            $0.nullable(
                "next_before", \.nextBefore, "The 'before' of the next page; null: this was the last one.", .id("16"))
        }
    }

    public struct ReplayRequest: Body {
        /// Read one by one, so that an answer says all that is wrong with them.
        public var items: [JSONValue]?
        public var profileKey: String?
        public init() {}

        public static let summary = "What to post instead; what is left out is taken from the refused post."
        // A misspelt member would post again what was refused.
        public static let isStrict = true
        public static let members = Members<Self> {
            $0.optional("items", \.items, "Other events.", PostEvents.itemsSchema)
            $0.optional("profile_key", \.profileKey, "Another key.", .string(example: "steve@apsis.com"))
        }
    }
}
