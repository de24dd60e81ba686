import HTTPTypes
import Hummingbird
import OvationCore
import OvationWire

/// `GET /audience/sections/{section}/usage`: how many events are stored of each version, and when the last one came.
struct GetUsage: BodyEndpoint {
    let store: any ActivityStore

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.Usage> {
        let caller = try call.caller()
        let section = try caller.section(call.path.section())
        let usage = try await store.usage(account: caller.key.account)
        var body = Bodies.Usage()
        body.items = usage.compactMap { usage in
            guard let (type, version) = caller.catalogue.version(usage.version),
                type.section == section.discriminator,
                // Only admins see drafts and removed event types.
                caller.isAdmin || (version.state == .published && type.removedAt == nil)
            else { return nil }
            var item = Bodies.VersionUsage()
            item.versionID = String(usage.version)
            item.discriminator = type.discriminator.text
            item.eventCount = Int64(usage.events)
            item.lastSeenAt = usage.lastSeenAt
            return item
        }
        return BodyAnswer(body, headers: [.cacheControl: "no-store"])
    }
}
