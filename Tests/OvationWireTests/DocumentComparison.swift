import OvationWire

/// What differs between two OpenAPI documents, and what of it breaks clients of the older one.
///
/// A request may only be taken more widely than before, and an answer may only say what it could say before, or more
/// members of an object. Schemas are compared by what they let through, and not by how they are written.
struct DocumentComparison {
    struct Change: Hashable, CustomStringConvertible {
        let place: String
        let what: String
        let isBreaking: Bool
        var description: String { "\(isBreaking ? "BREAKS " : "       ")\(place): \(what)" }
    }

    private enum Direction {
        case request, answer
    }

    private let old: JSONValue
    private let new: JSONValue

    init(from old: JSONValue, to new: JSONValue) {
        self.old = old
        self.new = new
    }

    var changes: [Change] {
        let before = operations(of: old)
        let after = operations(of: new)
        var changes: [Change] = []
        for (name, operation) in before.sorted(by: { $0.key < $1.key }) {
            if let other = after[name] {
                changes += compare(operation, other, name)
            } else {
                changes.append(Change(place: name, what: "the endpoint is gone", isBreaking: true))
            }
        }
        for name in after.keys.sorted() where before[name] == nil {
            changes.append(Change(place: name, what: "a new endpoint", isBreaking: false))
        }
        var seen: Set<Change> = []
        return changes.filter { seen.insert($0).inserted }
    }

    private func operations(of document: JSONValue) -> [String: JSONValue] {
        var found: [String: JSONValue] = [:]
        for path in document["paths"]?.members ?? [] {
            for operation in path.value.members ?? [] {
                found["\(operation.name.uppercased()) \(path.name)"] = operation.value
            }
        }
        return found
    }

    // MARK: Operations

    private func compare(_ before: JSONValue, _ after: JSONValue, _ place: String) -> [Change] {
        var changes: [Change] = []
        if before["operationId"] != after["operationId"] {
            changes.append(
                Change(
                    place: place,
                    what: "operationId \(text(before["operationId"])) is \(text(after["operationId"])) now",
                    isBreaking: false))
        }
        if before["security"]?.array?.isEmpty == true, after["security"]?.array?.isEmpty == false {
            changes.append(Change(place: place, what: "it asks for a token", isBreaking: true))
        }
        // Documents of the first releases name no scopes.
        let scopes = scopes(before)
        for scope in self.scopes(after).sorted() where !scopes.isEmpty && !scopes.contains(scope) {
            changes.append(Change(place: place, what: "it asks for the scope \(scope)", isBreaking: true))
        }
        changes += compareParameters(before, after, place)
        changes += compareBodies(before, after, place)
        let responses = members(before["responses"])
        let later = members(after["responses"])
        for (status, response) in responses.sorted(by: { $0.key < $1.key }) {
            guard let other = later[status] else {
                changes.append(Change(place: place, what: "the answer \(status) is gone", isBreaking: true))
                continue
            }
            changes += compareContents(
                resolved(response, in: old)["content"], resolved(other, in: new)["content"], .answer,
                "\(place) \(status)")
        }
        for status in later.keys.sorted() where responses[status] == nil {
            changes.append(Change(place: place, what: "a new answer, \(status)", isBreaking: false))
        }
        return changes
    }

    private func scopes(_ operation: JSONValue) -> Set<String> {
        let all = (operation["security"]?.array ?? []).flatMap { $0.members ?? [] }.flatMap { $0.value.array ?? [] }
        return Set(all.compactMap(\.string))
    }

    private func compareParameters(_ before: JSONValue, _ after: JSONValue, _ place: String) -> [Change] {
        func parameters(_ operation: JSONValue, _ document: JSONValue) -> [String: JSONValue] {
            let all = (operation["parameters"]?.array ?? []).map { resolved($0, in: document) }
            return Dictionary(
                all.map { ("\(text($0["in"])) parameter '\(text($0["name"]))'", $0) }, uniquingKeysWith: { $1 })
        }
        let earlier = parameters(before, old)
        let later = parameters(after, new)
        var changes: [Change] = []
        for (name, parameter) in earlier.sorted(by: { $0.key < $1.key }) {
            guard let other = later[name] else {
                changes.append(Change(place: place, what: "the \(name) is gone", isBreaking: true))
                continue
            }
            if other["required"]?.bool == true, parameter["required"]?.bool != true {
                changes.append(Change(place: place, what: "the \(name) is required", isBreaking: true))
            }
            changes += compare(parameter["schema"], other["schema"], .request, "\(place) \(name)")
        }
        for (name, parameter) in later.sorted(by: { $0.key < $1.key }) where earlier[name] == nil {
            let isRequired = parameter["required"]?.bool == true
            changes.append(
                Change(
                    place: place, what: "a new \(name)\(isRequired ? ", which is required" : "")",
                    isBreaking: isRequired))
        }
        return changes
    }

