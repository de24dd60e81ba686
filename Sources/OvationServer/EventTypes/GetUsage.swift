import HTTPTypes
import Hummingbird
import OvationCore
import OvationWire

/// `GET /audience/sections/{section}/usage`: how many events are stored of each version, and when the last one came.
struct GetUsage: EndpointHandler {
    let store: any Store

    func respond(to call: Call) async throws -> Response {
        let caller = try call.caller()
        let section = try caller.section(call.path.section())
        let usage = try await store.usage(account: caller.key.account)
        let items = usage.compactMap { usage -> JSONValue? in
            guard let (type, version) = caller.catalogue.version(usage.version),
                type.section == section.discriminator,
                // Only admins see drafts and removed event types.
                caller.isAdmin || (version.state == .published && type.removedAt == nil)
            else { return nil }
            return .object([
                .init("version_id", .string(String(usage.version))),
                .init("discriminator", .string(type.discriminator.text)),
                .init("event_count", JSONValue(usage.events)),
                .init("last_seen_at", .string(usage.lastSeenAt.rfc3339)),
            ])
        }
        return .items(items, headers: [.cacheControl: "no-store"])
    }
}
