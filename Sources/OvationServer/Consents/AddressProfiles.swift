import OvationCore
import OvationWire

/// The profiles that have an address: as a key of the channel's keyspace, or as the value of the attribute that is mapped to it.
/// A shop keys its customers by ids of its own, and their addresses are attributes.
struct AddressProfiles {
    /// What each holds, in the section that was asked for and in section 0.
    let data: [ProfileData]
    private let caller: Identity
    private let channel: Int64
    private let section: Int64
    /// The address is a key of somebody who was locked for good.
    private let isLocked: Bool

    /// - Parameter section: nil: section 0 alone.
    init(of place: AddressPlace, in section: Section?, from store: any ProfileStore) async throws {
        caller = place.caller
        channel = place.channel.number
        self.section = section?.number ?? 0
        var found: [ProfileID: ProfileData] = [:]
        let own = try await store.data(of: place.profile, in: [0, self.section])
        if let own {
            found[own.profile.id] = own
            isLocked = false
        } else {
            isLocked = try await store.profile(.address(place.profile))?.state == .locked
        }
        for data in try await AddressProfiles.byValue(place, self.section, store) { found[data.profile.id] = data }
        data = Array(found.values)
    }

    /// Those that have it as a value.
    private static func byValue(
        _ place: AddressPlace, _ section: Int64, _ store: any ProfileStore
    ) async throws -> [ProfileData] {
        let catalogue = place.caller.account.catalogue
        var sections: [Int64: Int64] = [:]
        for other in catalogue.sections {
            guard let attribute = catalogue.mappedAttribute(of: place.keyspace, in: other.discriminator) else {
                continue
            }
            sections[attribute.number] = other.number
        }
        let text = place.profile.key.text
        let matches = try await store.profiles(
            ValueSearch(
                account: place.caller.key.account, texts: sections.mapValues { _ in text }, isExact: true))
        guard matches.isComplete else {
            throw Problem(
                .limitExceeded,
                "More than \(Limits.valueMatchesMax) profiles have this address as a value, so the server cannot ask all of "
                    + "them. Merge them, or correct the value.")
        }
        var found: [ProfileData] = []
        for match in matches.matches {
            guard let key = match.profile.keys.first, let keyspace = catalogue.keyspace(number: key.keyspace),
                let ownSection = sections[match.attribute]
            else { continue }
            let address = try ProfileAddress(key.text, in: keyspace, account: place.caller.key.account)
            guard let data = try await store.data(of: address, in: [0, section, ownSection]) else { continue }
            // Of a merged profile another value can be the one that counts.
            let held = data.sections.first { $0.section == ownSection }?[.attribute(match.attribute)]
            guard held?.value.value.profileKey(format: place.keyspace.keyFormat)?.text == text else { continue }
            found.append(data)
        }
        return found
    }

    /// The topics that any of them has a consent to, by this channel.
    var topics: Set<Int64> {
        Set(
            data.flatMap(\.sections).filter { $0.section == section }.flatMap(\.fields)
                .compactMap { ConsentPlace($0.field) }.filter { $0.channel == channel }.compactMap(\.topic))
    }

    /// Of several profiles, one that says no is heard. What it said is shown to who may read one of its keys.
    func sending(about topic: Topic) -> Sending {
        let answers = data.map { data in
            let sending = Sending(of: data, section: section, topic: topic.number, channel: channel)
            let isReadable = data.profile.keys.contains { caller.mayRead(keyspace: $0.keyspace) }
            return isReadable ? sending : Sending(reason: sending.reason)
        }
        return Sending.strongest(of: answers + (isLocked ? [Sending(reason: .locked)] : []))
    }
}
