import OvationCore
import OvationWire

/// Whose data a request reads, in which section, and which of it the caller may see.
struct ReadPlace {
    let profile: ProfileAddress
    let section: Section
    let readable: ReadableFields

    init(_ call: Call) throws(Problem) {
        let caller = try call.caller()
        section = try caller.section(call.path.section())
        let keyspace = try caller.keyspaceForReading(call.path.keyspace())
        profile = try call.profile(in: keyspace, of: caller)
        readable = ReadableFields(
            caller.catalogue, through: keyspace.discriminator,
            ignoringPermissions: try call.ignoresKeyspacePermissions())
    }

    /// What the profile holds in the section.
    func fields(from store: any ProfileStore, _ call: Call) async throws -> [HeldField] {
        guard let data = try await store.data(of: profile, in: [section.number]) else {
            throw try await store.absence(of: profile, call)
        }
        return data.sections.first { $0.section == section.number }?.fields ?? []
    }
}
