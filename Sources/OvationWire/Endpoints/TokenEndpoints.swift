import HTTPTypes

extension Endpoint {
    static let tokens: [Endpoint] = [createToken, listSigningKeys]

    public static let createToken = Endpoint(
        EndpointSpec(
            "createToken", .post, "/oauth/token", .open, .tokens, "Exchange a client id and secret for an access token",
            "The client-credentials grant of OAuth 2. Id and secret may also come by HTTP Basic, with the grant alone in "
                + "the body.",
            // Named here, since many a generator makes no client of a call with two bodies and nothing optional.
            parameters: [.requestID],
            body: .json(Bodies.TokenRequest.self, "Id and secret of an API key.", orForm: Bodies.TokenForm.self),
            answers: [.ok(Bodies.Token.self)], isPrivate: true))

    public static let listSigningKeys = Endpoint(
        EndpointSpec(
            "listSigningKeys", .get, "/.well-known/jwks.json", .open, .tokens, "Public keys that verify access tokens",
            "The public keys of all tokens that can still be valid, as a JSON Web Key Set.",
            answers: [.ok(Bodies.KeySet.self)]))
}

extension Endpoint {
    static let apiKeys: [Endpoint] = [
        listAPIKeys, createAPIKey, rotateAPIKey, revokeAPIKey, rotateSigningKey, createConsoleLink,
    ]

    public static let listAPIKeys = Endpoint(
        EndpointSpec(
            "listAPIKeys", .get, "/account/api-keys", .admin, .apiKeys, "List API keys",
            "All API keys of the account, the revoked ones too, and never their secrets.",
            answers: [.ok(Bodies.APIKeys.self)], isPrivate: true))

    public static let createAPIKey = Endpoint(
        EndpointSpec(
            "createAPIKey", .post, "/account/api-keys", .admin, .apiKeys,
            "Create an API key; only this answer shows its secret",
            "An integration can be limited to sections and to keyspaces; an admin cannot.",
            body: .json(Bodies.APIKeyRequest.self, "Name, role and limits."),
            answers: [.created(Bodies.NewAPIKey.self)], isPrivate: true))

    public static let rotateAPIKey = Endpoint(
        EndpointSpec(
            "rotateAPIKey", .post, "/account/api-keys/{client_id}/rotate", .admin, .apiKeys,
            "Give an API key a new secret; only this answer shows it",
            "During the overlap both the old and the new secret work. Tokens stay valid until they expire.",
            body: .json(Bodies.RotateAPIKeyRequest.self, "How long the old secret keeps working.", isRequired: false),
            answers: [.ok(Bodies.NewAPIKey.self)], isPrivate: true))

    public static let revokeAPIKey = Endpoint(
        EndpointSpec(
            "revokeAPIKey", .delete, "/account/api-keys/{client_id}", .admin, .apiKeys, "Revoke an API key at once",
            "The key is refused from now on, with every token it was given. The last admin key cannot be revoked.",
            answers: [.done], isPrivate: true))

    public static let rotateSigningKey = Endpoint(
        EndpointSpec(
            "rotateSigningKey", .post, "/account/signing-keys", .admin, .apiKeys,
            "Sign tokens with a new key from now on",
            "Tokens that were signed with the old key stay valid until they expire.",
            answers: [.created(Bodies.SigningKey.self)], isPrivate: true))

    public static let createConsoleLink = Endpoint(
        EndpointSpec(
            "createConsoleLink", .post, "/account/console-links", .admin, .apiKeys,
            "A link that signs in to the console once",
            "As the API key that asks, and only at this server. 404 if the console is turned off.",
            answers: [.created(Bodies.ConsoleLink.self)], isPrivate: true))
}
