import OvationCore
import OvationWire

/// `PUT /audience/keyspaces/{keyspace}/profiles/{key}/sections/{section}` with `{from, to}`: a key of another keyspace in
/// place of one that the profile has.
struct SwitchIdentifier: ProfileChangeEndpoint, InputEndpoint {
    typealias Input = Bodies.IdentifierSwitch

    /// The profile is found by the key of the path, and its change is one of `from`.
    struct Asked {
        let pathKey: String
        let body: Input
    }

    let store: any Store
    let directory: Directory
    let limits: Limits

    var precondition: ProfileChange.Precondition { .exists }

    func asked(by call: Call) async throws -> Asked {
        Asked(pathKey: try call.path.text("key"), body: try await input(of: call))
    }

    func identifyingBytes(_ asked: Asked) -> [UInt8] { Array(asked.pathKey.utf8) + JSONWriter.write(asked.body.json) }

    func profile(_ asked: Asked, _ call: Call, at place: ChangePlace) throws(Problem) -> ProfileAddress {
        // What cannot be a key in the path is said first.
        _ = try call.profile(in: place.keyspace, of: place.caller)
        return try place.caller.keyForWriting(asked.body.from, at: "/from").address
    }

    func operations(
        _ asked: Asked, of from: ProfileAddress, at place: ChangePlace
    ) async throws -> [ProfileChange.Operation] {
        let address = try ProfileAddress(asked.pathKey, in: place.keyspace, account: from.account)
        let (keyspace, to) = try place.caller.keyForWriting(asked.body.to, at: "/to")
        guard let data = try await store.data(of: address, in: nil) else {
            throw Problem(.profileNotFound, "There is no profile with this key in the keyspace.")
        }
        if let problem = data.profile.state.problem { throw problem }
        guard data.profile.keys.contains(from.profileKey) else {
            throw Self.refused("/from", "'from' is no key of the profile.")
        }
        guard from.keyspace != to.keyspace else {
            throw Self.refused(
                "/to", "'from' and 'to' are keys of one keyspace. To change a key inside a keyspace, set its attribute."
            )
        }
        let edits = try self.edits(from: from, to: to, in: keyspace, data, place)
        let isNeeded = place.caller.account.catalogue.sections.contains { section in
            section.number != place.section.number
                && Self.value(of: from, data, place.target(through: from.keyspace, in: section)) == from.key
        }
        return [.addKey(to, place.caller.mergeRules)] + place.update(edits) + (isNeeded ? [] : [.removeKey])
    }

    /// The section has the new key as a value afterwards, and the old one not any more.
    private func edits(
        from: ProfileAddress, to: ProfileAddress, in keyspace: Keyspace, _ data: ProfileData, _ place: ChangePlace
    ) throws(Problem) -> [ProfileEdit] {
        let target = place.target(through: to.keyspace, in: place.section)
        if let value = Self.value(of: to, data, target), value != to.key {
            throw Problem(
                .profilesDiffer,
                "The section has another value of the attribute that is mapped to '\(keyspace.discriminator)'; nothing was "
                    + "changed. Correct it first.")
        }
        var edits = target?.edit(settingKey: to.key).map { [$0] } ?? []
        let old = place.target(through: from.keyspace, in: place.section)
        if let attribute = old?.keyAttribute, attribute.number != target?.keyAttribute?.number,
            Self.value(of: from, data, old) == from.key
        {
            edits.append(ProfileEdit(.attribute(attribute.number), nil))
        }
        return edits
    }

    /// What the section has for the keyspace of a key, as a key of it. nil: nothing, or no key of it.
    private static func value(of key: ProfileAddress, _ data: ProfileData, _ target: ProfileTarget?) -> ProfileKey? {
        guard let target, let attribute = target.keyAttribute else { return nil }
        let fields = data.sections.first { $0.section == target.section.number }?.fields ?? []
        return fields.first { $0.field == .attribute(attribute.number) }?.value.value
            .profileKey(format: target.keyspace.keyFormat)
    }

    private static func refused(_ pointer: String, _ detail: String) -> Problem {
        Problem(
            .validationFailed, "The request body does not fit: \(detail)",
            errors: [ItemError(index: nil, pointer: pointer, code: .invalidValue, detail: detail)])
    }
}

extension ChangePlace {
    /// nil: the account has no such keyspace.
    fileprivate func target(through keyspace: Int64, in section: Section) -> ProfileTarget? {
        let catalogue = caller.account.catalogue
        return catalogue.keyspace(number: keyspace).map {
            ProfileTarget(catalogue: catalogue, section: section, keyspace: $0, callerIsAdmin: caller.isAdmin)
        }
    }
}
