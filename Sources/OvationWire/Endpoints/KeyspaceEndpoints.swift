import HTTPTypes

extension Endpoint {
    static let keyspaces: [Endpoint] = [listKeyspaces, createKeyspace, getKeyspace, changeKeyspace]

    public static let listKeyspaces = Endpoint(
        EndpointSpec(
            "listKeyspaces", .get, "/audience/keyspaces", .token, .keyspaces, "List keyspaces",
            "The keyspaces that the API key may use, the built-in ones first.",
            answers: [.ok(Bodies.Keyspaces.self), .unchanged]))

    public static let createKeyspace = Endpoint(
        EndpointSpec(
            "createKeyspace", .post, "/audience/keyspaces", .admin, .keyspaces, "Create a keyspace",
            "Its discriminator and the format of its keys are fixed for good.",
            parameters: [.preferValidateOnlyToChange],
            body: .json(Bodies.KeyspaceRequest.self, "The keyspace to make."),
            answers: [.created(Bodies.Keyspace.self), .checked(Bodies.Keyspace.self)]))

    public static let getKeyspace = Endpoint(
        EndpointSpec(
            "getKeyspace", .get, "/audience/keyspaces/{keyspace}", .token, .keyspaces, "One keyspace",
            "A keyspace, by its discriminator.", answers: [.ok(Bodies.Keyspace.self), .unchanged]))

    public static let changeKeyspace = Endpoint(
        EndpointSpec(
            "changeKeyspace", .patch, "/audience/keyspaces/{keyspace}", .admin, .keyspaces,
            "Change a keyspace's name or rights", "What is left out stays as it is.",
            parameters: [.preferValidateOnlyToChange],
            body: .json(Bodies.KeyspaceChange.self, "What to change."), answers: [.ok(Bodies.Keyspace.self)]))
}
