/// `GET /console/sections/{section}/exports`
public struct ExportsPage: ConsolePage {
    public static let template = "exports"
    public var title: String { "Export" }

    /// A section, and where its page is.
    public struct Other: Sendable, Equatable {
        public let name: String
        public let href: String

        public init(name: String, href: String) {
            self.name = name
            self.href = href
        }
    }

    /// Its name and its discriminator.
    public let section: Named
    public let others: [Other]
    /// Of files of profiles, and of events.
    public let formats: [Choice]
    public let eventTypes: [Choice]
    public let isMasked: Bool
    let action: String

    public init(section: Named, others: [Other], formats: [Choice], eventTypes: [Choice], isMasked: Bool) {
        self.section = section
        self.others = others
        self.formats = formats
        self.eventTypes = eventTypes
        self.isMasked = isMasked
        action = "/console/sections/\(section.discriminator)/exports"
    }
}
