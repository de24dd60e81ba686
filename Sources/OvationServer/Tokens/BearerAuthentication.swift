import HTTPTypes
package import Hummingbird
package import OvationCore
package import OvationWire
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Finds the caller: from memory for a token that was seen before, with RSA for a new one.
package struct BearerAuthentication: Sendable {
    let signer: TokenSigner
    let directory: Directory
    let cache: TokenCache

    package init(signer: TokenSigner, directory: Directory) {
        self.signer = signer
        self.directory = directory
        cache = TokenCache(capacity: Limits.tokenCacheMax)
    }

    /// nil for endpoints that anybody may call.
    func identity(of request: Request, for endpoint: Endpoint, at now: Timestamp) async throws(Problem) -> Identity? {
        guard endpoint.scope != .open else { return nil }
        let token = try BearerAuthentication.token(in: request)
        let known = try await claims(of: token, at: now)
        try known.refuseExpired(at: now)
        // The key is looked up each time, so that a deleted key is refused at once.
        var found = directory.identity(clientID: known.clientID)
        if found == nil { found = await identityMadeElsewhere(clientID: known.clientID) }
        guard let identity = found else {
            throw Problem(.keyRevoked, "The API key of this token has been deleted.")
        }
        return try admit(identity, with: known, to: endpoint, at: now)
    }

    /// The same from memory alone, for an endpoint that needs a token. nil: a signature has to be checked, or the store to
    /// be asked.
    func knownIdentity(of request: Request, for endpoint: Endpoint, at now: Timestamp) throws(Problem) -> Identity? {
        guard let known = cache[try BearerAuthentication.token(in: request)] else { return nil }
        try known.refuseExpired(at: now)
        guard let identity = directory.identity(clientID: known.clientID) else { return nil }
        return try admit(identity, with: known, to: endpoint, at: now)
    }

    private func admit(
        _ identity: Identity, with known: KnownToken, to endpoint: Endpoint, at now: Timestamp
    ) throws(Problem) -> Identity {
        if endpoint.scope == .admin, !identity.isAdmin {
            throw Problem(
                .adminRequired, "Only an API key of role 'admin' may do this; this one's is 'integration'.")
        }
        guard !known.isForLink || endpoint == .createConsoleLink else {
            throw Problem(.invalidToken, "This token registers a link to the console, and does nothing else.")
        }
        directory.noteUse(of: identity.key, at: now)
        return identity
    }

    /// Whether a request may go on to an endpoint; for benchmarks, which do not need the identity.
    package func admits(_ request: Request, to endpoint: Endpoint, at now: Timestamp) async -> Bool {
        (try? await identity(of: request, for: endpoint, at: now)) != nil
    }

    private func claims(of token: Substring, at now: Timestamp) async throws(Problem) -> KnownToken {
        if let known = cache[token] { return known }
        let text = String(token)
        let claims = try await verify(text, at: now)
        cache.insert(claims, for: text)
        return KnownToken(claims)
    }

    private func verify(_ token: String, at now: Timestamp) async throws(Problem) -> TokenClaims {
        do throws(Problem) {
            return try await signer.verify(token, at: now)
        } catch {
            // Another server may have made that key a moment ago.
            guard error.code == .invalidToken, signer.mayLackKey(of: token) else { throw error }
        }
        await directory.catchUp(signer)
        return try await signer.verify(token, at: now)
    }

    /// The token is signed by us for a key that is unknown here: another server has made the key.
    private func identityMadeElsewhere(clientID: String) async -> Identity? {
        guard !directory.has(apiKey: clientID) else { return nil }
        await directory.catchUp(signer)
        return directory.identity(clientID: clientID)
    }

    static func token(in request: Request) throws(Problem) -> Substring {
        guard var header = request.headers.text(of: .authorization) else {
            throw Problem(
                .unauthorized, "Send the header 'Authorization: Bearer TOKEN'; a token comes from POST /oauth/token.")
        }
        guard let start = header.withUTF8(BearerAuthentication.startOfToken) else {
            throw Problem(
                .unauthorized, "The Authorization header is not 'Bearer TOKEN'; a token comes from POST /oauth/token.")
        }
        return header[header.utf8.index(header.startIndex, offsetBy: start)...]
    }

    private static func startOfToken(_ header: UnsafeBufferPointer<UInt8>) -> Int? {
        let scheme: StaticString = "bearer "
        let length = scheme.utf8CodeUnitCount
        guard header.count > length, header.count <= Limits.tokenBytesMax else { return nil }
        // The scheme is case-insensitive (RFC 9110 §11.1); a set bit makes ASCII letters lower-case.
        for index in 0..<length where header[index] | 0x20 != scheme.utf8Start[index] { return nil }
        return header[length...].firstIndex { $0 != UInt8(ascii: " ") } ?? header.count
    }
}

/// The data of a token with a checked signature: its API key, and its expiry.
struct KnownToken: Sendable {
    let clientID: String
    let exp: Int
    /// Whether it can only register a link to the console.
    let isForLink: Bool

    init(_ claims: TokenClaims) {
        clientID = claims.sub
        exp = claims.exp
        isForLink = claims.link != nil
    }

    fileprivate func refuseExpired(at now: Timestamp) throws(Problem) {
        guard Int64(exp) * 1000 > now.milliseconds else {
            throw Problem(.tokenExpired, "The token has expired; fetch a new one from POST /oauth/token.")
        }
    }
}

/// Tokens with a checked signature, so that the second request with one needs no RSA.
///
/// Bounded by two generations: when the young one is full it becomes the old one, and tokens of the old one that were
/// not used since are dropped.
final class TokenCache: Sendable {
    /// Compared by every byte, and hashed by the last sixteen: they are part of the signature, and as good as random.
    /// Only tokens that we signed are kept, so an attacker cannot choose tokens with equal hashes.
    private struct Key: Hashable {
        private var token: Substring

        init(_ token: Substring) {
            self.token = token
            self.token.makeContiguousUTF8()
        }

        func hash(into hasher: inout Hasher) {
            bytes { hasher.combine(bytes: UnsafeRawBufferPointer(rebasing: $0.suffix(16))) }
        }

        static func == (left: Key, right: Key) -> Bool {
            left.bytes { left in
                right.bytes { right in
                    left.count == right.count
                        && (left.isEmpty || memcmp(left.baseAddress!, right.baseAddress!, left.count) == 0)
                }
            }
        }

        private func bytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
            var token = token
            return token.withUTF8 { body(UnsafeRawBufferPointer($0)) }
        }
    }

    private struct State {
        var young: [Key: KnownToken] = [:]
        var old: [Key: KnownToken] = [:]
    }

    private let state = Mutex(State())
    private let generation: Int

    init(capacity: Int) {
        generation = capacity / 2
    }

    subscript(token: Substring) -> KnownToken? {
        let key = Key(token)
        return state.withLock { state in
            if let known = state.young[key] { return known }
            guard let index = state.old.index(forKey: key) else { return nil }
            // Under its own copy: the token of the request is a part of the request, and would keep all of it in
            // memory.
            let (kept, known) = state.old[index]
            add(known, for: kept, to: &state)
            return known
        }
    }

    /// - Parameter token: stored, so it must not be a part of a larger text.
    func insert(_ claims: TokenClaims, for token: String) {
        state.withLock { add(KnownToken(claims), for: Key(token[...]), to: &$0) }
    }

    var count: Int { state.withLock { $0.young.count + $0.old.count } }

    private func add(_ known: KnownToken, for key: Key, to state: inout State) {
        if state.young.count >= generation {
            state.old = state.young
            state.young = [:]
        }
        state.young[key] = known
    }
}
