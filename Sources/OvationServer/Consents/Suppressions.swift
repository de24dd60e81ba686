import OvationCore
import OvationWire

/// Blocks on addresses, by channel. The store keeps no address for one: it is a profile of its own, whose key is the hash of
/// the address under the server's secret. So it stays when the person is deleted, and says nothing of whom it is about to
/// somebody who has the file alone. See rule 21 of OvationCore's DESIGN.md.
struct Suppressions: Sendable {
    let store: any ProfileStore
    let secretHash: SecretHash

    /// Where a suppression stands in its profile.
    static func field(_ channel: OvationCore.Channel) -> ProfileField {
        ConsentPlace(topic: nil, channel: channel.number).field
    }

    /// - Parameter address: a key of the channel's keyspace.
    func profile(_ address: ProfileKey, channel: OvationCore.Channel, account: Int64) -> ProfileAddress? {
        let hash = secretHash.hash("suppression \(account) \(channel.number) \(address.text)")
        guard let key = try? ProfileKey(Hexadecimal.text(of: hash), format: .text) else { return nil }
        // No keyspace has such a number, so no path leads there.
        let keyspace = -channel.number
        return ProfileAddress(
            account: account, keyspace: keyspace, key: key,
            foundingID: .founding(account: account, keyspace: keyspace, key: key))
    }

    /// nil: the address is not suppressed.
    func held(_ place: AddressPlace) async throws -> HeldField? {
        try await held(place.profile.key, channel: place.channel, account: place.caller.key.account)
    }

    private func held(
        _ address: ProfileKey, channel: OvationCore.Channel, account: Int64
    ) async throws -> HeldField? {
        guard let profile = profile(address, channel: channel, account: account),
            let data = try await store.data(of: profile, in: [0])
        else { return nil }
        return data.sections.first?[Suppressions.field(channel)]
    }

    /// The first of a channel's that is suppressed under this address.
    /// - Parameter keyspace: only channels whose addresses are its keys; nil: any that the caller may read.
    func first(of text: String, in keyspace: Keyspace?, for caller: Identity) async throws -> Bodies.Suppression? {
        for channel in caller.catalogue.listedChannels {
            guard keyspace == nil || keyspace?.discriminator == channel.keyspace,
                caller.key.mayRead(channel.keyspace),
                let format = caller.catalogue.keyspace(channel.keyspace)?.keyFormat,
                let address = try? ProfileKey(text, format: format),
                let held = try await held(address, channel: channel, account: caller.key.account)
            else { continue }
            return Bodies.Suppression(held, of: text, channel: channel)
        }
        return nil
    }
}
