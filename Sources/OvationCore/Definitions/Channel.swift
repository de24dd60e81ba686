/// A way to reach a person, such as e-mail, with the keyspace whose keys are its addresses.
public struct Channel: Sendable, Codable, Equatable {
    /// Channels that an admin makes have numbers from here on.
    public static let customNumbers: Int64 = 100
    /// Rows of consents have twelve bits for the number of a channel.
    public static let numberMax = ConsentPlace.channelMax

    /// Small number, unique in the account; used in rows and never shown. 1 to ``numberMax``.
    public let number: Int64
    public let discriminator: Discriminator<Channel>
    public internal(set) var name: String
    /// Fixed for good: addresses of another kind would be other addresses.
    public let keyspace: Discriminator<Keyspace>
    /// nil: it was not removed. Consents of a removed channel stay readable, and there are no new ones.
    public internal(set) var removedAt: Timestamp?

    /// Whether it comes with the account.
    public var isBuiltIn: Bool { number < Channel.customNumbers }

    /// The stored form of a new channel.
    private enum CodingKeys: CodingKey { case number, discriminator, name, keyspace }

    public init(
        number: Int64, discriminator: Discriminator<Channel>, name: String, keyspace: Discriminator<Keyspace>
    ) {
        self.number = number
        self.discriminator = discriminator
        self.name = name
        self.keyspace = keyspace
    }
}

extension Channel: RemovableDefinition {
    var rowNumber: Int64? { number }
    static let plural = "channels"
    static let countMax = Limits.channelsMax

    static func notFound(_ discriminator: Discriminator<Channel>) -> Problem { .noChannel(discriminator) }
}

extension BuiltIn {
    /// The channels of each account. They are in no log.
    public static let channels: [Channel] = [
        Channel(
            number: 1, discriminator: .init(builtIn: "com.apsis1.channels.email"), name: "Email",
            keyspace: .init(builtIn: "com.apsis1.keyspaces.email")),
        Channel(
            number: 2, discriminator: .init(builtIn: "com.apsis1.channels.sms"), name: "SMS",
            keyspace: .init(builtIn: "com.apsis1.keyspaces.mobile")),
    ]
}

extension Problem {
    public static func noChannel(_ discriminator: Discriminator<Channel>) -> Problem {
        Problem(.channelNotFound, "There is no channel '\(discriminator)'.")
    }
}
