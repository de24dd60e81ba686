import Hummingbird
import OvationCore
import OvationWire

/// `GET /audience/jobs/{job}/file`: the file that a job made.
struct GetJobFile: EndpointHandler {
    let handout: FileHandout

    func respond(to call: Call) async throws -> Response { try await handout.respond(to: call) }
}
