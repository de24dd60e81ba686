import HTTPTypes
import OvationCore

extension Endpoint {
    static let profiles: [Endpoint] = [getProfile, findProfiles, getProfileByID, exportProfiles]

    public static let getProfile = Endpoint(
        EndpointSpec(
            "getProfile", .get, "/audience/keyspaces/{keyspace}/profiles/{key}", .token, .profiles,
            "A profile's keys, and how many events of each type it has",
            "Nothing is counted of sections that the API key may not see, or of event types that may not be read through "
                + "the keyspace.",
            parameters: [.ignoreKeyspacePermissions], answers: [.ok(Bodies.ProfileWithCounts.self)], isPrivate: true))

    public static let findProfiles = Endpoint(
        EndpointSpec(
            "findProfiles", .get, "/audience/profiles", .admin, .profiles,
            "Find profiles by a key or by the value of a mapped attribute",
            "A mapped attribute has the keys of a keyspace as its values, such as the e-mail address. Keys and values are also "
                + "found by their beginning. Exact ones and values are found at once. Beginnings of keys are looked for without "
                + "an index, for two seconds at most.",
            parameters: [
                .query(
                    "key", "A profile key or the value of a mapped attribute, or the beginning of one.",
                    .string(min: 1, example: "steve@apsis.com"),
                    isRequired: true),
                .query(
                    "keyspace", "Only keys of this keyspace, and values of the attribute that it is mapped to.",
                    .discriminator("com.apsis1.keyspaces.email")),
                .query("exact", "Only profiles that have exactly this key or value.", Parameter.flag),
                .limit(Limits.profileSearchMax, default: 20),
                .query(
                    "ignore_keyspace_permissions",
                    "Also values of attributes without read permission for the keyspace that they are mapped to.",
                    Parameter.flag),
            ], answers: [.ok(Bodies.ProfileMatches.self)], isPrivate: true))

    public static let getProfileByID = Endpoint(
        EndpointSpec(
            "getProfileByID", .get, "/audience/profiles/{profile_id}", .admin, .profiles, "A profile by its id",
            "The id does not show the key, so it is safe in a bookmark.", answers: [.ok(Bodies.Profile.self)],
            isPrivate: true))

    public static let exportProfiles = Endpoint(
        EndpointSpec(
            "exportProfiles", .get, "/audience/sections/{section}/profiles/export", .token, .profiles,
            "All profiles with what they hold in a section, as NDJSON, CSV or Parquet",
            "Each profile comes once; those that are merged during the export can come again, and the later line counts. A "
                + "profile has the keys that the API key may read, and what may be read through one of their keyspaces. An "
                + "export that breaks off is cut off. It goes on behind a line with 'after'. An ExportedProfile says what a "
                + "line is.",
            parameters: [
                .query(
                    "format", "Parquet has the columns of CSV, each with the type of its values.",
                    .words("ndjson", "csv", "parquet").with(default: "ndjson")),
                .query(
                    "after", "Only what comes behind the line with this cursor.", Bodies.ExportedProfile.cursorSchema),
                .query("set_at", "In NDJSON: also when each value and tag was set.", Parameter.flag),
                .query(
                    "bom", "In CSV: begin with a byte order mark, by which some spreadsheets know UTF-8.",
                    Parameter.flag),
                .query(
                    "formulas",
                    "In CSV: 'guard' writes an apostrophe before a text that a spreadsheet would calculate.",
                    .words("guard", "keep").with(default: "guard")),
                .query(
                    "summary", "A last line of JSON says how many profiles there were and how many were left out.",
                    Parameter.flag),
                .query(
                    "ignore_keyspace_permissions", "Also what may not be read through a keyspace; for admin keys.",
                    Parameter.flag),
            ],
            answers: [
                .text(
                    "A line or a row for each profile.", "application/x-ndjson", "text/csv", ExportKind.parquetMediaType
                )
            ], isPrivate: true,
            besides: [Bodies.ExportedProfile.self]))
}
