import HTTPTypes
import OvationCore

// What a profile holds in a section: attributes, tags, and how they became what they are.
extension Endpoint {
    static let profileData: [Endpoint] = [
        createProfile, getAttributeValues, changeAttributeValues, removeAttributeValue, listAttributeValues,
        changeAttributeValuesByName, removeAttributeValueByName, getProfileTags, changeProfileTags, listProfileChanges,
    ]

    private static let profile = "/audience/keyspaces/{keyspace}/profiles/{key}/sections/{section}"
    private static let readable = "Only what may be read through the keyspace."

    public static let createProfile = Endpoint(
        EndpointSpec(
            "createProfile", .post, "/audience/keyspaces/{keyspace}/sections/{section}/profiles", .token, .profiles,
            "Make a profile",
            "Sets the section's attribute that is mapped to the keyspace to the key. 409 where the profile is there.",
            parameters: [.preferValidateOnly, .idempotencyKey], body: .json(Bodies.NewProfile.self, "Its key."),
            answers: [.createdEmpty, .checkedEmpty], isPrivate: true))

    // MARK: Attributes

    public static let getAttributeValues = Endpoint(
        EndpointSpec(
            "getAttributeValues", .get, profile + "/attributes", .token, .profiles,
            "A profile's attributes in a section, by version id", readable,
            parameters: [.ignorePermissionsOfFields], answers: [.ok(Bodies.AttributeValues.self)], isPrivate: true))

    public static let changeAttributeValues = Endpoint(
        EndpointSpec(
            "changeAttributeValues", .patch, profile + "/attributes", .token, .profiles,
            "Set attributes of a profile, by version id",
            "A JSON Merge Patch, all or nothing; null clears a value. It makes the profile where there is none.",
            parameters: [.preferValidateOnly, .idempotencyKey],
            body: .json(Bodies.AttributeValues.self, "The new values."), answers: [.done], isPrivate: true))

    public static let removeAttributeValue = Endpoint(
        EndpointSpec(
            "removeAttributeValue", .delete, profile + "/attributes/{version}", .token, .profiles,
            "Clear an attribute of a profile, by version id", "The value goes, whichever version it was set with.",
            parameters: [.preferValidateOnly], answers: [.done], isPrivate: true))

    public static let listAttributeValues = Endpoint(
        EndpointSpec(
            "listAttributeValues", .get, "/v2" + profile + "/attributes", .token, .profiles,
            "A profile's attributes in a section, with their names",
            "And when and by which API key each was set. Only what may be read through the keyspace.",
            parameters: [.ignorePermissionsOfFields], answers: [.ok(Bodies.HeldAttributes.self)], isPrivate: true))

    public static let changeAttributeValuesByName = Endpoint(
        EndpointSpec(
            "changeAttributeValuesByName", .patch, "/v2" + profile + "/attributes", .token, .profiles,
            "Set attributes of a profile, by discriminator",
            "A JSON Merge Patch, all or nothing; null clears a value. The profile has to be there.",
            parameters: [.preferValidateOnly, .idempotencyKey],
            body: .json(Bodies.NamedAttributeValues.self, "The new values."), answers: [.done], isPrivate: true))

    public static let removeAttributeValueByName = Endpoint(
        EndpointSpec(
            "removeAttributeValueByName", .delete, "/v2" + profile + "/attributes/{attribute}", .token, .profiles,
            "Clear an attribute of a profile, by discriminator",
            "An attribute that has the key of the path as its value stays: 400.", parameters: [.preferValidateOnly],
            answers: [.done], isPrivate: true))

    // MARK: Tags

    public static let getProfileTags = Endpoint(
        EndpointSpec(
            "getProfileTags", .get, profile + "/tags", .token, .profiles,
            "A profile's tags in a section, by version id", readable, parameters: [.ignorePermissionsOfFields],
            answers: [.ok(Bodies.TagMarks.self)], isPrivate: true))

    public static let changeProfileTags = Endpoint(
        EndpointSpec(
            "changeProfileTags", .patch, profile + "/tags", .token, .profiles, "Add and remove tags of a profile",
            "A JSON Merge Patch, all or nothing: true adds a tag, null or false removes it. It makes the profile where "
                + "there is none.", parameters: [.preferValidateOnly, .idempotencyKey],
            body: .json(Bodies.TagMarks.self, "The tags, by version id or discriminator."), answers: [.done],
            isPrivate: true))

    // MARK: History

    public static let listProfileChanges = Endpoint(
        EndpointSpec(
            "listProfileChanges", .get, profile + "/changes", .token, .profiles,
            "What was changed of a profile in a section, newest first",
            "Attributes and tags that may not be read through the keyspace are left out, so a page can have fewer "
                + "changes than asked for, and none.",
            parameters: [.limit(Limits.changesPageMax, default: 50), .changeCursor, .ignorePermissionsOfFields],
            answers: [.ok(Bodies.ProfileChanges.self)], isPrivate: true))
}

extension Parameter {
    static let changeCursor = query("cursor", "The next_cursor of the page before.", .string(example: "c7k2q"))
}
