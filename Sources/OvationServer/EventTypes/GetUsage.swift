import HTTPTypes
import Hummingbird
import OvationCore
import OvationWire

/// `GET /audience/sections/{section}/usage`: how many events are stored of each version, and when the last one came.
struct GetUsage: BodyEndpoint {
    let store: any ActivityStore
    let directory: Directory
    let signer: TokenSigner

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.Usage> {
        let asking = try call.caller()
        _ = try asking.section(call.path.section())
        let usage = try await store.usage(account: asking.key.account)
        // Definitions come after the counts, so that a version that another server has just made is among them.
        await directory.catchUp(signer)
        let caller = try directory.current(asking)
        let section = try caller.section(call.path.section())
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
