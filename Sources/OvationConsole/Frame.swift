/// The navigation and the parts beside it.
struct Frame {
    struct Entry {
        let text: String
        let href: String
        let icon: String
        let current: Bool
        let badge: String?
    }

    struct Group {
        let id: String
        let heading: String?
        let entries: [Entry]
    }

    let groups: [Group]
    let section: Layout.SectionLink?
    let sections: [Layout.SectionLink]
    let keyName: String
    let clientID: String
    let flash: Layout.Flash?
    let flashIsError: Bool
    let masked: Bool
    let path: String
    let serverVersion: String

    init(_ layout: Layout) {
        section = layout.currentSection
        sections = layout.sections
        keyName = layout.keyName
        clientID = layout.clientID
        flash = layout.flash
        flashIsError = layout.flash?.kind == .error
        masked = layout.masked
        path = layout.path
        serverVersion = layout.serverVersion
        let entries = { (areas: [Layout.Area]) in areas.map { Self.entry($0, in: layout) } }
        groups = [
            Group(id: "nav-start", heading: nil, entries: entries([.overview])),
            Group(id: "nav-data", heading: "Data", entries: entries([.eventTypes, .profiles, .jobs])),
            Group(id: "nav-posts", heading: "Posts", entries: entries([.live, .rejections])),
            Group(
                id: "nav-account", heading: "Account",
                entries: entries([.sections, .keyspaces, .channels, .keys, .history])),
        ]
    }

    private static func entry(_ area: Layout.Area, in layout: Layout) -> Entry {
        let (text, href, icon) =
            switch area {
            case .overview: ("Overview", "/console", "M2 2h5v5H2zM9 2h5v5H9zM2 9h5v5H2zM9 9h5v5H9z")
            case .eventTypes: ("Event types", layout.eventTypesHref, "M2 3h12v10H2zM2 6.5h12M6 6.5V13")
            case .profiles:
                (
                    "Profiles", "/console/profiles",
                    "M8 7.5a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6zM2.5 14c.5-2.9 2.6-4.3 5.5-4.3s5 1.4 5.5 4.3"
                )
            case .jobs: ("Jobs", "/console/jobs", "M8 2v7M5 6.5L8 9.5l3-3M2.5 11v2.5h11V11")
            case .live: ("Live", "/console/live", "M1 8h3l2-5 4 10 2-5h3")
            case .rejections:
                (
                    "Rejections", "/console/rejections",
                    "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM5.7 5.7l4.6 4.6M10.3 5.7l-4.6 4.6"
                )
            case .sections: ("Sections", "/console/sections", "M8 2l6.5 3.5L8 9 1.5 5.5zM1.5 9.5L8 13l6.5-3.5")
            case .keyspaces: ("Keyspaces", "/console/keyspaces", "M6 2L4.5 14M11.5 2L10 14M2.5 5.5h12M1.5 10.5h12")
            case .channels: ("Channels", "/console/channels", "M1.5 3.5h13v9h-13zM1.5 4l6.5 5 6.5-5")
            case .keys: ("API keys", "/console/keys", "M10.5 2a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7zM8 8l-6 6M4 12l2 2")
            case .history:
                ("History", "/console/history", "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM8 4.5V8l2.5 2")
            }
        let badge = area == .rejections && layout.openRejections > 0 ? layout.openRejections.grouped : nil
        return Entry(text: text, href: href, icon: icon, current: layout.area == area, badge: badge)
    }
}
