public import OvationWire

/// An answer, read and as it came. Members of the body are read through it directly.
@dynamicMemberLookup
public struct Received<Content: Body>: Sendable {
    /// See `Body.init(received:)` for what stands where the server left a member out.
    public let content: Content
    /// With all members that the server sent, also those that this version does not know.
    public let json: JSONValue
    private let head: HTTPHead

    init(_ content: Content, _ json: JSONValue, head: HTTPHead = HTTPHead()) {
        self.content = content
        self.json = json
        self.head = head
    }

    /// nil: the answer has no such header.
    public func header(_ name: String) -> String? { head.first(name.lowercased()) }

    public subscript<Value>(dynamicMember path: KeyPath<Content, Value>) -> Value { content[keyPath: path] }
}

extension Received where Content: ListBody {
    /// The items of a list, each read and as it came.
    public var items: [Received<Content.Item>] {
        let given = (try? Bodies.UnreadItems(received: json))?.items ?? []
        return zip(content.items, given).map { Received<Content.Item>($0, $1) }
    }
}
