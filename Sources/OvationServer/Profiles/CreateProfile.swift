import HTTPTypes
import OvationCore
import OvationWire

/// `POST /audience/keyspaces/{keyspace}/sections/{section}/profiles` with `{profile_key}`: makes a profile, and sets the
/// attribute of the section that has its key as a value.
struct CreateProfile: ProfileChangeEndpoint, InputEndpoint {
    typealias Input = Bodies.NewProfile

    let store: any Store
    let directory: Directory
    let limits: Limits

    var precondition: ProfileChange.Precondition { .isNew }
    var status: HTTPResponse.Status { .created }

    func asked(by call: Call) async throws -> Input { try await input(of: call) }

    func identifyingBytes(_ asked: Input) -> [UInt8] { JSONWriter.write(asked.json) }

    func profile(_ asked: Input, _ call: Call, at place: ChangePlace) throws(Problem) -> ProfileAddress {
        try ProfileAddress(asked.profileKey, in: place.keyspace, of: place.caller, at: "/profile_key")
    }

    func operations(
        _ asked: Input, of profile: ProfileAddress, at place: ChangePlace
    ) throws -> [ProfileChange.Operation] {
        place.update(place.target.edit(settingKey: profile.key).map { [$0] } ?? [])
    }
}
