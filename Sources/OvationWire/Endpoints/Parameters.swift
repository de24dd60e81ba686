import OvationCore

extension Parameter {
    private static func path(_ name: String, _ description: String, _ schema: Schema) -> Parameter {
        Parameter(name: name, location: .path, isRequired: true, description: description, schema: schema)
    }

    static func query(
        _ name: String, _ description: String, _ schema: Schema, isRequired: Bool = false
    ) -> Parameter {
        Parameter(name: name, location: .query, isRequired: isRequired, description: description, schema: schema)
    }

    static func header(_ name: String, _ description: String, _ schema: Schema) -> Parameter {
        Parameter(name: name, location: .header, isRequired: false, description: description, schema: schema)
    }

    // MARK: In paths

    /// What stands in braces, by its name.
    static let inPaths: [String: Parameter] = Dictionary(
        uniqueKeysWithValues: [
            path("section", "Discriminator of a section.", .string(min: 1, example: "com.apsis1.sections.default")),
            path("keyspace", "Discriminator of a keyspace.", .string(min: 1, example: "com.apsis1.keyspaces.email")),
            path("key", "Profile key, percent-encoded.", .string(min: 1, example: "steve@apsis.com")),
            path(
                "other_keyspace", "Discriminator of the keyspace of the key to remove.",
                .string(min: 1, example: "com.apsis1.keyspaces.web")),
            path("other_key", "The key to remove, percent-encoded.", .string(min: 1, example: "1f8e4b")),
            path(
                "event", "Discriminator of an event type.",
                .string(min: 1, example: "com.apsis1.events.transaction.custom-coffee-sold-k3v9x2b7qa")),
            path(
                "attribute", "Discriminator of an attribute.", .string(min: 1, example: "com.apsis1.attributes.email")),
            path("tag", "Discriminator of a tag.", .string(min: 1, example: "usercreated.tags.vip-98h3ud5p4v")),
            path("channel", "Discriminator of a channel.", .string(min: 1, example: "com.apsis1.channels.email")),
            path(
                "folder", "Discriminator of a folder.",
                .string(min: 1, example: "usercreated.targets.newsletters-3ayb7167e4")),
            path(
                "consent_list", "Discriminator of a consent list, which is a folder.",
                .string(min: 1, example: "usercreated.targets.newsletters-3ayb7167e4")),
            path(
                "topic", "Discriminator of a topic.",
                .string(min: 1, example: "usercreated.topics.weekly_offers-cbyntm8qnw")),
            path("version", "Id of a version.", digits("2565266")),
            path("id", "Id of an event.", digits("17")),
            path("cause", "Id of a cause of refused posts.", Bodies.RejectionCause.idSchema),
            path(
                "address", "Address of the channel, percent-encoded: a key of its keyspace.",
                .string(min: 1, example: "steve@apsis.com")),
            path("profile_id", "Id of a profile.", Bodies.Profile.idSchema),
            path("erasure_id", "Id of a receipt.", Bodies.Erasure.idSchema),
            path("import_id", "Id of an import.", Bodies.Erasure.idSchema),
            path("job", "Id of a job.", Bodies.Erasure.idSchema),
            path("export_key", "Export key of a profile, which is its id.", Bodies.Profile.idSchema),
            path("account", "Number of the account.", digits("1")),
            path(
                "client_id", "Id of an API key.", .string(min: 1, example: "752cdd05-75e0-4f8a-bd08-62e3df753ff3")),
        ].map { ($0.name, $0) })

    static let rejectionID = path("id", "Id of a refused post.", digits("17"))

    private static func digits(_ example: String) -> Schema { .string(pattern: "^[0-9]{1,18}$", example: example) }

    // MARK: In queries

    static let eventDiscriminators = query(
        "event_discriminators", "Only these event types; repeatable.", eventTypeList)
    static let eventDiscriminatorToDelete = query(
        "event_discriminator", "Only these event types; repeatable.", eventTypeList)
    static let oneEventDiscriminator = query("event_discriminator", "Only this event type.", Bodies.eventTypeSchema)
    private static let eventTypeList = Schema.array(of: Bodies.eventTypeSchema, max: Limits.eventTypeFiltersMax)

