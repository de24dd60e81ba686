import HTTPTypes
import Hummingbird
import OvationCore
import OvationWire

/// `GET /audience/profiles?key=&keyspace=&exact=&limit=`: profiles by a key, in any keyspace or in one. First come
/// those with exactly this key, then those with a key that begins with it.
///
/// With `exact=true` only the former. Exact keys are found at once. Beginnings are looked for without an index, for two seconds at most; `complete` says
/// whether that was enough.
struct FindProfiles: BodyEndpoint {
    let store: any ProfileStore

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.ProfileMatches> {
        let caller = try call.caller()
        guard let text = try call.parameter("key") else {
            throw Problem(.invalidParameter, "Say which key to look for: ?key=steve%40apsis.com, or its beginning.")
        }
        let limit = try call.int("limit", in: 1...Limits.profileSearchMax, default: 20)
        let keyspaces = try keyspaces(call, caller)
        let account = caller.key.account
        var items: [Bodies.ProfileMatch] = []
        var exact: Set<ProfileID> = []
        var prefixes: [Int64: String] = [:]
        for keyspace in keyspaces {
            if let prefix = keyspace.keyFormat.prefix(text) { prefixes[keyspace.number] = prefix }
            guard let address = try? ProfileAddress(text, in: keyspace, account: account),
                let profile = try await store.profile(.address(address)), exact.insert(profile.id).inserted
            else { continue }
            items.append(Bodies.ProfileMatch(.exact, profile, in: caller.catalogue))
        }
        guard try !call.flag("exact") else {
            return answer(items, upTo: limit, isComplete: true)
        }
        let matches = try await store.profiles(
            ProfileSearch(
                account: account, prefixes: prefixes, limit: limit + exact.count,
                timeMax: Limits.profileSearchTime))
        items += matches.profiles.filter { !exact.contains($0.id) }
            .map { Bodies.ProfileMatch(.prefix, $0, in: caller.catalogue) }
        return answer(items, upTo: limit, isComplete: matches.isComplete)
    }

    private func answer(
        _ items: [Bodies.ProfileMatch], upTo limit: Int, isComplete: Bool
    ) -> BodyAnswer<Bodies.ProfileMatches> {
        var body = Bodies.ProfileMatches()
        body.items = Array(items.prefix(limit))
        body.complete = isComplete && items.count <= limit
        return BodyAnswer(body, headers: [.cacheControl: "no-store"])
    }

    private func keyspaces(_ call: Call, _ caller: Identity) throws(Problem) -> [Keyspace] {
        guard let text = try call.parameter("keyspace") else { return caller.catalogue.keyspaces }
        guard let discriminator = try? Discriminator<Keyspace>(text) else {
            throw Problem(.keyspaceNotFound, "There is no keyspace \(text.quoted).")
        }
        return [try caller.keyspace(discriminator)]
    }
}

extension KeyFormat {
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
