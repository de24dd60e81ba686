import OvationCore
public import OvationWire
import Yams

/// YAML as people write it, to and from JSON, members in their order. Plain words are what JSON makes of them and no
/// more: `no` and `on` stay text, and so do dates.
public enum YAML {
    /// - Throws: what the YAML library says of a text that is none, or a ``Problem`` for what JSON has not.
    public static func parse(_ text: String) throws -> JSONValue {
        guard let node = try Yams.compose(yaml: text) else { return .object([]) }
        return try json(node)
    }

    private static func json(_ node: Node) throws -> JSONValue {
        switch node {
        case .mapping(let mapping):
            var members: [JSONValue.Member] = []
            for (key, value) in mapping {
                guard let name = key.string else { throw Problem(.invalidRequest, "A key in the YAML is not a word.") }
                members.append(.init(name, try json(value)))
            }
            return .object(members)
        case .sequence(let sequence): return .array(try sequence.map(json))
        case .scalar(let scalar):
            guard scalar.style == .plain || scalar.style == .any else { return .string(scalar.string) }
            switch scalar.string {
            case "", "~", "null": return .null
            case "true": return .bool(true)
            case "false": return .bool(false)
            default:
                if case .number(let text)? = try? JSONValue(parsing: scalar.string) { return .number(text) }
                return .string(scalar.string)
            }
        case .alias: throw Problem(.invalidRequest, "Aliases in YAML are not understood here.")
        }
    }

    public static func write(_ json: JSONValue) throws -> String {
        try Yams.serialize(node: node(json), width: -1, allowUnicode: true, sortKeys: false)
    }

    private static func node(_ json: JSONValue) -> Node {
        switch json {
        case .null: Node("null")
        case .bool(let value): Node(value ? "true" : "false")
        case .number(let text): Node(text)
        case .string(let text):
            .scalar(.init(text, .implicit, isPlain(text) ? .plain : .doubleQuoted))
        case .array(let values): .sequence(.init(values.map(node)))
        case .object(let members):
            .mapping(.init(members.map { (node(.string($0.name)), node($0.value)) }))
        }
    }

    /// Whether a text reads back as the same text without quotes, here and in YAML 1.1.
    private static func isPlain(_ text: String) -> Bool {
        let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
        guard let first = text.unicodeScalars.first, first.properties.isAlphabetic,
            !words.contains(text.lowercased()), text.last != " "
        else { return false }
        return text.unicodeScalars.allSatisfy {
            $0.properties.isAlphabetic || ("0"..."9").contains($0) || " ._-".unicodeScalars.contains($0)
        }
    }
}
