extension Bodies.LogEntry {
    /// What an entry is about, for people: a note's own words, else the discriminator or id of what was changed.
    public var subject: String {
        if let note = change["note"] {
            return ["subject", "detail"].compactMap { note[$0]?.string }.joined(separator: "  ")
        }
        for name in ["eventType", "version", "section", "keyspace"] {
            guard let value = change[name] else { continue }
            let id = value["discriminator"]?.string ?? value["id"]?.int.map(String.init)
            return id ?? value.string ?? value.int.map(String.init) ?? ""
        }
        return ""
    }
}
