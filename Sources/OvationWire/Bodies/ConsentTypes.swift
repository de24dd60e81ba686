public import OvationCore

// Consents of both generations, as they cross the wire.

extension Bodies {
    public enum ConsentType: String, BodyWord {
        case optIn = "opt-in"
        case optOut = "opt-out"
        case pendingOptIn = "pending-opt-in"
        case confirmedOptIn = "confirmed-opt-in"
        public static let summary =
            "What a person said: 'pending-opt-in' waits for a confirmation, and 'confirmed-opt-in' has one."
    }

    static let consentSourceSchema = Schema.string(max: Limits.consentTextLengthMax, example: "Newsletter form")
    static let consentReasonSchema = Schema.string(max: Limits.consentTextLengthMax, example: "Signed up at checkout.")
    static let actorSchema = Schema.string(example: "752cdd05-75e0-4f8a-bd08-62e3df753ff3")

    // MARK: Second generation

    public struct ConsentRequest: Body {
        public var topicDiscriminator = ""
        public var channelDiscriminator = ""
        public var type = ConsentType.optIn
        public var reason = ""
        public var source: String?
        public init() {}

        public static let summary = "A consent to set."
        public static let members = Members<Self> {
            $0.required("topic_discriminator", \.topicDiscriminator, "The topic, of the section.", topicSchema)
            $0.required(
                "channel_discriminator", \.channelDiscriminator, "The channel.",
                .discriminator("com.apsis1.channels.email"))
            $0.required(
                "type", \.type, "The type. 'pending-opt-in' and 'confirmed-opt-in' are for admin keys.")
            $0.required("reason", \.reason, "Why; it can be empty.", consentReasonSchema)
            $0.optional("source", \.source, "What took the consent; by default 'One API'.", consentSourceSchema)
        }
    }

    public struct Consent: Body {
        public var topicDiscriminator = ""
        public var channelDiscriminator = ""
        public var type = ConsentType.optIn
        public var source = ""
        public var reason = ""
        public var modifiedAt = Timestamp(milliseconds: 0)
        public var modifiedBy = ""
        public init() {}

        public static let summary =
            "A consent of a profile. Below an opt-out of the whole section or account it is an opt-out, with the source and "
            + "reason of that."
        public static let members = Members<Self> {
            $0.required("topic_discriminator", \.topicDiscriminator, "The topic.", topicSchema)
            $0.required(
                "channel_discriminator", \.channelDiscriminator, "The channel.",
                .discriminator("com.apsis1.channels.email"))
            $0.required("type", \.type, "The type.")
            $0.required("source", \.source, "What took it.", consentSourceSchema)
            $0.required("reason", \.reason, "Why.", consentReasonSchema)
            $0.required("modified_at", \.modifiedAt, "When it was set.")
            $0.required("modified_by", \.modifiedBy, "The API key that set it.", actorSchema)
        }
    }

    public struct Consents: ListBody {
        public var items: [Consent] = []
        public var optOuts: [OptOut] = []
        public var suppression: Suppression?
        public var suppressions: [Suppression] = []
        public init() {}

        public static let summary = "The consents of a profile in a section."
        public static let members = Members<Self> {
            $0.required(
                "items", \.items, "By topic and channel.",
                .array(of: Consent.schema, max: Limits.profileFieldsMax))
            $0.required("opt_outs", \.optOuts, "Opt-outs of the whole section and of the account, above the items.")
            $0.nullable(
                "suppression", \.suppression,
                "A block on the address in the path, or on the one asked for, above all consents; null: there is none.")
            $0.required(
                "suppressions", \.suppressions,
                "All of them: of each channel, and of each key of the profile that is an address of one.")
        }
    }

    public struct OptOut: Body {
        public var channelDiscriminator = ""
        public var isOfAccount = false
        public var source = ""
        public var reason = ""
        public var modifiedAt = Timestamp(milliseconds: 0)
        public var modifiedBy = ""
        public init() {}

        public static let summary = "An opt-out of everything that a channel sends, in a section or in the account."
        public static let members = Members<Self> {
            $0.required(
                "channel_discriminator", \.channelDiscriminator, "The channel.",
                .discriminator("com.apsis1.channels.email"))
            $0.required("of_account", \.isOfAccount, "Whether it is about all sections.")
            $0.required("source", \.source, "What took it.", consentSourceSchema)
            $0.required("reason", \.reason, "Why.", consentReasonSchema)
            $0.required("modified_at", \.modifiedAt, "When it was set.")
            $0.required("modified_by", \.modifiedBy, "The API key that set it.", actorSchema)
        }
    }

    public struct ConsentState: Body {
        public var type = ConsentType.optIn
        public var source = ""
        public var reason = ""
        public init() {}

        public static let summary = "A consent as it was, or became."
        public static let members = Members<Self> {
            $0.required("type", \.type, "The type.")
            $0.required("source", \.source, "What took it.", consentSourceSchema)
            $0.required("reason", \.reason, "Why.", consentReasonSchema)
        }
    }

    public struct ConsentLift: Body {
        public var source = ""
        public var reason = ""
        public init() {}

        public static let summary = "What lifted an opt-out, and why."
        public static let members = Members<Self> {
            $0.required("source", \.source, "What lifted it.", consentSourceSchema)
            $0.required("reason", \.reason, "Why; it can be empty.", consentReasonSchema)
        }
    }

