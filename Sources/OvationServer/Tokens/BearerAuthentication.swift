import HTTPTypes
import Hummingbird
import OvationCore
import OvationWire
import Synchronization

/// Finds who asks: from memory for a token that was seen before, by RSA for a new one.
struct BearerAuthentication: Sendable {
    let signer: TokenSigner
    let directory: Directory
    let cache: TokenCache

    init(signer: TokenSigner, directory: Directory) {
        self.signer = signer
        self.directory = directory
        cache = TokenCache(capacity: Limits.tokenCacheMax)
    }

    /// nil for endpoints that anybody may call.
    func identity(of request: Request, for endpoint: Endpoint, at now: Timestamp) async throws(Problem) -> Identity? {
        guard endpoint.scope != .open else { return nil }
        let token = try BearerAuthentication.token(in: request)
        let claims = try await claims(of: token, at: now)
        guard Int64(claims.exp) * 1000 > now.milliseconds else {
            throw Problem(.tokenExpired, "The token has expired; fetch a new one from POST /oauth/token.")
        }
        // The key is looked up each time, so that a deleted key is refused at once.
        guard let identity = directory.identity(clientID: claims.sub) else {
            throw Problem(.keyRevoked, "The API key of this token has been deleted.")
        }
        if endpoint.scope == .admin, !identity.isAdmin {
            throw Problem(
                .adminRequired, "Only an API key of role 'admin' may do this; this one's is 'integration'.")
        }
        directory.noteUse(of: identity.key, at: now)
        return identity
    }

    private func claims(of token: String, at now: Timestamp) async throws(Problem) -> TokenClaims {
        if let claims = cache[token] { return claims }
        let claims = try await signer.verify(token, at: now)
        cache.insert(claims, for: token)
        return claims
    }

    private static func token(in request: Request) throws(Problem) -> String {
        guard let header = request.headers[.authorization] else {
            throw Problem(
                .unauthorized, "Send the header 'Authorization: Bearer TOKEN'; a token comes from POST /oauth/token.")
        }
        let scheme = "bearer "
        let bytes = header.utf8
        guard bytes.count > scheme.utf8.count, bytes.count <= Limits.tokenBytesMax,
            // The scheme is case-insensitive (RFC 9110 §11.1); a set bit makes ASCII letters lower-case.
            zip(bytes, scheme.utf8).allSatisfy({ $0 | 0x20 == $1 | 0x20 })
        else {
            throw Problem(
                .unauthorized, "The Authorization header is not 'Bearer TOKEN'; a token comes from POST /oauth/token.")
        }
        return String(Substring(bytes.dropFirst(scheme.utf8.count).drop { $0 == UInt8(ascii: " ") }))
    }
}

/// Tokens whose signature was checked, so that the second request with one needs no RSA.
///
/// Bounded by two generations: when the young one is full it becomes the old one, and what was in the old one and not
/// asked for since is forgotten.
final class TokenCache: Sendable {
    private struct State {
        var young: [String: TokenClaims] = [:]
        var old: [String: TokenClaims] = [:]
    }

    private let state = Mutex(State())
    private let generation: Int

    init(capacity: Int) {
        generation = capacity / 2
    }

    subscript(token: String) -> TokenClaims? {
        state.withLock { state in
            if let claims = state.young[token] { return claims }
            guard let claims = state.old[token] else { return nil }
            add(claims, for: token, to: &state)
            return claims
        }
    }

    func insert(_ claims: TokenClaims, for token: String) {
        state.withLock { add(claims, for: token, to: &$0) }
    }

    var count: Int { state.withLock { $0.young.count + $0.old.count } }

    private func add(_ claims: TokenClaims, for token: String, to state: inout State) {
        if state.young.count >= generation {
            state.old = state.young
            state.young = [:]
        }
        state.young[token] = claims
    }
}
