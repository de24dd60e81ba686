import HTTPTypes
import Hummingbird
public import OvationCore
import OvationWire

/// The path under which others reach the server, where a proxy gives it a part of a host: `/ovation`.
///
/// A proxy can pass this prefix on or cut it off, so requests are taken with it and without it. What the server says of its own
/// addresses begins with it. Inside, no path has it: it comes off before anything looks at a request, and goes on when an answer
/// leaves.
public struct BasePath: Hashable, Sendable {
    /// Empty, or `/` and segments: `/ovation`, `/tools/ovation`.
    public let text: String

    public static let none = BasePath()

    private init() { text = "" }

    /// - Parameter text: with or without `/` at its end; `/` alone is none.
    public init(_ text: String) throws(Problem) {
        var text = text
        while text.hasSuffix("/") { text.removeLast() }
        let segments = text.split(separator: "/", omittingEmptySubsequences: false)
        let isPlain = segments.dropFirst().allSatisfy { segment in
            !segment.isEmpty && segment != "." && segment != ".." && segment.utf8.allSatisfy(BasePath.isPlain)
        }
        guard text.isEmpty || segments.count > 1 && segments[0].isEmpty && isPlain,
            text.utf8.count <= Limits.basePathBytesMax
        else {
            throw Problem(
                .invalidParameter,
                "A base path begins with '/' and has letters, digits, '-', '_', '.' and '~' between further '/', such as "
                    + "/ovation; it has \(Limits.basePathBytesMax) bytes at most.")
        }
        // With such a one, a path could be meant with the prefix or without it.
        if let first = segments.dropFirst().first, BasePath.ownSegments.contains(String(first)) {
            throw Problem(
                .invalidParameter, "Paths of the server itself begin with /\(first), so a base path cannot.")
        }
        self.text = text
    }

    private static let ownSegments = Set(
        (Endpoint.allCases.map(\.path) + ConsoleRoute.all.map(\.path)).compactMap {
            $0.split(separator: "/").first.map(String.init)
        })

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "-_.~".utf8.contains(byte)
        }
    }

    public var isEmpty: Bool { text.isEmpty }

    /// A path, perhaps with a query, without the prefix; unchanged where it does not begin with it.
    func cut(from path: String) -> String {
        guard !isEmpty, path.hasPrefix(text) else { return path }
        let rest = path.dropFirst(text.count)
        switch rest.first {
        case "/": return String(rest)
        case nil, "?": return "/" + rest
        default: return path
        }
    }

    /// A request as the server's own paths are.
    func entered(_ request: Request) -> Request {
        guard let path = request.head.path, path.hasPrefix(text) else { return request }
        var head = request.head
        head.path = cut(from: path)
        return Request(head: head, body: request.body)
    }

    /// An answer's headers as others have to read them.
    func leave(_ response: inout Response) {
        if let place = response.headers[.location], place.hasPrefix("/") { response.headers[.location] = text + place }
        let cookies = response.headers[values: .setCookie]
        if !cookies.isEmpty {
            response.headers[values: .setCookie] = cookies.map { $0.replacing("; Path=/", with: "; Path=\(text)/") }
        }
    }
}
