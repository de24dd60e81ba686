import OvationCore
import OvationWire

/// `DELETE /v2/audience/keyspaces/{keyspace}/profiles/{key}/sections/{section}/attributes/{attribute}`
struct RemoveAttributeValueByName: ProfileChangeEndpoint {
    let store: any Store
    let directory: Directory

    var precondition: ProfileChange.Precondition { .exists }

    func asked(by call: Call) async throws -> String {
        try await call.refuseFilters()
        return try call.path.text("attribute")
    }

    func identifyingBytes(_ asked: String) -> [UInt8] { Array(asked.utf8) }

    func operations(
        _ asked: String, of profile: ProfileAddress, at place: ChangePlace
    ) throws -> [ProfileChange.Operation] {
        let target = place.target
        let attribute = try target.attributeToClear(named: asked)
        guard attribute.number != target.keyAttribute?.number else {
            throw Problem(.validationFailed, ProfileTarget.keyCannotBeCleared(attribute))
        }
        return place.update([ProfileEdit(.attribute(attribute.number), nil)])
    }
}
