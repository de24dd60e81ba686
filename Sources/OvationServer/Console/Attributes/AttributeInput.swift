import Crypto
import OvationConsole
import OvationCore
import OvationWire

/// The form of an attribute as it was posted, right or wrong.
struct AttributeInput: Sendable {
    var name = ""
    /// One of ``kinds``.
    var kind = "string"
    var summary = ""
    var read: Set<String> = []
    var write: Set<String> = []
    /// Of a new one: the random end of its discriminator.
    var suffix = ""
    /// Of an edit: what the form was made from.
    var seen = ""
    var action = ""

    /// An empty form: every keyspace may do everything.
    init(newIn catalogue: Catalogue) {
        var random = SystemRandomNumberGenerator()
        suffix = Discriminator<EventType>.suffix(using: &random)
        read = Set(catalogue.keyspaces.map(\.discriminator.text))
        write = read
    }

    init(_ attribute: Attribute, _ catalogue: Catalogue, seen: String) {
        name = attribute.name
        summary = attribute.summary
        let version = attribute.currentVersion ?? attribute.versions.last { $0.state != .discarded }
        kind = version?.content.label ?? kind
        let access = catalogue.access(attribute)
        read = Set(access.filter(\.read).map(\.discriminator))
        write = Set(access.filter(\.write).map(\.discriminator))
        self.seen = seen
    }

    init(_ form: Form) {
        name = form["name"]
        kind = form["kind"]
        summary = form["description"].split(separator: "\r\n", omittingEmptySubsequences: false)
            .joined(separator: "\n")
        read = Set(form.values("read"))
        write = Set(form.values("write"))
        suffix = form["suffix"]
        seen = form["seen"]
        action = form["action"]
    }

    /// What the form offers, with what it stands for.
    private static let kinds: [(word: String, hint: String, type: FieldType, renderHint: RenderHint?)] = [
        ("string", "a text", .string, nil), ("integer", "a whole number", .integer, nil),
        ("double", "a number with decimals", .double, nil), ("boolean", "true or false", .boolean, nil),
        ("date", "a text such as 1993-03-07", .string, .date),
        ("timestamp", "whole seconds since 1970", .integer, .timestamp),
        ("location", "a country, as two capital letters", .string, .location),
    ]

    var isDraft: Bool { action == "draft" }

    /// What the new attribute will be called for good; nil where the form is not one of ours.
    private var discriminator: Discriminator<Attribute>? {
        Discriminator<EventType>.isSuffix(suffix) ? .made(fromName: name, suffix: suffix) : nil
    }

    // MARK: As the API takes it

    /// - Throws: as the API does, for a type that there is not.
    private func content() throws(Problem) -> (type: FieldType, renderHint: RenderHint?) {
        guard let found = Self.kinds.first(where: { $0.word == kind }) else {
            throw ObjectReader.refused("/type", .invalidValue, "Choose one of the types.")
        }
        return (found.type, found.renderHint)
    }

    private func version(_ renderHint: RenderHint?) -> Bodies.AttributeVersionParts {
        var parts = Bodies.AttributeVersionParts()
        parts.renderHint = renderHint
        parts.draft = isDraft ? true : nil
        return parts
    }

    func request(_ catalogue: Catalogue) throws(Problem) -> Bodies.AttributeRequest {
        let (type, renderHint) = try content()
        var body = Bodies.AttributeRequest()
        (body.name, body.description, body.discriminator) = (name, summary, discriminator)
        (body.type, body.version) = (type, version(renderHint))
        body.keyspacePermissions = Bodies.OperationList(permissions(catalogue))
        return body
    }

    func change(_ catalogue: Catalogue) throws(Problem) -> Bodies.AttributeChange {
        let (type, renderHint) = try content()
        var body = Bodies.AttributeChange()
        (body.name, body.description) = (name, summary)
        (body.type, body.version) = (type, version(renderHint))
        body.keyspacePermissions = Bodies.OperationList(permissions(catalogue))
        return body
    }

    func permissions(_ catalogue: Catalogue) -> [String: Permission] {
        Dictionary(
            uniqueKeysWithValues: catalogue.keyspaces.map { keyspace in
                let text = keyspace.discriminator.text
                return (text, Permission(read: read.contains(text), write: write.contains(text)))
            })
    }

    /// What the API said, beside the control that it is about.
    func errors(_ problem: Problem) -> [FormError] {
        if problem.code == .invalidName, problem.errors.isEmpty {
            return [FormError(control: "name", message: problem.detail)]
        }
        guard !problem.errors.isEmpty else { return [FormError(message: problem.detail)] }
        return problem.errors.map { error in
            let control =
                switch error.pointer.split(separator: "/").first {
                case "name": "name"
                case "description": "description"
                case "type", "render_hint": "kind"
                case "keyspace_permissions": "keyspaces"
                default: ""
                }
            return FormError(control: control, message: error.detail)
        }
    }

    func page(
        in section: Section, _ catalogue: Catalogue, editing: Attribute? = nil, errors: [FormError] = [],
        conflict: EventTypeFormPage.Conflict? = nil, preview: EventTypePreview? = nil
    ) -> AttributeFormPage {
        AttributeFormPage(
            section: Named(section), editing: editing.map { .init(discriminator: $0.discriminator.text, seen: seen) },
            suffix: suffix, originalName: editing?.name ?? "", name: name, summary: summary,
            kinds: Self.kinds.map {
                Choice(value: $0.word, label: "\($0.word): \($0.hint)", selected: $0.word == kind)
            },
            keyspaces: catalogue.keyspaces.map { keyspace in
                let text = keyspace.discriminator.text
                return KeyspaceAccess(
                    name: keyspace.name, discriminator: text, read: read.contains(text), write: write.contains(text))
            }, errors: errors, conflict: conflict, preview: preview)
    }
}

extension Attribute {
    /// Changes with everything that a form shows of an attribute, and tells from which moment the form is.
    func seen(at sequence: Int64, _ catalogue: Catalogue) -> String {
        let body = Bodies.FullAttribute(self, keyspaces: catalogue.keyspaces, showsDrafts: true)
        return "\(sequence)-" + Hexadecimal.text(of: SHA256.hash(data: JSONWriter.write(body.json)).prefix(16))
    }
}
