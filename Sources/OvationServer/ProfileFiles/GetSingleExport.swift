import Hummingbird
import OvationCore
import OvationWire

/// `GET /audience/profiles/export-single/accounts/{account}/definitions/{job}`: the file of one profile, where the vendor has it.
struct GetSingleExport: EndpointHandler {
    let handout: FileHandout

    func respond(to call: Call) async throws -> Response {
        // The URL has it as the vendor's does. The file was made with definitions, or without.
        _ = try call.flag("metadata")
        guard try call.path.text("account") == String(call.caller().key.account) else { throw Problem.noJob }
        return try await handout.respond(to: call)
    }
}
