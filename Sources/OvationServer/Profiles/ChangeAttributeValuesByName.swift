import OvationCore
import OvationWire

/// `PATCH /v2/audience/keyspaces/{keyspace}/profiles/{key}/sections/{section}/attributes`: values by discriminator, all or
/// nothing, of a profile that is there.
struct ChangeAttributeValuesByName: ProfileChangeEndpoint, InputEndpoint {
    typealias Input = Bodies.NamedAttributeValues

    let store: any Store
    let directory: Directory
    let limits: Limits

    var precondition: ProfileChange.Precondition { .exists }

    func asked(by call: Call) async throws -> Input { try await input(of: call) }

    func identifyingBytes(_ asked: Input) -> [UInt8] { JSONWriter.write(asked.json) }

    func edits(_ asked: Input, of profile: ProfileAddress, at place: ChangePlace) async throws -> [ProfileEdit] {
        let target = place.target
        let keyAttribute = target.keyAttribute
        var check = try MembersCheck(asked.values)
        check.checkAttributes(in: target) {
            target.attribute(named: $0)
        } refuseClearing: { attribute in
            attribute.number == keyAttribute?.number ? ProfileTarget.keyCannotBeCleared(attribute) : nil
        }
        let edits = try check.result(MembersCheck.attributes, forbidden: .attributeForbidden)
        if let keyAttribute, let edit = edits.first(where: { $0.field == .attribute(keyAttribute.number) }),
            edit.value?.value.profileKey(format: place.keyspace.keyFormat) != profile.key
        {
            try await refuseMove(of: profile, keyAttribute)
        }
        return edits
    }

    /// The value would become the key. That a profile is not there, or closed, is said first.
    private func refuseMove(of profile: ProfileAddress, _ attribute: Attribute) async throws {
        guard let found = try await store.profile(.address(profile)) else {
            throw Problem(.profileNotFound, "There is no profile with this key in the keyspace.")
        }
        if let problem = found.state.problem { throw problem }
        let detail =
            "'\(attribute.discriminator)' is the key of the profile, and keys cannot be moved yet; nothing was changed. To "
            + "change the value and keep the key, send it by version id to the path without /v2."
        throw Problem(
            .conflict, detail,
            errors: [
                ItemError(
                    index: nil, pointer: "/" + JSONPointer.escaped(attribute.discriminator.text), code: .conflict,
                    detail: detail)
            ])
    }
}

extension ProfileTarget {
    static func keyCannotBeCleared(_ attribute: Attribute) -> String {
        "'\(attribute.discriminator)' is the key of the profile and cannot be cleared."
    }
}
