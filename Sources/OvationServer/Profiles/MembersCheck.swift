import OvationCore
import OvationWire

/// Checks the members of a merge patch one by one, and collects everything that is wrong.
struct MembersCheck {
    private(set) var edits: [ProfileEdit] = []
    private(set) var errors: [ItemError] = []
    private let members: [(name: String, value: JSONValue)]
    private var names: Set<String> = []
    /// The member that named each field first.
    private var nameByField: [ProfileField: String] = [:]

    /// - Throws: when there are more members than one request may have.
    init(_ values: BodyMap<JSONValue>) throws(Problem) {
        members = values.entries
        guard members.count <= Limits.profileFieldsMax else {
            throw Problem(
                .tooManyItems,
                "The body has \(members.count) members; \(Limits.profileFieldsMax) are allowed. Send them in several "
                    + "requests.")
        }
    }

    private mutating func refuse(_ name: String, _ code: Problem.Code, _ detail: String) {
        errors.append(
            ItemError(index: nil, pointer: "/" + JSONPointer.escaped(name), code: code, detail: detail))
    }

    private mutating func add(_ edit: ProfileEdit, named name: String) {
        if let other = nameByField.updateValue(name, forKey: edit.field) {
            refuse(
                name, .duplicateMember,
                "\(other.quoted) and \(name.quoted) name the same \(edit.field.kind == .tag ? "tag" : "attribute"); send one."
            )
        } else {
            edits.append(edit)
        }
    }

    /// Members with the same name: which of them would count?
    private mutating func isRepeated(_ name: String) -> Bool {
        guard !names.insert(name).inserted else { return false }
        refuse(name, .duplicateMember, "\(name.quoted) is given more than once.")
        return true
    }

    /// - Parameters:
    ///   - find: the attribute that a member's name means.
    ///   - refuseClearing: why an attribute may not be cleared; nil: it may.
    mutating func checkAttributes(
        in target: ProfileTarget, _ find: (String) -> ProfileTarget.Acceptance<ProfileTarget.FoundAttribute>,
        refuseClearing: (Attribute) -> String? = { _ in nil }
    ) {
        for (name, json) in members where !isRepeated(name) {
            switch find(name) {
            case .refused(let code, let detail): refuse(name, code, detail)
            case .accepted(let found):
                let field = ProfileField.attribute(found.attribute.number)
                switch target.check(json.posted, for: found) {
                case .refused(let code, let detail): refuse(name, code, detail)
                case .cleared:
                    if let detail = refuseClearing(found.attribute) {
                        refuse(name, .invalidValue, detail)
                    } else {
                        add(ProfileEdit(field, nil), named: name)
                    }
                case .value(let value):
                    add(ProfileEdit(field, ProfileValue(version: found.version.id, value: value)), named: name)
                }
            }
        }
    }

    mutating func checkTags(in target: ProfileTarget) {
        for (name, json) in members where !isRepeated(name) {
            switch target.tag(named: name) {
            case .refused(let code, let detail): refuse(name, code, detail)
            case .accepted(let tag):
                switch json {
                case .bool(true):
                    let value = ProfileValue(version: tag.versionID, value: .boolean(true))
                    add(ProfileEdit(.tag(tag.number), value), named: name)
                case .bool(false), .null: add(ProfileEdit(.tag(tag.number), nil), named: name)
                default:
                    refuse(
                        name, .wrongType, "true adds the tag, null or false removes it; found \(json.typeName).")
                }
            }
        }
    }

    /// The edits, where all members are right.
    /// - Throws: otherwise every reason.
    /// - Parameter what: what the members are.
    func result(_ what: (one: String, many: String), forbidden: Problem.Code) throws(Problem) -> [ProfileEdit] {
        guard !errors.isEmpty else { return edits }
        let refused = Set(errors.map(\.pointer)).count
        let subject = members.count == 1 ? "The \(what.one) was" : "\(refused) of \(members.count) \(what.many) were"
        throw Problem(
            errors.allSatisfy { $0.code == forbidden } ? forbidden : .validationFailed,
            "\(subject) refused, and nothing was changed; 'errors' says why."
                + (errors.count == 1 ? " \(errors[0].pointer): \(errors[0].detail)" : ""),
            errors: errors)
    }

    static let attributes = (one: "attribute", many: "attributes")
    static let tags = (one: "tag", many: "tags")
}
