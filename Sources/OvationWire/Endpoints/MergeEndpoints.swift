import HTTPTypes
import OvationCore

// Profiles that become one, and the keys that lead to a profile.
extension Endpoint {
    static let merges: [Endpoint] = [
        mergeProfiles, unmergeProfile, listProfileKeys, addProfileKey, removeProfileKey, switchIdentifier,
    ]

    public static let mergeProfiles = Endpoint(
        EndpointSpec(
            "mergeProfiles", .put, "/audience/profiles/merges", .token, .profiles, "Make one profile of two",
            "Both keys lead to it from then on, and all that was stored of both is its own. Where both have a value, that of "
                + "the canonical profile counts: the one with an e-mail address, a mobile number or a CRM id, or else the "
                + "older one. A profile that is not there is made. 409 where the two have different addresses, numbers or "
                + "CRM ids. It can be undone: DELETE with `Prefer: handling=restore`.",
            parameters: [.preferValidateOnlyToMerge, .idempotencyKey],
            body: .json(Bodies.ProfileMerge.self, "The two.", orForm: Bodies.ProfileMergeForm.self),
            answers: [
                .done, .json(200, "With `Prefer: validate-only`: what it would do.", Bodies.MergePreview.self),
            ], isPrivate: true))

    public static let unmergeProfile = Endpoint(
        EndpointSpec(
            "unmergeProfile", .delete, "/audience/profiles/merges/keyspaces/{keyspace}/profiles/{key}", .token,
            .profiles,
            "Take a key out of a merged profile",
            "The key leads to a new profile without data; what came by it stays where it is. With `Prefer: "
                + "handling=restore` the newest merge of the key is undone instead, and each profile has its data again. A "
                + "profile that was never merged stays as it is. 400 where the key is that of the canonical profile.",
            parameters: [.preferRestore], answers: [.done], isPrivate: true))

    // MARK: Keys

    private static let profile = "/audience/keyspaces/{keyspace}/profiles/{key}"

    public static let listProfileKeys = Endpoint(
        EndpointSpec(
            "listProfileKeys", .get, profile + "/keys", .token, .profiles, "The keys of a profile",
            "Those of keyspaces that the API key may read, and since when each leads to the profile.",
            answers: [.ok(Bodies.ProfileMembers.self)], isPrivate: true))

    public static let addProfileKey = Endpoint(
        EndpointSpec(
            "addProfileKey", .post, profile + "/keys", .admin, .profiles, "Give a profile another key",
            "204 where the key leads to it already, 409 where it leads to another profile.",
            parameters: [.preferValidateOnly], body: .json(Bodies.KeyReference.self, "The key."),
            answers: [.createdEmpty, .done], isPrivate: true))

    public static let removeProfileKey = Endpoint(
        EndpointSpec(
            "removeProfileKey", .delete, profile + "/keys/{other_keyspace}/{other_key}", .admin, .profiles,
            "Take a key from a profile",
            "What came by the key stays with the profile, and the key leads to nothing. The last key stays: 409.",
            parameters: [.preferValidateOnly], answers: [.done], isPrivate: true))

    public static let switchIdentifier = Endpoint(
        EndpointSpec(
            "switchIdentifier", .put, profile + "/sections/{section}", .token, .profiles,
            "Give a profile a key of another keyspace in place of one it has",
            "Sets the section's attribute that is mapped to the keyspace of `to`, and clears that of `from`. The old key "
                + "stays while another section has it as a value. 409 where another profile has the new key, or where the "
                + "section has another value for it.",
            parameters: [.preferValidateOnly, .idempotencyKey],
            body: .json(Bodies.IdentifierSwitch.self, "The two keys."), answers: [.done], isPrivate: true))
}

extension Parameter {
    static let preferValidateOnlyToMerge = header(
        "Prefer", "validate-only merges nothing, and answers with what a merge would do.", .words("validate-only"))
    static let preferRestore = header(
        "Prefer",
        "handling=restore undoes the newest merge of the key, with its data; validate-only checks and changes nothing.",
        .words("handling=restore", "validate-only"))
}
