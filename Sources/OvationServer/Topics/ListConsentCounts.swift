import HTTPTypes
import OvationCore
import OvationWire

/// `GET /v2/audience/sections/{section}/consent-counts`: how many profiles have said what about each topic, by each channel.
struct ListConsentCounts: BodyEndpoint {
    let store: any ProfileStore

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.ConsentCounts> {
        let caller = try call.caller()
        let section = try caller.section(call.path.section())
        func counts(_ section: Int64) async throws -> [ConsentCount] {
            try await store.consentCounts(account: caller.key.account, section: section)
        }
        let body = Bodies.ConsentCounts(
            topics: caller.catalogue.listedTopics(in: section.discriminator),
            channels: caller.catalogue.listedChannels, section: try await counts(section.number),
            account: try await counts(0), suppressions: try await counts(ConsentCount.suppressions))
        return BodyAnswer(body, headers: [.cacheControl: "no-store"])
    }
}
