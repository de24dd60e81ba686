import HTTPTypes
import OvationCore

extension Endpoint {
    static let profiles: [Endpoint] = [getProfile, findProfiles, getProfileByID]

    public static let getProfile = Endpoint(
        EndpointSpec(
            "getProfile", .get, "/audience/keyspaces/{keyspace}/profiles/{key}", .token, .profiles,
            "A profile's keys, and how many events of each type it has",
            "Nothing is counted of sections that the API key may not see, or of event types that may not be read through "
                + "the keyspace.",
            parameters: [.ignoreKeyspacePermissions], answers: [.ok(Bodies.ProfileWithCounts.self)], isPrivate: true))

    public static let findProfiles = Endpoint(
        EndpointSpec(
            "findProfiles", .get, "/audience/profiles", .admin, .profiles, "Find profiles by a key or its beginning",
            "Exact keys are found at once. Beginnings are looked for without an index, for two seconds at most.",
            parameters: [
                .query(
                    "key", "A profile key, or its beginning.", .string(min: 1, example: "steve@apsis.com"),
                    isRequired: true),
                .inKeyspace, .query("exact", "Only profiles that have exactly this key.", Parameter.flag),
                .limit(Limits.profileSearchMax, default: 20),
            ], answers: [.ok(Bodies.ProfileMatches.self)], isPrivate: true))

    public static let getProfileByID = Endpoint(
        EndpointSpec(
            "getProfileByID", .get, "/audience/profiles/{profile_id}", .admin, .profiles, "A profile by its id",
            "The id does not show the key, so it is safe in a bookmark.", answers: [.ok(Bodies.Profile.self)],
            isPrivate: true))
}
