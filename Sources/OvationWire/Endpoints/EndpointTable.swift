public import HTTPTypes

/// Endpoints by the segments of their paths.
public struct EndpointTable: Sendable {
    private let endpoints: [Endpoint]
    private var paths = PathTable()

    public init(_ endpoints: [Endpoint]) {
        self.endpoints = endpoints
        for endpoint in endpoints { paths.add(endpoint.method, endpoint.path) }
    }

    /// - Parameter path: as it came, percent-encoded.
    /// - Returns: nil where no endpoint has this path and method.
    public func find(_ method: HTTPRequest.Method, _ path: String) -> (Endpoint, PathParameters)? {
        guard let (index, parameters) = paths.find(method, path) else { return nil }
        return (endpoints[index], parameters)
    }
}
