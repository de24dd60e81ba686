import Crypto
import CryptoExtras
import JWTKit
package import OvationCore
import OvationWire
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The content of an access token.
struct TokenClaims: JWTPayload, Sendable {
    /// Names the region's server: `ovation:eu`.
    let iss: String
    /// Client id of the API key.
    let sub: String
    let account: String
    let scope: String
    let iat: Int
    let exp: Int
    /// For a token that can only register a link to the console: the SHA-256 of the link's secret, in hexadecimal.
    var link: String?

    func verify(using algorithm: some JWTAlgorithm) throws {}

    func ending(by latest: Int) -> TokenClaims {
        TokenClaims(iss: iss, sub: sub, account: account, scope: scope, iat: iat, exp: min(exp, latest), link: link)
    }

    static func issuer(ofRegion region: String) -> String { "ovation:" + region }
}

/// Signs and verifies access tokens with the server's RSA keys.
///
/// A token's text avoids `-` and `_`: a client in use decodes the payload as plain base64. Those two characters stand
/// for six one-bits in a row, or five and a zero; in ASCII text they come only from `>`, `?`, `~` and DEL, and no claim
/// has any of them.
package final class TokenSigner: Sendable {
    private struct State {
        var keys: [SigningKey]
        /// One for each key, so that a token is checked with the key it names and no other.
        var verifiers: [String: JWTKeyCollection]
        var current: String
    }

    let region: String
    private let state: Mutex<State>

    package init(region: String, keys: [SigningKey]) async throws {
        self.region = region
        state = Mutex(try await TokenSigner.state(of: keys))
    }

    var keys: [SigningKey] { state.withLock { $0.keys } }

    /// A rotation: the newest key signs from now on, the others verify what they signed.
    func replace(keys: [SigningKey]) async throws {
        let newState = try await TokenSigner.state(of: keys)
        state.withLock { $0 = newState }
    }

    /// - Parameter link: see ``TokenClaims/link``.
    package func sign(
        _ key: APIKey, at now: Timestamp, lasting lifetime: Duration = Limits.tokenLifetime, link: String? = nil
    ) async throws -> String {
        let (collection, current) = state.withLock { ($0.verifiers[$0.current], $0.current) }
        guard let collection else { throw StoreFailure(.unusable, "the store has no signing key") }
        let seconds = Int(now.milliseconds / 1000)
        let scope =
            link != nil
            ? "console.link"
            : key.role == .admin ? "audience.read audience.write audience.admin" : "audience.read audience.write"
        let claims = TokenClaims(
            iss: TokenClaims.issuer(ofRegion: region), sub: key.clientID, account: String(key.account), scope: scope,
            iat: seconds, exp: seconds + Int(lifetime.components.seconds), link: link)
        return try await collection.sign(claims, kid: JWKIdentifier(string: current))
    }

    /// Only RS256, and only with the key that the header names: a library's fallback to another key would keep a
    /// retired one alive.
    /// - Throws: `wrong_region` for a token of another region's server, `invalid_token` for a token that we did not
    ///   sign, `token_expired` when its key has been retired for a day.
    func verify(_ token: String, at now: Timestamp) async throws(Problem) -> TokenClaims {
        let (header, payload) = (TokenSigner.json(ofPart: 0, of: token), TokenSigner.json(ofPart: 1, of: token))
        // The unverified content of a token is only used to explain.
        if let issuer = payload?["iss"]?.string, issuer != TokenClaims.issuer(ofRegion: region) {
            throw wrongRegion(issuer)
        }
        let invalid = Problem(.invalidToken, "The token is not one that this server has signed.")
        guard header?["alg"]?.string == "RS256", let kid = header?["kid"]?.string,
            let (key, verifier) = state.withLock({ state in
                state.keys.first { $0.id == kid }.map { ($0, state.verifiers[kid]) }
            }), let verifier
        else { throw invalid }
        let claims: TokenClaims
        do {
            claims = try await verifier.verify(token, as: TokenClaims.self)
        } catch {
            throw invalid
        }
        // A person with a leaked key can write any date into a token: it ends a day after the key was retired, and
        // lasts no longer than one of ours. The end is written into the claims, since those are remembered.
        let lifetime = Limits.tokenLifetime
        let latest = now.advanced(by: lifetime)
        let end = min(latest, key.retiredAt?.advanced(by: lifetime) ?? latest).milliseconds / 1000
        guard end * 1000 > now.milliseconds else {
            throw Problem(.tokenExpired, "The token was signed with a key that is out of use; fetch a new one.")
        }
        return claims.ending(by: Int(end))
    }

    /// Whether a token names a key that could be ours and is unknown here.
    func mayLackKey(of token: String) -> Bool {
        let header = TokenSigner.json(ofPart: 0, of: token)
        guard header?["alg"]?.string == "RS256", let kid = header?["kid"]?.string, TokenSigner.isKeyID(kid) else {
            return false
        }
        return state.withLock { $0.verifiers[kid] == nil }
    }

    private func wrongRegion(_ issuer: String) -> Problem {
        let other = issuer.hasPrefix("ovation:") ? String(issuer.dropFirst("ovation:".count)) : issuer
        return Problem(
            .wrongRegion,
            "The token was issued by the server of region \(other.quoted); this is the server of region "
                + "'\(region)'. Fetch a token here, or call that region's host.")
    }

    /// ``TokenClaims/link`` of a token that was verified.
    static func link(of token: Substring) -> String? { json(ofPart: 1, of: String(token))?["link"]?.string }

    /// A token's header (part 0) or payload (part 1), whether or not it is signed.
    private static func json(ofPart index: Int, of token: String) -> JSONValue? {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3 else { return nil }
        var text = parts[index].map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 }
        while text.count % 4 != 0 { text.append("=") }
        guard let data = Data(base64Encoded: String(text)) else { return nil }
        return try? JSONValue(parsing: data)
    }

    private static func state(of keys: [SigningKey]) async throws -> State {
        guard let newest = keys.last(where: { $0.retiredAt == nil }) else {
            throw StoreFailure(.unusable, "the store has no signing key")
        }
        var verifiers: [String: JWTKeyCollection] = [:]
        for key in keys {
            let collection = JWTKeyCollection()
            await collection.add(
                rsa: try Insecure.RSA.PrivateKey(pem: key.privateKeyPEM), digestAlgorithm: .sha256,
                kid: JWKIdentifier(string: key.id))
            verifiers[key.id] = collection
        }
        return State(keys: keys, verifiers: verifiers, current: newest.id)
    }
}

