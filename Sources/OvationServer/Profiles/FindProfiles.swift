import HTTPTypes
import Hummingbird
import OvationCore
import OvationWire

/// `GET /audience/profiles?key=&keyspace=&exact=&limit=`: profiles by a key, in any keyspace or in one. First come
/// those with exactly this key, then those with a key that begins with it.
///
/// With `exact=true` only the former. Exact keys are found at once. The search by the beginning uses no index and takes
/// two seconds at most; `complete` says whether that was enough.
struct FindProfiles: EndpointHandler {
    let store: any Store

    func respond(to call: Call) async throws -> Response {
        let caller = try call.caller()
        guard let text = try call.parameter("key") else {
            throw Problem(.invalidParameter, "Say which key to look for: ?key=steve%40apsis.com, or its beginning.")
        }
        let limit = try call.int("limit", in: 1...Limits.profileSearchMax, default: 20)
        let keyspaces = try keyspaces(call, caller)
        let account = caller.key.account
        var items: [JSONValue] = []
        var exact: Set<ProfileID> = []
        var prefixes: [Int64: String] = [:]
        for keyspace in keyspaces {
            if let prefix = keyspace.keyFormat.prefix(text) { prefixes[keyspace.number] = prefix }
            guard let address = try? ProfileAddress(text, in: keyspace, account: account),
                let profile = try await store.profile(.address(address)), exact.insert(profile.id).inserted
            else { continue }
            items.append(item("exact", profile, caller))
        }
        guard try !call.flag("exact") else {
            return .json(
                .object([
                    .init("items", .array(Array(items.prefix(limit)))), .init("complete", .bool(items.count <= limit)),
                ]),
                headers: [.cacheControl: "no-store"])
        }
        let matches = try await store.profiles(
            ProfileSearch(
                account: account, prefixes: prefixes, limit: limit + exact.count,
                timeMax: Limits.profileSearchTime))
        items += matches.profiles.filter { !exact.contains($0.id) }.map { item("prefix", $0, caller) }
        return .json(
            .object([
                .init("items", .array(Array(items.prefix(limit)))),
                .init("complete", .bool(matches.isComplete && items.count <= limit)),
            ]), headers: [.cacheControl: "no-store"])
    }

    private func keyspaces(_ call: Call, _ caller: Identity) throws(Problem) -> [Keyspace] {
        guard let text = try call.parameter("keyspace") else { return caller.catalogue.keyspaces }
        guard let discriminator = try? Discriminator<Keyspace>(text) else {
            throw Problem(.keyspaceNotFound, "There is no keyspace \(text.quoted).")
        }
        return [try caller.keyspace(discriminator)]
    }

    private func item(_ match: String, _ profile: Profile, _ caller: Identity) -> JSONValue {
        .object([.init("match", .string(match))] + ProfileBody.members(profile, in: caller.catalogue))
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
