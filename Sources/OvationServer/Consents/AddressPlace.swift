import OvationCore
import OvationWire

/// An address of a channel, as paths name it. The addresses of a channel are the keys of its keyspace, so an address leads to
/// a profile.
struct AddressPlace {
    let caller: Identity
    let channel: OvationCore.Channel
    let keyspace: Keyspace
    let profile: ProfileAddress

    /// - Parameter isWriting: whether the caller has to be allowed to write through the channel's keyspace.
    init(_ call: Call, as caller: Identity, writing isWriting: Bool) throws(Problem) {
        self.caller = caller
        channel = try caller.catalogue.listedChannel(call.path.channel())
        keyspace =
            isWriting
            ? try caller.keyspaceForWriting(channel.keyspace) : try caller.keyspaceForReading(channel.keyspace)
        try keyspace.requireSubscriptions()
        profile = try ProfileAddress(call.path.text("address"), in: keyspace, account: caller.key.account)
    }

    /// A section that a request names.
    func section(_ text: String) throws(Problem) -> Section {
        guard let discriminator = try? Discriminator<Section>(text) else {
            throw Problem(.sectionNotFound, "There is no section \(text.quoted).")
        }
        return try caller.section(discriminator)
    }

    /// What is about all sections is for API keys that may see all.
    func requireAllSections() throws(Problem) {
        guard caller.key.sections == nil else {
            throw Problem(
                .sectionNotFound, "This API key sees some sections only; name one with 'section_discriminator'.")
        }
    }
}
