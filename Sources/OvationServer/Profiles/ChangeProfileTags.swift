import OvationCore
import OvationWire

/// `PATCH /audience/keyspaces/{keyspace}/profiles/{key}/sections/{section}/tags`: adds and removes tags, all or nothing. It
/// makes the profile.
struct ChangeProfileTags: ProfileChangeEndpoint, InputEndpoint {
    typealias Input = Bodies.TagMarks

    let store: any Store
    let directory: Directory
    let limits: Limits

    var precondition: ProfileChange.Precondition { .none }

    func asked(by call: Call) async throws -> Input { try await input(of: call) }

    func identifyingBytes(_ asked: Input) -> [UInt8] { JSONWriter.write(asked.json) }

    func operations(
        _ asked: Input, of profile: ProfileAddress, at place: ChangePlace
    ) throws -> [ProfileChange.Operation] {
        var check = try MembersCheck(asked.values)
        check.checkTags(in: place.target)
        return place.update(try check.result(MembersCheck.tags, forbidden: .tagForbidden))
    }
}
