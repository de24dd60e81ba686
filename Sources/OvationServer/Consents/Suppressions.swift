import OvationCore
import OvationWire

/// Blocks on addresses, by channel. The store keeps no address for one: it is a profile of its own, whose key is the hash of
/// the address under the server's secret. So it stays when the person is deleted, and its rows do not tell whom it is about to
/// somebody who sees the rows alone. Who has the whole store has the secret too, and can try addresses. See rule 21 of OvationCore's DESIGN.md.
struct Suppressions: Sendable {
    let store: any ProfileStore
    let secretHash: SecretHash

    /// - Parameter address: a key of the channel's keyspace.
    func profile(_ address: ProfileKey, channel: OvationCore.Channel, account: Int64) -> ProfileAddress? {
        let hash = secretHash.hash("suppression \(account) \(channel.number) \(address.text)")
        guard let key = try? ProfileKey(Hexadecimal.text(of: hash), format: .text) else { return nil }
        let keyspace = Suppression.keyspace(ofChannel: channel.number)
        return ProfileAddress(
            account: account, keyspace: keyspace, key: key,
            foundingID: .founding(account: account, keyspace: keyspace, key: key))
    }

    func profile(_ place: AddressPlace) -> ProfileAddress? {
        profile(place.profile.key, channel: place.channel, account: place.caller.key.account)
    }

    /// nil: the address is not suppressed.
    func held(_ place: AddressPlace) async throws -> HeldField? {
        try await held(place.profile.key, channel: place.channel, account: place.caller.key.account)
    }

    private func held(
        _ address: ProfileKey, channel: OvationCore.Channel, account: Int64
    ) async throws -> HeldField? {
        guard let profile = profile(address, channel: channel, account: account),
            let data = try await store.data(of: profile, in: [0]),
            let held = data.sections.first?[Suppression.field(ofChannel: channel.number)], held.isOptOut
        else { return nil }
        return held
    }

    /// Those of all channels under this address.
    /// - Parameter keyspace: only channels whose addresses are its keys; nil: any that the caller may read consents of.
    func all(of text: String, in keyspace: Keyspace?, for caller: Identity) async throws -> [Bodies.Suppression] {
        var found: [Bodies.Suppression] = []
        for channel in caller.catalogue.listedChannels {
            guard keyspace == nil || keyspace?.discriminator == channel.keyspace,
                caller.key.mayRead(channel.keyspace),
                let own = caller.catalogue.keyspace(channel.keyspace), own.managesSubscriptions,
                let address = try? ProfileKey(text, format: own.keyFormat),
                let held = try await held(address, channel: channel, account: caller.key.account),
                let body = Bodies.Suppression(held, of: text, channel: channel)
            else { continue }
            found.append(body)
        }
        return found
    }
}
