import OvationCore
import OvationWire

/// `PATCH /audience/keyspaces/{keyspace}/profiles/{key}/sections/{section}/attributes`: values by version id, all or
/// nothing. It makes the profile, and leaves its key alone.
struct ChangeAttributeValues: PlainChangeEndpoint {
    typealias Input = Bodies.AttributeValues

    let store: any Store
    let directory: Directory
    let limits: Limits

    var precondition: ProfileChange.Precondition { .none }

    func operations(
        _ asked: Input, of profile: ProfileAddress, at place: ChangePlace
    ) throws -> [ProfileChange.Operation] {
        let target = place.target
        var check = try MembersCheck(asked.values)
        check.checkAttributes(in: target) { name in
            guard let id = VersionID.parse(name) else {
                return .refused(
                    .unknownAttribute,
                    "The section has no attribute with the version \(name.quoted). Members are ids of versions here; "
                        + "under /v2 they are discriminators.")
            }
            return target.attribute(version: id)
        }
        return place.update(try check.result(MembersCheck.attributes, forbidden: .attributeForbidden))
    }
}
