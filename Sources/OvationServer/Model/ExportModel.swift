import Hummingbird
import OvationCore
import OvationWire

/// `GET /audience/model`: everything that is defined, in the form that `PUT /audience/model` takes.
struct ExportModel: EndpointHandler {
    func respond(to call: Call) async throws -> Response {
        let caller = try call.caller()
        return call.definitions(caller, ModelBody.json(caller.catalogue.model))
    }
}
