import HTTPTypes
import OvationCore

// Consents of both generations of the API, on the same facts. See rule 21 of OvationCore's DESIGN.md.
extension Endpoint {
    static let consents: [Endpoint] = [
        postConsent, listConsents, listConsentChanges, postSubscription, postAddressConsent, liftAddressOptOut,
        listEvaluations, askSending, listSuppressions, getSuppression, listSuppressionChanges, putSuppression,
        liftSuppression,
    ]

    private static let profile = "/audience/keyspaces/{keyspace}/profiles/{key}/sections/{section}"
    private static let address = "/audience/channels/{channel}/addresses/{address}"

    // MARK: Second generation

    public static let postConsent = Endpoint(
        EndpointSpec(
            "postConsent", .post, "/v2" + profile + "/consents", .token, .consents,
            "Set a consent of a profile",
            "201 where the profile had none to this topic by this channel, 204 where it has changed, and 409 with an "
                + "empty answer where the one that is there stays: it is the same, or says more. Only through keyspaces "
                + "that manage subscriptions.",
            parameters: [.preferValidateOnly, .idempotencyKey],
            body: .json(Bodies.ConsentRequest.self, "The consent."), answers: [.createdEmpty, .done], isPrivate: true))

    public static let listConsents = Endpoint(
        EndpointSpec(
            "listConsents", .get, "/v2" + profile + "/consents", .token, .consents,
            "A profile's consents in a section",
            "And whether the address is suppressed. Only through keyspaces that manage subscriptions, and that for "
                + "exports.",
            parameters: [.consentTypes, .suppressionAddress, .ignorePermissionsOfConsents],
            answers: [.ok(Bodies.Consents.self)], isPrivate: true))

    public static let listConsentChanges = Endpoint(
        EndpointSpec(
            "listConsentChanges", .get, "/v2" + profile + "/consents/history", .token, .consents,
            "What a profile's consents were, newest first",
            "With who changed each, when, by which source and for which reason. A page ends with the change that fills "
                + "it, so it can have more items than asked for.",
            parameters: [
                .limit(Limits.changesPageMax, default: 50), .changeCursor, .ignorePermissionsOfConsents,
            ],
            answers: [.ok(Bodies.ConsentChanges.self)], isPrivate: true))

    // MARK: First generation

    public static let postSubscription = Endpoint(
        EndpointSpec(
            "postSubscription", .post, profile + "/subscriptions", .token, .consents,
            "Subscribe a profile to a topic",
            "It makes the profile where there is none. The same again is answered the same.",
            parameters: [.preferValidateOnly, .idempotencyKey],
            body: .json(Bodies.SubscriptionRequest.self, "The topic."),
            answers: [.created(Bodies.Subscription.self), .checkedEmpty], isPrivate: true))

    public static let postAddressConsent = Endpoint(
        EndpointSpec(
            "postAddressConsent", .post, address + "/consents", .token, .consents, "Set a consent of an address",
            "To a topic, or an opt-out of a section or of the account. It makes the profile of the address where there is "
                + "none. 201 where there was none, 204 where it has changed or is the same.",
            parameters: [.preferValidateOnly, .idempotencyKey],
            body: .json(Bodies.AddressConsentRequest.self, "The consent."), answers: [.createdEmpty, .done],
            isPrivate: true))

    public static let liftAddressOptOut = Endpoint(
        EndpointSpec(
            "liftAddressOptOut", .delete, address + "/consents", .admin, .consents,
            "Lift an opt-out of a section, or of the account",
            "What was below it counts again. Source and reason stay in the history.",
            parameters: [.inSection, .sourceOfLift, .reasonOfLift, .preferValidateOnly],
            answers: [.done], isPrivate: true))

    public static let listEvaluations = Endpoint(
        EndpointSpec(
            "listEvaluations", .get, address + "/consents/sections/{section}/consent-lists/{consent_list}/evaluations",
            .token, .consents, "The topics of a consent list that an address may be written to about",
            "None for an address that nobody has.", answers: [.ok(Bodies.Evaluations.self)], isPrivate: true))

