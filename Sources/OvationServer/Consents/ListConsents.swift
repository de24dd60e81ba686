import HTTPTypes
import OvationCore
import OvationWire

/// `GET /v2/audience/keyspaces/{keyspace}/profiles/{key}/sections/{section}/consents?consent_types=&suppression_address=`:
/// the consents of a profile in a section, and whether its address is suppressed
struct ListConsents: BodyEndpoint {
    let store: any ProfileStore
    let suppressions: Suppressions

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.Consents> {
        let caller = try call.caller()
        let section = try caller.section(call.path.section())
        let keyspace = try caller.keyspaceForReading(call.path.keyspace())
        if try !call.ignoresKeyspacePermissions() { try keyspace.requireReadableConsents() }
        let types = try call.parameters("consent_types").map { text throws(Problem) in
            guard let type = Bodies.ConsentType(rawValue: text) else {
                let words = Bodies.ConsentType.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
                throw Problem(.invalidParameter, "'consent_types' is one of \(words); \(text.quoted) is none.")
            }
            return type
        }
        let profile = try call.profile(in: keyspace, of: caller)
        guard let data = try await store.data(of: profile, in: [0, section.number]) else {
            throw try await store.absence(of: profile, call)
        }
        var body = Bodies.Consents(data, section: section.number, in: caller.account.catalogue)
        if !types.isEmpty { body.items.removeAll { !types.contains($0.type) } }
        if let other = try call.parameter("suppression_address") {
            body.suppressions = try await suppressions.all(of: other, in: nil, for: caller)
        } else {
            body.suppressions = try await suppressions.all(of: call.path.text("key"), in: keyspace, for: caller)
            for key in data.profile.keys where key != profile.profileKey {
                guard let other = caller.catalogue.keyspace(number: key.keyspace) else { continue }
                body.suppressions += try await suppressions.all(of: key.text, in: other, for: caller)
            }
        }
        // That of the address that was named, where it is suppressed.
        body.suppression = body.suppressions.first
        return BodyAnswer(body, headers: [.cacheControl: "no-store"])
    }
}
