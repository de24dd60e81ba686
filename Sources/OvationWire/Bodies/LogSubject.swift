extension Bodies.LogEntry {
    /// What an entry is about, for people: an act's own words, else the discriminator or id of what was changed.
    public var subject: String {
        if let subject = change.subject { return [subject, change.detail].compactMap { $0 }.joined(separator: "  ") }
        return change.versionID ?? change.eventDiscriminator ?? change.sectionDiscriminator
            ?? change.keyspaceDiscriminator ?? ""
    }
}