    // MARK: Addresses

    public static let askSending = Endpoint(
        EndpointSpec(
            "askSending", .get, address + "/may-send", .token, .consents,
            "Whether an address may be written to about a topic, and why",
            "One answer from suppressions, locks and consents of both generations.",
            parameters: [.sectionOfTopic, .topicToSend], answers: [.ok(Bodies.Sending.self)], isPrivate: true))

    public static let getSuppression = Endpoint(
        EndpointSpec(
            "getSuppression", .get, address + "/suppression", .token, .consents, "Whether an address is suppressed",
            "404 where it is not.", answers: [.ok(Bodies.Suppression.self)], isPrivate: true))

    public static let listSuppressions = Endpoint(
        EndpointSpec(
            "listSuppressions", .get, "/audience/channels/{channel}/suppressions", .admin, .consents,
            "The suppressed addresses of a channel",
            "By the hash of the address, since the store has no address. A page can have fewer than asked for, or none, and "
                + "have a next one: go on until 'next_cursor' is null.",
            parameters: [.limit(Limits.suppressionsPageMax, default: 50), .suppressionCursor],
            answers: [.ok(Bodies.Suppressions.self)], isPrivate: true))

    public static let listSuppressionChanges = Endpoint(
        EndpointSpec(
            "listSuppressionChanges", .get, address + "/suppression/history", .admin, .consents,
            "When an address was suppressed, and when that was lifted, newest first",
            "With who did it, by which source and for which reason. 404 where it was never suppressed.",
            parameters: [.limit(Limits.changesPageMax, default: 50), .changeCursor],
            answers: [.ok(Bodies.SuppressionChanges.self)], isPrivate: true))

    public static let putSuppression = Endpoint(
        EndpointSpec(
            "putSuppression", .put, address + "/suppression", .admin, .consents, "Suppress an address",
            "It takes nothing by this channel from then on, whatever anybody consents to. The store keeps no address, only "
                + "its hash under a secret, so it holds when the person is deleted.",
            parameters: [.preferValidateOnly],
            body: .json(
                Bodies.SuppressionRequest.self, "Why. It stays when the person is deleted, so name nobody in it."),
            answers: [.createdEmpty, .done], isPrivate: true))

    public static let liftSuppression = Endpoint(
        EndpointSpec(
            "liftSuppression", .delete, address + "/suppression", .admin, .consents, "Lift a suppression",
            "Consents count again. Source and reason stay in the history: name nobody in them.",
            parameters: [.sourceOfLift, .reasonOfLift, .preferValidateOnly], answers: [.done], isPrivate: true))
}

extension Parameter {
    fileprivate static let consentTypes = query(
        "consent_types", "Only consents of these types; repeatable.",
        .array(of: Bodies.ConsentType.schema, max: 4))
    fileprivate static let ignorePermissionsOfConsents = query(
        "ignore_keyspace_permissions", "Also through keyspaces that do not manage subscriptions; for admin keys.", flag)
    fileprivate static let suppressionAddress = query(
        "suppression_address", "Another address to ask about, of any channel.", .string(example: "steve@apsis.com"))
    fileprivate static let sourceOfLift = query(
        "source", "What lifts it; by default 'One API'.", Bodies.consentSourceSchema)
    fileprivate static let reasonOfLift = query("reason", "Why.", Bodies.consentReasonSchema)
    fileprivate static let suppressionCursor = query(
        "cursor", "The next_cursor of the page before.", .string(example: "s" + Bodies.addressHashExample))
    fileprivate static let sectionOfTopic = query(
        "section", "The section of the topic.", .discriminator("com.apsis1.sections.default"), isRequired: true)
    fileprivate static let topicToSend = query("topic", "The topic.", Bodies.topicSchema, isRequired: true)
}
