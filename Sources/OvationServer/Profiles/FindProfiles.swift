import HTTPTypes
import Hummingbird
import OvationCore
import OvationWire

/// `GET /audience/profiles?key=&keyspace=&exact=&limit=`: profiles by a key, or by the value of a mapped attribute, in any keyspace
/// or in one. First come those with exactly this key or value, then those with one that begins with it; keys before values.
///
/// With `exact=true` only the former. Exact keys and all values are found at once. Beginnings of keys are looked for without an
/// index, for two seconds at most; `complete` says whether that was enough.
///
/// An attribute is looked into if the keyspace that it is mapped to may read it.
struct FindProfiles: BodyEndpoint {
    let store: any ProfileStore

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.ProfileMatches> {
        let caller = try call.caller()
        guard let text = try call.parameter("key") else {
            throw Problem(.invalidParameter, "Say which key to look for: ?key=steve%40apsis.com, or its beginning.")
        }
        let limit = try call.int("limit", in: 1...Limits.profileSearchMax, default: 20)
        let keyspaces = try keyspaces(call, caller)
        let places = MappedPlace.all(
            of: keyspaces, for: caller, ignoringPermissions: try call.ignoresKeyspacePermissions())
        var found = FoundProfiles(limit: limit)
        let account = caller.key.account
        for keyspace in keyspaces {
            guard let address = try? ProfileAddress(text, in: keyspace, account: account),
                let profile = try await store.profile(.address(address))
            else { continue }
            found.add(.exact, profile, Bodies.FoundBy(address.profileKey, in: caller.catalogue), caller)
        }
        try await findValues(places, exactly: true, { $0.key(text) }, caller, &found)
        guard try !call.flag("exact") else { return found.answer }
        var prefixes: [Int64: String] = [:]
        for keyspace in keyspaces {
            if let prefix = keyspace.keyFormat.prefix(text) { prefixes[keyspace.number] = prefix }
        }
        let matches = try await store.profiles(
            ProfileSearch(
                account: account, prefixes: prefixes, limit: limit + found.count, timeMax: Limits.profileSearchTime))
        if !matches.isComplete { found.isComplete = false }
        for profile in matches.profiles {
            let key = profile.keys.first { key in prefixes[key.keyspace].map { key.text.hasPrefix($0) } ?? false }
            guard let key else { continue }
            found.add(.prefix, profile, Bodies.FoundBy(key, in: caller.catalogue), caller)
        }
        try await findValues(places, exactly: false, { $0.prefix(text) }, caller, &found)
        return found.answer
    }

    private func findValues(
        _ places: [Int64: MappedPlace], exactly isExact: Bool, _ text: (KeyFormat) -> String?, _ caller: Identity,
        _ found: inout FoundProfiles
    ) async throws {
        let texts = places.compactMapValues { text($0.format) }
        let matches = try await store.profiles(
            ValueSearch(
                account: caller.key.account, texts: texts, isExact: isExact, limit: found.limit + found.count))
        if !matches.isComplete { found.isComplete = false }
        for match in matches.matches {
            guard let place = places[match.attribute], !found.has(match.profile) else { continue }
            var by = Bodies.FoundBy(match.value, of: place.attribute, in: place.keyspace)
            by.hidden = try await isHidden(match, place, caller)
            found.add(isExact ? .exact : .prefix, match.profile, by, caller)
        }
    }

    /// Whether another member has the value that counts.
    private func isHidden(_ match: ValueMatch, _ place: MappedPlace, _ caller: Identity) async throws -> Bool {
        guard match.profile.members.count > 1, let key = match.profile.keys.first,
            let keyspace = caller.account.catalogue.keyspace(number: key.keyspace),
            let address = try? ProfileAddress(key.text, in: keyspace, account: caller.key.account),
            let data = try await store.data(of: address, in: [place.section])
        else { return false }
        let held = data.sections.first?.fields.first { $0.field == .attribute(match.attribute) }
        return held?.value.value.profileKey(format: place.format)?.text != match.value
    }

    private func keyspaces(_ call: Call, _ caller: Identity) throws(Problem) -> [Keyspace] {
        guard let text = try call.parameter("keyspace") else { return caller.catalogue.keyspaces }
        guard let discriminator = try? Discriminator<Keyspace>(text) else {
            throw Problem(.keyspaceNotFound, "There is no keyspace \(text.quoted).")
        }
        return [try caller.keyspace(discriminator)]
    }
}

/// A mapped attribute that is looked into.
private struct MappedPlace {
    let attribute: Attribute
    /// That it is mapped to, and read through.
    let keyspace: Keyspace
    let format: KeyFormat
    /// Number of its section in the account.
    let section: Int64

    /// By the number of the attribute.
    static func all(
        of keyspaces: [Keyspace], for caller: Identity, ignoringPermissions: Bool
    ) -> [Int64: MappedPlace] {
        let mapped = caller.account.catalogue.mappedAttributes
        var places: [Int64: MappedPlace] = [:]
        for keyspace in keyspaces {
            for section in caller.catalogue.sections where caller.key.maySee(section.discriminator) {
                guard let attribute = caller.catalogue.mappedAttribute(of: keyspace, in: section.discriminator),
                    let format = mapped[attribute.number], places[attribute.number] == nil,
                    ignoringPermissions || attribute.permission(in: keyspace.discriminator).read
                else { continue }
                places[attribute.number] = MappedPlace(
                    attribute: attribute, keyspace: keyspace, format: format, section: section.number)
            }
        }
        return places
    }
}

/// Each profile once, as it was found first.
private struct FoundProfiles {
    let limit: Int
    var isComplete = true
    private var items: [Bodies.ProfileMatch] = []
    private var ids: Set<ProfileID> = []

    init(limit: Int) { self.limit = limit }

    var count: Int { items.count }

    func has(_ profile: Profile) -> Bool { ids.contains(profile.id) }

    mutating func add(
        _ match: Bodies.Match, _ profile: Profile, _ foundBy: Bodies.FoundBy, _ caller: Identity
    ) {
        guard ids.insert(profile.id).inserted else { return }
        items.append(Bodies.ProfileMatch(match, profile, by: foundBy, in: caller.catalogue))
    }

    var answer: BodyAnswer<Bodies.ProfileMatches> {
        var body = Bodies.ProfileMatches()
        body.items = Array(items.prefix(limit))
        body.complete = isComplete && items.count <= limit
        return BodyAnswer(body, headers: [.cacheControl: "no-store"])
    }
}

extension KeyFormat {
    /// A key, normalised in this format. nil: the text is none.
    fileprivate func key(_ text: String) -> String? { (try? ProfileKey(text, format: self))?.text }

    /// The beginning of a key, normalised in this format. nil: no key begins so.
    fileprivate func prefix(_ text: String) -> String? {
        let prefix: String
        switch self {
        case .email: prefix = String(text.drop { $0.isWhitespace }).lowercased()
        case .mobile:
            guard text.allSatisfy({ ("0"..."9").contains($0) || "+ -()./".contains($0) }) else { return nil }
            prefix = String(text.filter { ("0"..."9").contains($0) }.drop { $0 == "0" })
        case .text: prefix = text
        }
        return prefix.isEmpty ? nil : prefix
    }
}