    private func compareBodies(_ before: JSONValue, _ after: JSONValue, _ place: String) -> [Change] {
        let (before, after) = (before["requestBody"], after["requestBody"])
        var changes: [Change] = []
        if after?["required"]?.bool == true, before?["required"]?.bool != true {
            changes.append(Change(place: place, what: "a body is required", isBreaking: true))
        }
        if before != nil, after == nil {
            changes.append(Change(place: place, what: "no body is read any more", isBreaking: true))
        }
        return changes + compareContents(before?["content"], after?["content"], .request, place + " body")
    }

    private func compareContents(
        _ before: JSONValue?, _ after: JSONValue?, _ direction: Direction, _ place: String
    ) -> [Change] {
        let (earlier, later) = (members(before), members(after))
        var changes: [Change] = []
        for (type, media) in earlier.sorted(by: { $0.key < $1.key }) {
            guard let other = later[type] else {
                changes.append(Change(place: place, what: "the type \(type) is gone", isBreaking: true))
                continue
            }
            changes += compare(media["schema"], other["schema"], direction, place)
        }
        for type in later.keys.sorted() where earlier[type] == nil {
            changes.append(Change(place: place, what: "a new type, \(type)", isBreaking: false))
        }
        return changes
    }

    // MARK: Schemas

    private func compare(
        _ before: JSONValue?, _ after: JSONValue?, _ direction: Direction, _ place: String
    ) -> [Change] {
        // What stands in many places is told of once, by its name.
        let name = before?["$ref"]?.string?.split(separator: "/").last
        let place = name.map { "\($0) in \(direction == .request ? "requests" : "answers")" } ?? place
        let earlier = alternatives(before ?? .object([]), in: old)
        let later = alternatives(after ?? .object([]), in: new)
        // What could be sent still can, and what can be answered could be.
        let (all, choices) = direction == .request ? (earlier, later) : (later, earlier)
        return all.flatMap { one -> [Change] in
            let fitting = choices.filter { fits(one, $0) }
            guard !fitting.isEmpty else {
                let what =
                    direction == .request
                    ? "\(one.type ?? "anything") is not taken any more" : "\(one.type ?? "anything") can be answered"
                return [Change(place: place, what: what, isBreaking: true)]
            }
            let results = fitting.map { choice in
                direction == .request
                    ? compare(alternative: one, choice, direction, place)
                    : compare(alternative: choice, one, direction, place)
            }
            return results.min { one, other in
                (one.count(where: \.isBreaking), one.count) < (other.count(where: \.isBreaking), other.count)
            } ?? []
        }
    }

    /// A schema of one type, or of any.
    private struct Alternative {
        let type: String?
        let schema: JSONValue
    }

    private func fits(_ one: Alternative, _ other: Alternative) -> Bool {
        other.type == nil || one.type == other.type || one.type == "integer" && other.type == "number"
    }

    private func alternatives(_ schema: JSONValue, in document: JSONValue) -> [Alternative] {
        let schema = merged(resolved(schema, in: document), in: document)
        if let choices = schema["anyOf"]?.array { return choices.flatMap { alternatives($0, in: document) } }
        if let types = schema["type"]?.array {
            return types.map { Alternative(type: $0.string, schema: schema) }
        }
        let words = schema["enum"]?.array ?? schema["const"].map { [$0] }
        return [Alternative(type: schema["type"]?.string ?? words?.first.map { kind($0) }, schema: schema)]
    }

    /// As JSON Schema calls it.
    private func kind(_ value: JSONValue) -> String {
        guard case .number(let text) = value else { return value.typeName }
        return text.contains(".") ? "number" : "integer"
    }

    private func compare(
        alternative before: Alternative, _ after: Alternative, _ direction: Direction, _ place: String
    ) -> [Change] {
        let (old, new) = (before.schema, after.schema)
        var changes = compareWords(old, new, direction, place)
        if direction == .request { changes += compareBounds(old, new, place) }
        switch after.type ?? before.type {
        case "object": changes += compareMembers(old, new, direction, place)
        case "array": changes += compare(old["items"], new["items"], direction, place + "/*")
        default: break
        }
        return changes
    }

