import OvationCore
import OvationWire

/// `PATCH /v2/audience/keyspaces/{keyspace}/profiles/{key}/sections/{section}/attributes`: values by discriminator, all or
/// nothing, of a profile that is there. The attribute that has its key as a value moves the key.
struct ChangeAttributeValuesByName: PlainChangeEndpoint {
    typealias Input = Bodies.NamedAttributeValues

    let store: any Store
    let directory: Directory
    let limits: Limits

    var precondition: ProfileChange.Precondition { .exists }

    func operations(
        _ asked: Input, of profile: ProfileAddress, at place: ChangePlace
    ) throws -> [ProfileChange.Operation] {
        let target = place.target
        let keyAttribute = target.keyAttribute
        var check = try MembersCheck(asked.values)
        check.checkAttributes(in: target) {
            target.attribute(named: $0)
        } refuseClearing: { attribute in
            attribute.number == keyAttribute?.number ? ProfileTarget.keyCannotBeCleared(attribute) : nil
        }
        let edits = try check.result(MembersCheck.attributes, forbidden: .attributeForbidden)
        guard let keyAttribute, let edit = edits.first(where: { $0.field == .attribute(keyAttribute.number) }),
            let key = edit.value?.value.profileKey(format: place.keyspace.keyFormat), key != profile.key
        else { return place.update(edits) }
        let address = ProfileAddress(key, in: place.keyspace, account: profile.account)
        return [.addKey(address, place.caller.mergeRules)] + place.update(edits) + [.removeKey]
    }
}

extension ProfileTarget {
    static func keyCannotBeCleared(_ attribute: Attribute) -> String {
        "'\(attribute.discriminator)' is the key of the profile and cannot be cleared."
    }
}
