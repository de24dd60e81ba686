import HTTPTypes
import OvationCore
import OvationWire

/// `GET /v2/audience/keyspaces/{keyspace}/profiles/{key}/sections/{section}/attributes`: values with names, and when and by
/// which API key each was set
struct ListAttributeValues: BodyEndpoint {
    let store: any ProfileStore

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.HeldAttributes> {
        let place = try ReadPlace(call)
        let fields = try await place.fields(from: store, call)
        return BodyAnswer(
            Bodies.HeldAttributes(fields, place.readable), headers: [.cacheControl: "no-store"])
    }
}