    static let from = query("from", "From this event time on.", .dateTime)
    static let to = query(
        "to", "Up to this event time, not including it.", .dateTime.with(example: "2020-10-15T00:00:00.000Z"))

    static func limit(_ max: Int, default standard: Int) -> Parameter {
        query(
            "limit", "How many are given at most.",
            .integer(min: 1, max: Int64(max), example: 10).with(default: JSONValue(standard)))
    }

    static let includeChanges = query(
        "include", "'changes': also what was changed of the profile's attributes, tags and keys.", .words("changes"))
    static let cursor = query("cursor", "The next_cursor of the page before.", .string(example: "ekgb1x2.h"))
    static let ignorePermissionsOfFields = query(
        "ignore_keyspace_permissions",
        "Also attributes and tags without read permission for the keyspace; for admin keys.", flag)
    static let ignoreKeyspacePermissions = query(
        "ignore_keyspace_permissions",
        "Also event types without read permission for the keyspace; for admin keys.", flag)
    static let includeKeyspacePermissions = query(
        "include_keyspace_permissions", "Also what each keyspace may do with each event type.", flag)
    /// Of lists of attributes and tags.
    static let includeFieldPermissions = query(
        "include_keyspace_permissions", "Also what may be done through each keyspace.", flag)
    static let oneAttributeDiscriminator = query(
        "attribute_discriminator", "Only this attribute; with 'section', only in that section.", Bodies.attributeSchema)
    static let oneTagDiscriminator = query("tag_discriminator", "Only this tag.", Bodies.tagSchema)

    static let flag = Schema.boolean.with(default: .bool(false))

    static let inSection = query(
        "section", "Only in this section.", .discriminator("com.apsis1.sections.default"))
    static let inKeyspace = query(
        "keyspace", "Only in this keyspace.", .discriminator("com.apsis1.keyspaces.email"))

    // MARK: In headers

    static let idempotencyKey = header(
        "Idempotency-Key", "Makes the request safe to repeat for 24 hours.", keySchema)
    static let bulkIdempotencyKey = header(
        "Idempotency-Key",
        "Makes it safe to send the same lines again for 24 hours: stored ones are skipped.", keySchema)
    private static let keySchema = Schema.string(
        min: 1, max: Limits.idempotencyKeyLengthMax, pattern: "^[!-~]+$",
        example: "8e03978e-40d5-43e8-bc93-6894a57f9324")

    static let requestID = header(
        "X-Request-Id", "Names the request in the answer and in the server's log; by default the server makes one.",
        .string(
            min: 1, max: Limits.requestIDLengthMax, pattern: "^[!-~]+$", example: "8e03978e-40d5-43e8-bc93-6894a57f9324"
        )
    )

    static let prefer = header(
        "Prefer",
        "handling=lenient stores the good events and reports each; validate-only checks and stores nothing.",
        .words("handling=lenient", "validate-only"))
    static let preferStrict = header(
        "Prefer", "handling=strict ends at the first bad line; validate-only checks and stores nothing.",
        .words("handling=strict", "validate-only"))
    static let preferValidateOnly = header(
        "Prefer", "validate-only checks everything and stores nothing.", .words("validate-only"))
    static let preferValidateOnlyToDelete = header(
        "Prefer", "validate-only deletes nothing and says how many would be deleted.", .words("validate-only"))
    static let preferValidateOnlyToErase = header(
        "Prefer", "validate-only deletes nothing, and says whether the profile is there.", .words("validate-only"))
    /// Of changes of definitions.
    static let preferValidateOnlyToChange = header(
        "Prefer",
        "validate-only checks everything and changes nothing; the answer shows what would be there. An id that the server "
            + "makes can be another one the next time.", .words("validate-only"))
}
