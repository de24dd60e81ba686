import HTTPTypes

extension Endpoint {
    static let attributes: [Endpoint] = [
        listAttributes, createAttribute, getAttribute, changeAttribute, removeAttribute, addAttributeVersion,
        publishAttributeVersion, deprecateAttributeVersion, discardAttributeVersion,
    ]

    private static let path = "/audience/sections/{section}/attributes"

    public static let listAttributes = Endpoint(
        EndpointSpec(
            "listAttributes", .get, path, .token, .attributes, "List a section's attributes",
            "The default ones first, then in the order of their creation. An attribute that has only drafts is left out.",
            parameters: [.includeFieldPermissions], answers: [.ok(Bodies.Attributes.self), .unchanged]))

    public static let createAttribute = Endpoint(
        EndpointSpec(
            "createAttribute", .post, path, .admin, .attributes, "Create an attribute with its first version",
            "Every keyspace may read and write it, unless the permissions say otherwise.",
            parameters: [.preferValidateOnlyToChange],
            body: .json(Bodies.AttributeRequest.self, "The attribute to make."),
            answers: [.created(Bodies.FullAttribute.self), .checked(Bodies.FullAttribute.self)]))

    public static let getAttribute = Endpoint(
        EndpointSpec(
            "getAttribute", .get, path + "/{attribute}", .token, .attributes, "One attribute; drafts too for admins",
            "All of an attribute: its versions, its permissions, and the keyspaces whose keys it has as its value.",
            answers: [.ok(Bodies.FullAttribute.self), .unchanged]))

    public static let changeAttribute = Endpoint(
        EndpointSpec(
            "changeAttribute", .patch, path + "/{attribute}", .admin, .attributes,
            "Change an attribute; another type makes a new version",
            "What is left out stays as it is. Permissions are replaced as a whole.",
            parameters: [.preferValidateOnlyToChange],
            body: .json(Bodies.AttributeChange.self, "What to change."), answers: [.ok(Bodies.FullAttribute.self)]))

    public static let removeAttribute = Endpoint(
        EndpointSpec(
            "removeAttribute", .delete, path + "/{attribute}", .admin, .attributes,
            "Hide an attribute and refuse new values",
            "Its discriminator and the ids of its versions are never used again. A default attribute cannot be removed.",
            parameters: [.preferValidateOnlyToChange], answers: [.done]))

    public static let addAttributeVersion = Endpoint(
        EndpointSpec(
            "addAttributeVersion", .post, path + "/{attribute}/versions", .admin, .attributes,
            "Add a version of an attribute, or a draft of one",
            "A version takes over at once, and may have another type. A draft waits to be published.",
            parameters: [.preferValidateOnlyToChange],
            body: .json(Bodies.AttributeVersionRequest.self, "The version to add."),
            answers: [.created(Bodies.FullAttribute.self), .checked(Bodies.FullAttribute.self)]))

    public static let publishAttributeVersion = Endpoint(
        EndpointSpec(
            "publishAttributeVersion", .post, path + "/{attribute}/versions/{version}/publish", .admin, .attributes,
            "Publish a draft of an attribute, or a deprecated version again",
            "It becomes the current version. A deprecated one is published again only with `If-Match`.",
            parameters: [.preferValidateOnlyToChange], answers: [.ok(Bodies.FullAttribute.self)]))

    public static let deprecateAttributeVersion = Endpoint(
        EndpointSpec(
            "deprecateAttributeVersion", .post, path + "/{attribute}/versions/{version}/deprecate", .admin, .attributes,
            "Deprecate the current version of an attribute without a new one",
            "Values can still be set with it, by clients that know its id.",
            parameters: [.preferValidateOnlyToChange], answers: [.ok(Bodies.FullAttribute.self)]))

    public static let discardAttributeVersion = Endpoint(
        EndpointSpec(
            "discardAttributeVersion", .delete, path + "/{attribute}/versions/{version}", .admin, .attributes,
            "Discard a draft of an attribute", "Only a draft can be discarded. Its id is never used again.",
            parameters: [.preferValidateOnlyToChange], answers: [.done]))
}

// MARK: - Tags

extension Endpoint {
    static let tags: [Endpoint] = [listTags, createTag, getTag, changeTag, removeTag]

    private static let tagsPath = "/audience/sections/{section}/tags"

    public static let listTags = Endpoint(
        EndpointSpec(
            "listTags", .get, tagsPath, .token, .tags, "List a section's tags",
            "In the order of their creation; hidden ones too.", parameters: [.includeFieldPermissions],
            answers: [.ok(Bodies.Tags.self), .unchanged]))

    public static let createTag = Endpoint(
        EndpointSpec(
            "createTag", .post, tagsPath, .admin, .tags, "Create a tag",
            "Every keyspace may read and write it, unless the permissions say otherwise.",
            parameters: [.preferValidateOnlyToChange], body: .json(Bodies.TagRequest.self, "The tag to make."),
            answers: [.created(Bodies.FullTag.self), .checked(Bodies.FullTag.self)]))

    public static let getTag = Endpoint(
        EndpointSpec(
            "getTag", .get, tagsPath + "/{tag}", .token, .tags, "One tag",
            "All of a tag: its id, its permissions, and whether it is hidden.",
            answers: [.ok(Bodies.FullTag.self), .unchanged]))

    public static let changeTag = Endpoint(
        EndpointSpec(
            "changeTag", .patch, tagsPath + "/{tag}", .admin, .tags, "Change a tag, or hide it",
            "What is left out stays as it is. Permissions are replaced as a whole.",
            parameters: [.preferValidateOnlyToChange], body: .json(Bodies.TagChange.self, "What to change."),
            answers: [.ok(Bodies.FullTag.self)]))

    public static let removeTag = Endpoint(
        EndpointSpec(
            "removeTag", .delete, tagsPath + "/{tag}", .admin, .tags, "Hide a tag for good and refuse it",
            "Its discriminator and its id are never used again.", parameters: [.preferValidateOnlyToChange],
            answers: [.done]))
}
