import OvationCore
import OvationWire

/// `PATCH /audience/keyspaces/{keyspace}/profiles/{key}/sections/{section}/tags`: adds and removes tags, all or nothing. It
/// makes the profile.
struct ChangeProfileTags: PlainChangeEndpoint {
    typealias Input = Bodies.TagMarks

    let store: any Store
    let directory: Directory
    let limits: Limits

    var precondition: ProfileChange.Precondition { .none }

    func operations(
        _ asked: Input, of profile: ProfileAddress, at place: ChangePlace
    ) throws -> [ProfileChange.Operation] {
        var check = try MembersCheck(asked.values)
        check.checkTags(in: place.target)
        return place.update(try check.result(MembersCheck.tags, forbidden: .tagForbidden))
    }
}
