import HTTPTypes
import Hummingbird
import OvationCore
import OvationWire

/// An endpoint that answers with a body. It hands the body over as a value: the pipeline writes it, and the console
/// reads it as it is.
protocol BodyEndpoint: EndpointHandler {
    associatedtype Output: Body

    func answer(to call: Call) async throws -> BodyAnswer<Output>
}

extension BodyEndpoint {
    func respond(to call: Call) async throws -> Response { try await answer(to: call).response }
}

/// An endpoint that reads a body. The console hands it over as a value.
protocol InputEndpoint: EndpointHandler {
    associatedtype Input: Body

    var limits: Limits { get }
}

extension InputEndpoint {
    func input(of call: Call) async throws -> Input { try await call.body(Input.self, within: limits) }

    /// nil where nothing was sent.
    func optionalInput(of call: Call) async throws -> Input? {
        try await call.optionalBody(Input.self, within: limits)
    }
}

/// A body before it is written, with the status and the headers that go with it.
struct BodyAnswer<Content: Body>: Sendable {
    /// nil where the client has it already (304), and where nothing was to be told (204).
    let body: Content?
    var status: HTTPResponse.Status
    var headers: HTTPFields

    init(_ body: Content, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]) {
        self.body = body
        self.status = status
        self.headers = headers
    }

    private init(_ status: HTTPResponse.Status, _ headers: HTTPFields) {
        body = nil
        self.status = status
        self.headers = headers
    }

    /// The client has it already.
    static func unchanged(_ headers: HTTPFields) -> BodyAnswer { BodyAnswer(.notModified, headers) }

    /// Without a body: there is nothing to tell, as of a check that found nothing wrong.
    static func empty(_ headers: HTTPFields) -> BodyAnswer { BodyAnswer(.noContent, headers) }

    var response: Response {
        guard let body else { return Response(status: status, headers: headers) }
        return .json(body.json, status: status, headers: headers)
    }
}
