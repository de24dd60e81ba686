import OvationCore
import OvationWire

/// `DELETE /audience/keyspaces/{keyspace}/profiles/{key}/sections/{section}/attributes/{version}`
struct RemoveAttributeValue: ProfileChangeEndpoint {
    let store: any Store
    let directory: Directory

    var precondition: ProfileChange.Precondition { .exists }

    func asked(by call: Call) async throws -> EventVersion.ID {
        try await call.refuseFilters()
        return try call.path.version()
    }

    func identifyingBytes(_ asked: EventVersion.ID) -> [UInt8] { Array(String(asked).utf8) }

    func operations(
        _ asked: EventVersion.ID, of profile: ProfileAddress, at place: ChangePlace
    ) throws -> [ProfileChange.Operation] {
        place.update([ProfileEdit(.attribute(try place.target.attributeToClear(version: asked).number), nil)])
    }
}
