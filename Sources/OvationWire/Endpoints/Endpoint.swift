public import HTTPTypes
public import OvationCore

/// One endpoint: what the router finds, what metrics are labelled by, and what a client calls. All that is said of it
/// stands in its ``EndpointSpec``, in the file of its area in `Endpoints/`.
///
/// Each is made once, so two are the same where they are the same object, and a request that carries one carries a
/// reference and no text.
public final class Endpoint: Sendable {
    public let spec: EndpointSpec
    /// `GET /audience/sections`: the template, never the path of a request, which holds profile keys.
    public let label: String

    init(_ spec: EndpointSpec) {
        self.spec = spec
        label = "\(spec.method.rawValue) \(spec.path)"
    }

    /// Who may call an endpoint.
    public enum Scope: Sendable {
        /// Anybody, without a token.
        case open
        /// Any valid token.
        case token
        /// The token of an admin key.
        case admin
    }

    /// The name it has in metrics and in this code.
    public var name: String { spec.name }

    public var method: HTTPRequest.Method { spec.method }

    /// Path template; what stands in braces is one percent-encoded segment.
    public var path: String { spec.path }

    public var scope: Scope { spec.scope }

    /// Whether its answer goes on until the reader leaves.
    public var isEndless: Bool {
        spec.answers.contains { answer in answer.content.contains { $0.type == "text/event-stream" } }
    }

    /// How many bytes of a body it reads at most. One that describes none passes over what is sent all the same.
    public func bodyBytesMax(_ limits: Limits) -> Int {
        switch spec.body?.size {
        case nil, .body: limits.bodyBytesMax
        case .twoBodies: 2 * limits.bodyBytesMax
        case .model: limits.modelBytesMax
        case .any: .max
        }
    }
}

extension Endpoint: CaseIterable {
    /// All of them, area by area. What is not here does not exist: the server makes its routes from this list.
    public static let allCases: [Endpoint] =
        tokens + keyspaces + sections + eventTypes + attributes + tags + channels + folders + topics + models + events
        + profiles + profileData + merges + erasures + imports + profileFiles + consents + rejections + following
        + apiKeys + server
}

extension Endpoint: Hashable {
    public static func == (left: Endpoint, right: Endpoint) -> Bool { left === right }
    public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}

extension Endpoint: CustomStringConvertible {
    public var description: String { name }
}

extension Endpoint {
    /// The path with its parameters filled in, each percent-encoded.
    public func path(_ parameters: KeyValuePairs<String, String> = [:]) -> String {
        parameters.reduce(path) { path, parameter in
            let token = "{\(parameter.key)}"
            guard let range = path.firstRange(of: token) else { return path }
            return path.replacingCharacters(in: range, with: PercentEncoding.encode(segment: parameter.value))
        }
    }

    /// Whether a path, still percent-encoded, fits the template.
    public func matches(path: String) -> Bool {
        let template = self.path.split(separator: "/")
        let segments = path.split(separator: "/")
        return template.count == segments.count
            && zip(template, segments).allSatisfy { $0.first == "{" || $0 == $1 }
    }
}

extension String {
    fileprivate func replacingCharacters(in range: Range<String.Index>, with text: String) -> String {
        self[..<range.lowerBound] + text + self[range.upperBound...]
    }
}
