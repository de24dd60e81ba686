public import HTTPTypes

/// Finds which of many templates, such as `/audience/sections/{section}`, a path fits, in one walk over its segments.
public struct PathTable: Sendable {
    private struct Node: Sendable {
        /// Segments that stand in a template as they are, and where they lead.
        var literals: [(bytes: [UInt8], node: Int)] = []
        /// Where a segment leads that is none of them.
        var parameter: Int?
        var entries: [(method: HTTPRequest.Method, index: Int, names: [String])] = []
    }

    private var nodes = [Node()]
    private var count = 0

    public init() {}

    /// Adds a template under the next index: 0, 1, 2, …
    public mutating func add(_ method: HTTPRequest.Method, _ template: String) {
        var node = 0
        var names: [String] = []
        for segment in template.split(separator: "/") {
            if segment.first == "{" {
                names.append(String(segment.dropFirst().dropLast()))
                let next = nodes[node].parameter ?? addNode()
                nodes[node].parameter = next
                node = next
            } else {
                let bytes = Array(segment.utf8)
                let known = nodes[node].literals.first { $0.bytes == bytes }?.node
                let next = known ?? addNode()
                if known == nil { nodes[node].literals.append((bytes, next)) }
                node = next
            }
        }
        nodes[node].entries.append((method, count, names))
        count += 1
    }

    /// - Parameter path: as it came, percent-encoded.
    /// - Returns: the index of the template, and what stands in its braces; nil where no template has this path and method.
    public func find(_ method: HTTPRequest.Method, _ path: String) -> (index: Int, PathParameters)? {
        var path = path
        var node = 0
        // Of the segments that are parameters, where they begin and end.
        var values: [Range<Int>] = []
        let found: Bool = path.withUTF8 { bytes in
            guard bytes.first == PathTable.slash else { return false }
            var start = 1
            while start < bytes.count {
                let end = bytes[start...].firstIndex(of: PathTable.slash) ?? bytes.count
                let segment = UnsafeBufferPointer(rebasing: bytes[start..<end])
                if let literal = nodes[node].literals.first(where: { $0.bytes.elementsEqual(segment) }) {
                    node = literal.node
                } else if let parameter = nodes[node].parameter, !segment.isEmpty {
                    node = parameter
                    values.append(start..<end)
                } else {
                    return false
                }
                // A slash at the end is a segment that is empty.
                guard end < bytes.count - 1 || end == bytes.count else { return false }
                start = end + 1
            }
            return true
        }
        guard found, let match = nodes[node].entries.first(where: { $0.method == method }) else { return nil }
        return (match.index, PathParameters(path, match.names, values))
    }

    private mutating func addNode() -> Int {
        nodes.append(Node())
        return nodes.count - 1
    }

    private static let slash = UInt8(ascii: "/")
}
