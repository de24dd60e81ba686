import Crypto
import OvationConsole
import OvationCore
import OvationWire

/// The form of an event type as it was posted, right or wrong.
struct EventTypeInput: Sendable {
    var name = ""
    var category = ""
    var summary = ""
    /// As the API writes it; empty: for good.
    var retention = ""
    var fields: [EventTypeFormPage.FieldRow] = []
    var read: Set<String> = []
    var write: Set<String> = []
    /// Of a new one: the random end of its discriminator.
    var suffix = ""
    /// Of an edit: what the form was made from.
    var seen = ""
    var action = ""

    /// An empty form, with the keyspace of the article ticked.
    init(newIn catalogue: Catalogue) {
        var random = SystemRandomNumberGenerator()
        suffix = Discriminator<EventType>.suffix(using: &random)
        fields = [EventTypeFormPage.FieldRow()]
        let email = catalogue.keyspaces.first { $0.keyFormat == .email } ?? catalogue.keyspaces.first
        read = Set(email.map { [$0.discriminator.text] } ?? [])
        write = read
    }

    init(_ eventType: EventType, seen: String) {
        name = eventType.name
        category = eventType.category.rawValue
        summary = eventType.summary
        retention = eventType.retention?.text ?? ""
        let version = eventType.currentVersion ?? eventType.versions.last { $0.state != .discarded }
        fields = (version?.schema.fields ?? []).filter { $0 != BuiltIn.sourceField }
            .map { .init(name: $0.name, type: $0.type.rawValue, required: $0.required) }
        read = Set(eventType.permissions.filter(\.value.read).map(\.key.text))
        write = Set(eventType.permissions.filter(\.value.write).map(\.key.text))
        self.seen = seen
    }

    init(_ form: Form) {
        name = form["name"]
        category = form["category"]
        summary = form["description"].split(separator: "\r\n", omittingEmptySubsequences: false)
            .joined(separator: "\n")
        retention = form["retention"]
        let types = form.values("field_type")
        fields = form.values("field_name").enumerated().map { index, name in
            .init(
                name: name, type: index < types.count ? types[index] : "string",
                required: form.has("field_required_\(index)"))
        }
        read = Set(form.values("read"))
        write = Set(form.values("write"))
        suffix = form["suffix"]
        seen = form["seen"]
        action = form["action"]
    }

    /// Rows that were filled in, with their place in the form.
    private var filled: [(row: Int, field: EventTypeFormPage.FieldRow)] {
        fields.enumerated().filter { !$0.element.name.isEmpty }.map { ($0.offset, $0.element) }
    }

    /// For the buttons that work on the rows, where there is no script. nil: it was another button.
    func withRowsChanged() -> EventTypeInput? {
        var copy = self
        if action == "add-field" {
            copy.fields.append(.init())
            return copy
        }
        guard action.hasPrefix("remove-field:"), let row = Int(action.dropFirst("remove-field:".count)),
            fields.indices.contains(row)
        else { return nil }
        copy.fields.remove(at: row)
        return copy
    }

    // MARK: As the API takes it

    /// - Throws: as the API does, for what a body cannot say: a missing category, or an unknown type of a field.
    func request() throws(Problem) -> Bodies.EventTypeRequest {
        guard !category.isEmpty else {
            throw ObjectReader.refused("/category", .missingMember, "'category' is missing.")
        }
        var body = Bodies.EventTypeRequest()
        body.name = name
        body.category = try EventCategory(json: .string(category), at: "/category")
        body.description = summary
        body.discriminator = discriminator
        body.keyspacePermissions = Bodies.PermissionList(permissions)
        body.retention = try Bodies.GivenRetention(json: .string(retention), at: "/retention")
        body.version = try version()
        return body
    }

    func change() throws(Problem) -> Bodies.EventTypeChange {
        var body = Bodies.EventTypeChange()
        body.name = name
        body.description = summary
        body.keyspacePermissions = Bodies.PermissionList(permissions)
        body.retention = try Bodies.GivenRetention(json: .string(retention), at: "/retention")
        body.version = try version()
        return body
    }

    var isDraft: Bool { action == "draft" }

    var permissions: [String: Permission] {
        Dictionary(
            uniqueKeysWithValues: read.union(write).map {
                ($0, Permission(read: read.contains($0), write: write.contains($0)))
            })
    }

    private func version() throws(Problem) -> Bodies.VersionParts {
        var version = Bodies.VersionParts()
        version.fields = Bodies.Fields(
            try filled.map { _, field throws(Problem) in
                let pointer = "/fields/\(JSONPointer.escaped(field.name))/type"
                return Field(
                    name: field.name, type: try FieldType(json: .string(field.type), at: pointer),
                    required: field.required)
            })
        version.draft = isDraft ? true : nil
        return version
    }

    /// What the new event type will be called for good; nil while name or category are missing.
    var discriminator: Discriminator<EventType>? {
        guard let category = EventCategory(rawValue: category), Discriminator<EventType>.isSuffix(suffix) else {
            return nil
        }
        return .made(fromName: name, category: category, suffix: suffix)
    }

    /// What the API said, beside the control that it is about.
    func errors(_ problem: Problem) -> [FormError] {
        if problem.code == .invalidName, problem.errors.isEmpty {
            return [FormError(control: "name", message: problem.detail)]
        }
        guard !problem.errors.isEmpty else { return [FormError(message: problem.detail)] }
        return problem.errors.map { error in
            let parts = error.pointer.split(separator: "/")
            let control: String
            switch parts.first {
            case "name", "category", "description", "retention": control = String(parts[0])
            case "keyspace_permissions": control = "keyspaces"
            case "fields" where parts.count > 1:
                let name = JSONPointer.unescaped(parts[1])
                control = filled.last { $0.field.name == name }.map { "field_name_\($0.row)" } ?? ""
            default: control = ""
            }
            return FormError(control: control, message: error.detail)
        }
    }

    func page(
        in section: Section, _ catalogue: Catalogue, editing: EventType? = nil, errors: [FormError] = [],
        conflict: EventTypeFormPage.Conflict? = nil, preview: EventTypePreview? = nil
    ) -> EventTypeFormPage {
        EventTypeFormPage(
            section: Named(section), editing: editing.map { .init(discriminator: $0.discriminator.text, seen: seen) },
            suffix: suffix, originalName: editing?.name ?? "", name: name, category: category, summary: summary,
            retention: retention, retentionWords: Retention(retention)?.words ?? retention, fields: fields,
            keyspaces: catalogue.keyspaces.map { keyspace in
                KeyspaceAccess(
                    name: keyspace.name, discriminator: keyspace.discriminator.text,
                    read: read.contains(keyspace.discriminator.text), write: write.contains(keyspace.discriminator.text)
                )
            }, errors: errors, conflict: conflict, preview: preview)
    }
}

extension Named {
    init(_ section: Section) { self.init(name: section.name, discriminator: section.discriminator.text) }
    init(_ keyspace: Keyspace) { self.init(name: keyspace.name, discriminator: keyspace.discriminator.text) }
}

extension EventType {
    /// Changes with everything that a form shows of an event type, and tells from which moment the form is.
    func seen(at sequence: Int64) -> String {
        let body = Bodies.FullEventType(self, showsDrafts: true)
        return "\(sequence)-" + Hexadecimal.text(of: SHA256.hash(data: JSONWriter.write(body.json)).prefix(16))
    }
}
