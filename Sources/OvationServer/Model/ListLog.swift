import Hummingbird
import OvationCore
import OvationWire

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// `GET /audience/log?after=&limit=`: who changed what, oldest first.
struct ListLog: EndpointHandler {
    let store: any Store

    func respond(to call: Call) async throws -> Response {
        let account = try call.caller().key.account
        let after = try call.int("after", in: 0...Int.max, default: 0)
        let limit = try call.int("limit", in: 1...Limits.logPageMax, default: 100)
        let entries = try await store.log(account: account, after: Int64(after), limit: limit)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let items = try entries.map { entry in
            LogBody.json(entry, change: try JSONValue(parsing: encoder.encode(entry.change)))
        }
        return .items(items)
    }
}