// MARK: - Keys

extension TokenSigner {
    package static func makeKey(at now: Timestamp) throws -> SigningKey {
        let key = try _RSA.Signing.PrivateKey(keySize: .bits2048)
        let digest = SHA256.hash(data: key.publicKey.derRepresentation)
        // See isKeyID.
        let id = Hexadecimal.text(of: digest.prefix(8))
        return SigningKey(id: id, privateKeyPEM: key.pemRepresentation, createdAt: now)
    }

    /// In the form that ``makeKey(at:)`` makes: 16 hexadecimal digits.
    private static func isKeyID(_ text: String) -> Bool {
        text.utf8.count == 16 && text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
    }

    /// RFC 7517: the public half of every key whose tokens can still be valid.
    func publicKeySet(at now: Timestamp) throws -> Bodies.KeySet {
        let useful = keys.filter { key in key.retiredAt.map { $0.advanced(by: Limits.tokenLifetime) > now } ?? true }
        var set = Bodies.KeySet()
        set.keys = try useful.map { key in
            let primitives = try _RSA.Signing.PrivateKey(pemRepresentation: key.privateKeyPEM).publicKey
                .getKeyPrimitives()
            var shown = Bodies.PublicKey()
            shown.keyType = "RSA"
            shown.use = "sig"
            shown.algorithm = "RS256"
            shown.id = key.id
            shown.modulus = base64URL(primitives.modulus)
            shown.exponent = base64URL(primitives.publicExponent)
            return shown
        }
        return set
    }

    private func base64URL(_ data: Data) -> String {
        String(
            data.base64EncodedString().compactMap { character -> Character? in
                switch character {
                case "+": "-"
                case "/": "_"
                case "=": nil
                default: character
                }
            })
    }
}
