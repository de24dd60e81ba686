/// What a person can consent to, such as a newsletter. It stands in a folder of its section.
public struct Topic: Sendable, Equatable {
    /// Rows of consents have 27 bits for the number of a topic.
    public static let numberMax = ConsentPlace.topicMax

    /// Small number, unique in the account; used in rows and never shown. 1 to ``numberMax``.
    public let number: Int64
    /// Unique in the account.
    public let discriminator: Discriminator<Topic>
    public let section: Discriminator<Section>
    /// Of the same section.
    public internal(set) var folder: Discriminator<Folder>
    /// The only channel that consents to this topic can be for, fixed for good; nil: they can be for any.
    public let channel: Discriminator<Channel>?
    public internal(set) var name: String
    public internal(set) var summary: String
    /// nil: it was not removed. Consents to a removed topic stay readable, and there are no new ones.
    public internal(set) var removedAt: Timestamp?

    init(_ head: TopicHead, number: Int64) {
        self.number = number
        self.discriminator = head.discriminator
        self.section = head.section
        self.folder = head.folder
        self.channel = head.channel
        self.name = head.name
        self.summary = head.description
    }
}

extension Topic: RemovableDefinition {
    typealias Key = SectionKey<Topic>

    var key: Key { SectionKey(discriminator, in: section) }
    var rowNumber: Int64? { number }
    static let plural = "topics"
    static let countMax = Limits.topicsMax

    static func notFound(_ key: Key) -> Problem { .noTopic(key.discriminator, in: key.section) }
}

extension Problem {
    public static func noTopic(_ discriminator: Discriminator<Topic>, in section: Discriminator<Section>) -> Problem {
        Problem(.topicNotFound, "The section '\(section)' has no topic '\(discriminator)'.")
    }
}
