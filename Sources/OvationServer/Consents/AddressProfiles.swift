import OvationCore
import OvationWire

/// The profiles that have an address: as a key of the channel's keyspace, or as the value of the attribute that is mapped to it.
/// A shop keys its customers by ids of its own, and their addresses are attributes.
struct AddressProfiles {
    /// What each holds, in the section that was asked for and in section 0.
    let data: [ProfileData]
    /// nil: there is none, or it was not asked for.
    let suppression: HeldField?
    private let caller: Identity
    private let channel: Int64
    private let section: Int64
    /// The address is a key of somebody who was locked for good.
    private let isLocked: Bool
    /// false: more profiles have the address than are asked.
    private let isComplete: Bool

    /// - Parameters:
    ///   - section: nil: section 0 alone.
    ///   - suppressed: where a suppression of the address stands.
    init(
        of place: AddressPlace, in section: Section?, suppressed: ProfileAddress? = nil,
        from store: any ProfileStore
    ) async throws {
        caller = place.caller
        channel = place.channel.number
        self.section = section?.number ?? 0
        var search = AddressProfiles.search(place, self.section)
        // Most addresses are answered by this read alone.
        search.keys = [place.profile] + [suppressed].compactMap { $0 }
        let first = try await store.consents(search)
        var found: [ProfileID: ProfileData] = [:]
        if case .profile(let own) = first.keys[0] { found[own.profile.id] = own }
        isLocked = first.keys[0] == .locked
        suppression = AddressProfiles.suppression(in: first.keys.dropFirst().first, channel: channel)
        search.keys = []
        isComplete = try await AddressProfiles.readByValue(first, search, place.keyspace, store, to: &found)
        data = Array(found.values)
    }

    static func suppression(in match: ConsentMatches.KeyMatch?, channel: Int64) -> HeldField? {
        guard case .profile(let data) = match,
            let held = data.sections.first?[Suppression.field(ofChannel: channel)], held.isOptOut
        else { return nil }
        return held
    }

    private static func search(_ place: AddressPlace, _ section: Int64) -> ConsentSearch {
        let catalogue = place.caller.account.catalogue
        let text = place.profile.key.text
        var search = ConsentSearch(account: place.caller.key.account, values: [:], sections: [0, section])
        for other in catalogue.sections {
            guard let attribute = catalogue.mappedAttribute(of: place.keyspace, in: other.discriminator) else {
                continue
            }
            search.values[attribute.number] = ConsentSearch.Value(section: other.number, text: text)
        }
        return search
    }

    /// Those that have it as a value, some at a time.
    /// - Returns: whether these are all.
    private static func readByValue(
        _ first: ConsentMatches, _ search: ConsentSearch, _ keyspace: Keyspace, _ store: any ProfileStore,
        to found: inout [ProfileID: ProfileData]
    ) async throws -> Bool {
        var (page, search) = (first, search)
        for number in 1...Limits.addressProfilesMax / Limits.valueMatchesMax {
            for data in page.profiles where holds(data, search, format: keyspace.keyFormat) {
                found[data.profile.id] = data
            }
            guard let next = page.next else { return true }
            search.after = next
            if number < Limits.addressProfilesMax / Limits.valueMatchesMax { page = try await store.consents(search) }
        }
        return false
    }

    /// Of a merged profile another value can be the one that counts.
    private static func holds(_ data: ProfileData, _ search: ConsentSearch, format: KeyFormat) -> Bool {
        search.values.contains { attribute, value in
            let held = data.sections.first { $0.section == value.section }?[.attribute(attribute)]
            return held?.value.value.profileKey(format: format)?.text == value.text
        }
    }

    private static let tooMany = Problem(
        .limitExceeded,
        "More than \(Limits.addressProfilesMax) profiles have this address as a value, so the server cannot ask all of them. "
            + "Merge them, or correct the value.")

    /// - Throws: where there are more than ``data`` has.
    func requireAll() throws(Problem) {
        guard isComplete else { throw AddressProfiles.tooMany }
    }

    /// The topics that any of them has a consent to, by this channel.
    var topics: Set<Int64> {
        Set(
            data.flatMap(\.sections).filter { $0.section == section }.flatMap(\.fields)
                .compactMap { ConsentPlace($0.field) }.filter { $0.channel == channel }.compactMap(\.topic))
    }

    /// Of several profiles, one that says no is heard. What it said is shown to who may read one of its keys.
    /// - Throws: where none of those that were asked says no, and there are more of them.
    func sending(about topic: Topic) throws(Problem) -> Sending {
        let answers = data.map { data in
            let sending = Sending(of: data, section: section, topic: topic.number, channel: channel)
            let isReadable = data.profile.keys.contains { caller.mayRead(keyspace: $0.keyspace) }
            return isReadable ? sending : Sending(reason: sending.reason)
        }
        let strongest = Sending.strongest(of: answers + (isLocked ? [Sending(reason: .locked)] : []))
        if strongest.isAllowed || strongest.reason == .noConsent { try requireAll() }
        return strongest
    }
}
