import HTTPTypes
import Hummingbird
import OvationCore
import OvationModelFile
import OvationWire

/// `GET /audience/model`: everything that is defined, in the form that `PUT /audience/model` takes; as YAML, which the
/// command line applies, where the caller accepts that.
struct ExportModel: BodyEndpoint {
    func answer(to call: Call) throws -> BodyAnswer<Bodies.Model> {
        let caller = try call.caller()
        return call.definitions(caller, Bodies.Model(caller.catalogue.model))
    }

    func respond(to call: Call) async throws -> Response {
        guard call.request.headers[.accept]?.contains("yaml") == true else { return try answer(to: call).response }
        let model = Bodies.Model(try call.caller().catalogue.model)
        return .bytes(
            Array(try YAML.write(model.json).utf8), type: "application/yaml",
            headers: [.cacheControl: "no-store", .vary: "Accept"])
    }
}
