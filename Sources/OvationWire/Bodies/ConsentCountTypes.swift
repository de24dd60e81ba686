public import OvationCore

// How many profiles have said what. See rule 21 of OvationCore's DESIGN.md.

extension Bodies {
    public struct ConsentCount: Body {
        public var topicDiscriminator = ""
        public var channelDiscriminator: String?
        public var optIn: Int64 = 0
        public var pendingOptIn: Int64 = 0
        public var confirmedOptIn: Int64 = 0
        public var optOut: Int64 = 0
        public init() {}

        public static let summary = "How many profiles have each type of consent to a topic by a channel."
        public static let members = Members<Self> {
            $0.required("topic_discriminator", \.topicDiscriminator, "The topic.", topicSchema)
            $0.nullable(
                "channel_discriminator", \.channelDiscriminator,
                "The channel; null: subscriptions of the first generation, which are for no channel.",
                .discriminator("com.apsis1.channels.email"))
            $0.required("opt_in", \.optIn, "Profiles that have opted in.", .count())
            $0.required("pending_opt_in", \.pendingOptIn, "Profiles whose opt-in waits for a confirmation.", .count())
            $0.required("confirmed_opt_in", \.confirmedOptIn, "Profiles whose opt-in is confirmed.", .count())
            $0.required("opt_out", \.optOut, "Profiles that have opted out.", .count())
        }
    }

    public struct OptOutCount: Body {
        public var channelDiscriminator = ""
        public var optOutsOfSection: Int64 = 0
        public var optOutsOfAccount: Int64 = 0
        public var suppressions: Int64 = 0
        public init() {}

        public static let summary = "How much stands above the consents by a channel."
        public static let members = Members<Self> {
            $0.required(
                "channel_discriminator", \.channelDiscriminator, "The channel.",
                .discriminator("com.apsis1.channels.email"))
            $0.required(
                "opt_outs_of_section", \.optOutsOfSection, "Profiles that have opted out of the section.", .count())
            $0.required(
                "opt_outs_of_account", \.optOutsOfAccount, "Profiles that have opted out of the account.", .count())
            $0.required("suppressions", \.suppressions, "Addresses that are suppressed, in all sections.", .count())
        }
    }

    public struct ConsentCounts: ListBody {
        public var items: [ConsentCount] = []
        public var channels: [OptOutCount] = []
        public init() {}

        public static let summary =
            "How many profiles have said what, now. A profile counts once, whatever its keys; one that is locked does not."
        public static let members = Members<Self> {
            $0.required(
                "items", \.items,
                "Topics in the order they were made in, each by channel. Those that nobody has said anything about are left out."
            )
            $0.required("channels", \.channels, "All channels, with what stands above the items.")
        }
    }
}

extension Bodies.ConsentCounts {
    /// - Parameters:
    ///   - topics: those to show.
    ///   - channels: likewise.
    ///   - section: what is counted there.
    ///   - account: opt-outs of the account.
    public init(
        topics: [OvationCore.Topic], channels: [OvationCore.Channel], section: [OvationCore.ConsentCount],
        account: [OvationCore.ConsentCount], suppressions: [OvationCore.ConsentCount]
    ) {
        let byPlace = Dictionary(grouping: section, by: \.place)
        func optOuts(_ counts: [OvationCore.ConsentCount], _ channel: OvationCore.Channel) -> Int64 {
            let place = ConsentPlace(topic: nil, channel: channel.number)
            return counts.first { $0.place == place && $0.type == .optOut }?.profiles ?? 0
        }
        let places: [OvationCore.Channel?] = [nil] + channels
        items = topics.flatMap { topic in
            places.compactMap { channel in
                let place = ConsentPlace(topic: topic.number, channel: channel?.number)
                return byPlace[place].map {
                    Bodies.ConsentCount($0, topic: topic.discriminator.text, channel: channel?.discriminator.text)
                }
            }
        }
        self.channels = channels.map { channel in
            var count = Bodies.OptOutCount()
            count.channelDiscriminator = channel.discriminator.text
            count.optOutsOfSection = optOuts(section, channel)
            count.optOutsOfAccount = optOuts(account, channel)
            count.suppressions = optOuts(suppressions, channel)
            return count
        }
    }
}

extension Bodies.ConsentCount {
    /// Of one place.
    fileprivate init(_ counts: [OvationCore.ConsentCount], topic: String, channel: String?) {
        (topicDiscriminator, channelDiscriminator) = (topic, channel)
        for count in counts {
            switch count.type {
            case .optIn: optIn = count.profiles
            case .pendingOptIn: pendingOptIn = count.profiles
            case .confirmedOptIn: confirmedOptIn = count.profiles
            case .optOut: optOut = count.profiles
            }
        }
    }
}
