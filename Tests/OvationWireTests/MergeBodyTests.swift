import OvationCore
import OvationWire
import Testing

@Suite("Two profiles to merge, as clients write them")
struct MergeBodyTests {
    private func read(_ text: String) throws -> [String] {
        try Bodies.ProfileMerge(parsing: Array(text.utf8)).profiles.map {
            "\($0.keyspaceDiscriminator) \($0.profileKey.text)"
        }
    }

    private static let both = ["com.apsis1.keyspaces.email a@b.se", "com.apsis1.keyspaces.web 12"]

    @Test(
        "JSON and forms say the same",
        arguments: [
            #"{"profiles":[{"keyspace_discriminator":"com.apsis1.keyspaces.email","profile_key":"a@b.se"},"#
                + #"{"keyspace_discriminator":"com.apsis1.keyspaces.web","profile_key":12,"more":1}],"time_zone":"UTC"}"#,
            "\u{FEFF} {\"profiles\":[{\"keyspace_discriminator\":\"com.apsis1.keyspaces.email\",\"profile_key\":\"a@b.se\"},"
                + "{\"keyspace_discriminator\":\"com.apsis1.keyspaces.web\",\"profile_key\":\"12\"}]}",
            "profiles[0][keyspace_discriminator]=com.apsis1.keyspaces.email&profiles[0][profile_key]=a@b.se"
                + "&profiles[1][keyspace_discriminator]=com.apsis1.keyspaces.web&profiles[1][profile_key]=12",
            // As http_build_query writes it.
            "profiles%5B0%5D%5Bkeyspace_discriminator%5D=com.apsis1.keyspaces.email"
                + "&profiles%5B0%5D%5Bprofile_key%5D=a%40b.se"
                + "&profiles%5B1%5D%5Bkeyspace_discriminator%5D=com.apsis1.keyspaces.web"
                + "&profiles%5B1%5D%5Bprofile_key%5D=12&time_zone=Europe%2FStockholm",
            // The number says which entry it is of, and not the place.
            "profiles[7][profile_key]=12&profiles[3][profile_key]=a%40b.se&profiles[3][x]=1"
                + "&profiles[7][keyspace_discriminator]=com.apsis1.keyspaces.web"
                + "&profiles[3][keyspace_discriminator]=com.apsis1.keyspaces.email",
        ])
    func shapes(body: String) throws { #expect(try read(body) == Self.both) }

    @Test(
        "what does not fit is named",
        arguments: [
            ("", "invalid_json"), ("profiles", "invalid_json"), ("profiles=%zz", "invalid_json"), ("[]", " wrong_type"),
            ("{}", "/profiles missing_member"), ("x=1", "/profiles missing_member"),
            ("profiles=1", "/profiles missing_member"), ("profiles[0]=1", "/profiles missing_member"),
            ("profiles[a][profile_key]=1", "/profiles missing_member"),
            ("profiles[-1][profile_key]=1", "/profiles missing_member"),
            (#"{"profiles":{}}"#, "/profiles wrong_type"), (#"{"profiles":[1]}"#, "/profiles/0 wrong_type"),
            ("profiles[0][profile_key]=1", "/profiles/0/keyspace_discriminator missing_member"),
            ("profiles[0][keyspace_discriminator]=a.b", "/profiles/0/profile_key missing_member"),
            (
                #"{"profiles":[{"keyspace_discriminator":"a.b","profile_key":1.5}]}"#,
                "/profiles/0/profile_key wrong_type"
            ),
            (
                "profiles[0][keyspace_discriminator]=a.b&profiles[0][profile_key]=1&profiles[0][profile_key]=2",
                "/profiles/0/profile_key duplicate_member"
            ),
        ])
    func refusals(body: String, found: String) throws {
        let problem = #expect(throws: Problem.self) { try read(body) }
        let error = problem?.errors.first.map { "\($0.pointer) \($0.code.rawValue)" }
        #expect(error ?? problem?.code.rawValue == found, "\(body)")
    }

    @Test("a form of very many profiles is cut short, and is too many all the same")
    func many() throws {
        let form = (0..<1000).map { "profiles[\($0)][keyspace_discriminator]=a.b&profiles[\($0)][profile_key]=k" }
        #expect(try read(form.joined(separator: "&")).count == 3)
    }
}
