import HTTPTypes
import Hummingbird
import OvationCore
import OvationModelFile
import OvationWire

/// `GET /audience/model`: everything that is defined, in the form that `PUT /audience/model` takes; as YAML, which the
/// command line applies, where the caller accepts that.
struct ExportModel: EndpointHandler {
    func respond(to call: Call) async throws -> Response {
        let caller = try call.caller()
        let model = ModelBody.json(caller.catalogue.model)
        guard call.request.headers[.accept]?.contains("yaml") == true else { return call.definitions(caller, model) }
        return .bytes(
            Array(try YAML.write(model).utf8), type: "application/yaml",
            headers: [.cacheControl: "no-store", .vary: "Accept"])
    }
}