    public struct ConsentChange: Body {
        public var topicDiscriminator: String?
        public var channelDiscriminator: String?
        public var isOfAccount = false
        public var from: ConsentState?
        public var to: ConsentState?
        public var lift: ConsentLift?
        public var changedAt = Timestamp(milliseconds: 0)
        public var changedBy = ""
        public init() {}

        public static let summary = "A change of a consent, an opt-out or a subscription."
        public static let members = Members<Self> {
            $0.nullable("topic_discriminator", \.topicDiscriminator, "The topic; null: all topics.", topicSchema)
            $0.nullable(
                "channel_discriminator", \.channelDiscriminator, "The channel; null: it is a subscription.",
                .discriminator("com.apsis1.channels.email"))
            $0.required("of_account", \.isOfAccount, "Whether it is about all sections.")
            $0.nullable("from", \.from, "What was there before; null: nothing.")
            $0.nullable("to", \.to, "What was there afterwards; null: it was lifted.")
            $0.nullable("lift", \.lift, "What lifted it, and why; null: it was not lifted, or nobody said.")
            $0.required("changed_at", \.changedAt, "When.")
            $0.required("changed_by", \.changedBy, "The API key that asked for it.", actorSchema)
        }
    }

    public struct ConsentChanges: ListBody {
        public var items: [ConsentChange] = []
        public var nextCursor: String?
        public init() {}

        public static let summary = "A page of what a profile's consents were."
        public static let members = Members<Self> {
            $0.required("items", \.items, "The newest first.")
            $0.nullable(
                "next_cursor", \.nextCursor, "The 'cursor' of the next page; null: this was the last one.",
                .string(example: "c7k2q"))
        }
    }
}

// MARK: - First generation

extension Bodies {
    public struct SubscriptionRequest: Body {
        public var consentListDiscriminator = ""
        public var topicDiscriminator = ""
        public init() {}

        public static let summary = "A topic to subscribe to."
        public static let members = Members<Self> {
            $0.required(
                "consent_list_discriminator", \.consentListDiscriminator, "The consent list of the topic.", folderSchema
            )
            $0.required("topic_discriminator", \.topicDiscriminator, "The topic.", topicSchema)
        }
    }

    public struct Subscription: Body {
        public var id = ""
        public init() {}

        public static let summary = "A subscription."
        public static let members = Members<Self> {
            $0.required(
                "id", \.id, "An id, the same for the same profile and topic.",
                .string(example: "8e03978e-40d5-83e8-bc93-6894a57f9324"))
        }
    }

    public struct AddressConsentRequest: Body {
        public var type = ConsentType.optIn
        public var sectionDiscriminator: String?
        public var consentListDiscriminator: String?
        public var topicDiscriminator: String?
        public init() {}

        public static let summary =
            "A consent of an address: to a topic with all members, or an opt-out of a section, or of the account with "
            + "'type' alone."
        public static let members = Members<Self> {
            $0.required(
                "type", \.type, "'opt-in' or 'opt-out'; above a topic only 'opt-out'.",
                .words("opt-in", "opt-out"))
            $0.optional(
                "section_discriminator", \.sectionDiscriminator, "The section; left out: the account.",
                .discriminator("com.apsis1.sections.default"))
            $0.optional(
                "consent_list_discriminator", \.consentListDiscriminator, "The consent list of the topic.", folderSchema
            )
            $0.optional(
                "topic_discriminator", \.topicDiscriminator, "The topic; left out: the whole section.", topicSchema)
        }
    }

    public struct Evaluation: Body {
        public var topicDiscriminator = ""
        public init() {}

        public static let summary = "A topic that an address may be written to about."
        public static let members = Members<Self> {
            $0.required("topic_discriminator", \.topicDiscriminator, "The topic.", topicSchema)
        }
    }

    public struct Evaluations: ListBody {
        public var items: [Evaluation] = []
        public init() {}

        public static let summary = "The topics of a consent list that an address may be written to about."
        public static let members = Members<Self> {
            $0.required("items", \.items, "In the order the topics were made in.")
        }
    }
}

// MARK: - Whether an address may be written to

extension Bodies {
    public enum SendingReason: String, BodyWord {
        case suppressed, locked
        case accountOptOut = "account-opt-out"
        case sectionOptOut = "section-opt-out"
        case optOut = "opt-out"
        case pending = "pending-opt-in"
        case confirmedOptIn = "confirmed-opt-in"
        case optIn = "opt-in"
        case noConsent = "no-consent"
        public static let summary =
            "What decides whether an address may be written to. The earlier one is the stronger one."
    }

    public struct Sending: Body {
        public var maySend = false
        public var reason = SendingReason.noConsent
        public var detail = ""
        public var consent: ConsentState?
        public var modifiedAt: Timestamp?
        public init() {}

        public static let summary = "Whether an address may be written to about a topic, and why."
        public static let members = Members<Self> {
            $0.required("may_send", \.maySend, "Whether it may.")
            $0.required("reason", \.reason, "What decides.")
            $0.required("detail", \.detail, "The same for a person.", .string(example: "The person has opted in."))
            $0.nullable("consent", \.consent, "The consent that decides; null: none does.")
            $0.nullable("modified_at", \.modifiedAt, "When that was set.")
        }
    }
}
