import HTTPTypes
import OvationCore
import OvationWire

/// `GET /audience/keyspaces/{keyspace}/profiles/{key}/sections/{section}/attributes`: values by version id
struct GetAttributeValues: BodyEndpoint {
    let store: any ProfileStore

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.AttributeValues> {
        let place = try ReadPlace(call)
        let fields = try await place.fields(from: store, call)
        return BodyAnswer(
            Bodies.AttributeValues(fields, place.readable), headers: [.cacheControl: "no-store"])
    }
}
