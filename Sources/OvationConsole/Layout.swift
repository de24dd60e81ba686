/// The frame of every page of a signed-in user.
public struct Layout: Sendable {
    /// The entries of the navigation.
    public enum Area: String, Sendable, CaseIterable {
        case overview, eventTypes, profiles, jobs, live, rejections, keys, sections, keyspaces, channels, history
    }

    public struct SectionLink: Sendable, Equatable {
        public let name: String
        public let discriminator: String
        /// Where choosing it leads; most useful is the same page for that section.
        public let href: String
        public let selected: Bool

        public init(name: String, discriminator: String, href: String, selected: Bool = false) {
            self.name = name
            self.discriminator = discriminator
            self.href = href
            self.selected = selected
        }
    }

    /// A message about what was just done.
    public struct Flash: Sendable, Equatable {
        public enum Kind: String, Sendable { case success, error, info }

        public let kind: Kind
        public let text: String

        public init(_ kind: Kind, _ text: String) {
            self.kind = kind
            self.text = text
        }
    }

    public let csrf: String
    /// Of the API key that signed in.
    public let keyName: String
    public let clientID: String
    /// The entry to mark as current; nil for a page outside the navigation.
    public let area: Area?
    /// For pages of one section: the same kind of page for each section. Empty if a page is for all sections, since
    /// there is nothing to switch.
    public let sections: [SectionLink]
    /// Where the navigation leads for event types: the section that was looked at last.
    public let eventTypesHref: String
    public let flash: Flash?
    /// Whether profile keys are masked, for when others see the screen.
    public let masked: Bool
    /// Path and query of this page, for forms that lead back to it.
    public let path: String
    /// Open rejections; shown beside the link when there are any.
    public let openRejections: Int
    public let serverVersion: String

    public init(
        csrf: String, keyName: String, clientID: String, area: Area?, sections: [SectionLink],
        eventTypesHref: String, flash: Flash? = nil,
        masked: Bool = false, path: String, openRejections: Int = 0, serverVersion: String
    ) {
        self.csrf = csrf
        self.keyName = keyName
        self.clientID = clientID
        self.area = area
        self.sections = sections
        self.eventTypesHref = eventTypesHref
        self.flash = flash
        self.masked = masked
        self.path = path
        self.openRejections = openRejections
        self.serverVersion = serverVersion
    }

    /// The section that the page is about, where another could be chosen.
    var currentSection: SectionLink? { sections.count > 1 ? sections.first(where: \.selected) : nil }
}
