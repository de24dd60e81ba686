import HTTPTypes
import OvationCore

extension Endpoint {
    static let models: [Endpoint] = [exportModel, planModel, applyModel, listLog]

    public static let exportModel = Endpoint(
        EndpointSpec(
            "exportModel", .get, "/audience/model", .admin, .model,
            "The whole data model; as YAML if Accept has 'yaml'",
            "All keyspaces, channels, and sections with all they define, in the form that can be applied to another account.",
            answers: [.json(200, "Done.", Bodies.Model.self, or: ["application/yaml"]), .unchanged]))

    public static let planModel = Endpoint(
        EndpointSpec(
            "planModel", .post, "/audience/model/plan", .admin, .model, "What applying a data model would change",
            "Nothing is changed. The plan also says what breaks for present clients.",
            body: .json(Bodies.Model.self, "The data model.", size: .model), answers: [.ok(Bodies.ModelPlan.self)]))

    public static let applyModel = Endpoint(
        EndpointSpec(
            "applyModel", .put, "/audience/model", .admin, .model, "Apply a data model, all or nothing",
            "What the model does not list stays as it is; nothing is ever removed.",
            parameters: [.preferValidateOnlyToChange],
            body: .json(Bodies.Model.self, "The data model.", size: .model), answers: [.ok(Bodies.ModelPlan.self)]))

    public static let listLog = Endpoint(
        EndpointSpec(
            "listLog", .get, "/audience/log", .admin, .model,
            "Who changed what; newest first with 'before' or for one definition",
            "Every change of a definition, and acts such as a new API key or the deletion of events.",
            parameters: [
                .query(
                    "after", "Entries after this sequence number.",
                    .integer(min: 0, max: sequenceMax, example: 0).with(default: 0)),
                .query(
                    "before", "Entries before this sequence number, newest first.",
                    .integer(min: 1, max: sequenceMax, example: 1000)),
                .oneEventDiscriminator, .oneAttributeDiscriminator, .oneTagDiscriminator, .inSection,
                .limit(Limits.logPageMax, default: 100),
            ], answers: [.ok(Bodies.Log.self)], isPrivate: true))

    /// As far as clients that calculate with 64 bits can go.
    private static let sequenceMax: Int64 = 9_000_000_000_000_000_000
}