    private func compareWords(
        _ before: JSONValue, _ after: JSONValue, _ direction: Direction, _ place: String
    ) -> [Change] {
        let earlier = before["enum"]?.array ?? before["const"].map { [$0] }
        let later = after["enum"]?.array ?? after["const"].map { [$0] }
        let (all, allowed) = direction == .request ? (earlier, later) : (later, earlier)
        guard let allowed else { return [] }
        guard let all else {
            let what = direction == .request ? "only some words are taken" : "any text can be answered"
            return [Change(place: place, what: what, isBreaking: true)]
        }
        return all.filter { !allowed.contains($0) }.map { word in
            let what = direction == .request ? "is not taken any more" : "can be answered"
            return Change(place: place, what: "\(text(word)) \(what)", isBreaking: true)
        }
    }

    private func compareBounds(_ before: JSONValue, _ after: JSONValue, _ place: String) -> [Change] {
        var changes: [Change] = []
        func narrows(_ name: String, _ isNarrower: (Double, Double) -> Bool) {
            guard let bound = number(after[name]) else { return }
            guard let earlier = number(before[name]) else {
                changes.append(Change(place: place, what: "\(name) is \(text(after[name])) now", isBreaking: true))
                return
            }
            if isNarrower(bound, earlier) {
                changes.append(Change(place: place, what: "\(name) is \(text(after[name])) now", isBreaking: true))
            }
        }
        for name in ["minimum", "minLength", "minItems", "minProperties"] { narrows(name, >) }
        for name in ["maximum", "maxLength", "maxItems", "maxProperties"] { narrows(name, <) }
        for name in ["pattern", "format"] where after[name] != nil && after[name] != before[name] {
            changes.append(Change(place: place, what: "\(name) is \(text(after[name])) now", isBreaking: true))
        }
        return changes
    }

    private func compareMembers(
        _ before: JSONValue, _ after: JSONValue, _ direction: Direction, _ place: String
    ) -> [Change] {
        let (earlier, later) = (members(before["properties"]), members(after["properties"]))
        let required = Set((before["required"]?.array ?? []).compactMap(\.string))
        let nowRequired = Set((after["required"]?.array ?? []).compactMap(\.string))
        var changes: [Change] = []
        for (name, schema) in earlier.sorted(by: { $0.key < $1.key }) {
            guard let other = later[name] else {
                changes.append(Change(place: place, what: "the member '\(name)' is gone", isBreaking: true))
                continue
            }
            changes += compare(schema, other, direction, "\(place)/\(name)")
        }
        for name in later.keys.sorted() where earlier[name] == nil {
            changes.append(Change(place: place, what: "a new member '\(name)'", isBreaking: false))
        }
        if direction == .request {
            for name in nowRequired.subtracting(required).sorted() {
                changes.append(Change(place: place, what: "the member '\(name)' is required", isBreaking: true))
            }
        } else {
            for name in required.subtracting(nowRequired).sorted() where later[name] != nil {
                changes.append(Change(place: place, what: "the member '\(name)' can be missing", isBreaking: true))
            }
        }
        if let rest = before["additionalProperties"], rest.members != nil, after["additionalProperties"] != nil {
            changes += compare(rest, after["additionalProperties"], direction, place + "/*")
        }
        return changes
    }

    // MARK: References

    private func resolved(_ value: JSONValue, in document: JSONValue) -> JSONValue {
        guard let reference = value["$ref"]?.string else { return value }
        let found = reference.split(separator: "/").dropFirst().reduce(document as JSONValue?) { $0?[String($1)] }
        return found.map { resolved($0, in: document) } ?? .null
    }

    /// One schema in place of `allOf`.
    private func merged(_ schema: JSONValue, in document: JSONValue) -> JSONValue {
        guard let parts = schema["allOf"]?.array else { return schema }
        let all = parts.map { merged(resolved($0, in: document), in: document) }
        return .object([
            .init("type", .string("object")),
            .init("required", .array(all.flatMap { $0["required"]?.array ?? [] })),
            .init("properties", .object(all.flatMap { $0["properties"]?.members ?? [] })),
        ])
    }

    private func members(_ value: JSONValue?) -> [String: JSONValue] {
        Dictionary((value?.members ?? []).map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
    }

    private func number(_ value: JSONValue?) -> Double? {
        guard case .number(let text) = value else { return nil }
        return Double(text)
    }

    private func text(_ value: JSONValue?) -> String {
        guard let value else { return "nothing" }
        return value.string ?? String(decoding: JSONWriter.write(value), as: UTF8.self)
    }
}
