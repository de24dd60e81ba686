extension Bodies.LogEntry {
    /// What an entry is about, for people: an act's own words, else the discriminator or id of what was changed.
    public var subject: String {
        if let subject = change.subject { return [subject, change.detail].compactMap { $0 }.joined(separator: "  ") }
        // An attribute and a tag are created with a version.
        let created = kind == "attribute.created" || kind == "tag.created"
        let definition =
            change.eventDiscriminator ?? change.attributeDiscriminator ?? change.tagDiscriminator
            // A topic names its folder and its channel too, and a channel its keyspace.
            ?? change.topicDiscriminator ?? change.folderDiscriminator ?? change.channelDiscriminator
        return (created ? nil : change.versionID) ?? definition ?? change.sectionDiscriminator
            ?? change.keyspaceDiscriminator ?? ""
    }
}
