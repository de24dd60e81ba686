import Crypto
import CryptoExtras
import JWTKit
import OvationCore
import OvationWire
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What an access token says.
struct TokenClaims: JWTPayload, Sendable {
    /// Names the region's server: `ovation:eu`.
    let iss: String
    /// Client id of the API key.
    let sub: String
    let account: String
    let scope: String
    let iat: Int
    let exp: Int

    func verify(using algorithm: some JWTAlgorithm) throws {}

    static func issuer(ofRegion region: String) -> String { "ovation:" + region }
}

/// Signs and verifies access tokens with the server's RSA keys.
///
/// A token's text keeps clear of `-` and `_`: a client in use decodes the payload as plain base64. Those two letters
/// stand for six one-bits in a row, or five and a zero; in ASCII text they come only from `>`, `?`, `~` and DEL, and
/// no claim has any of them.
final class TokenSigner: Sendable {
    private struct State {
        var keys: [SigningKey]
        var collection: JWTKeyCollection
        var current: JWKIdentifier
    }

    let region: String
    private let state: Mutex<State>

    init(region: String, keys: [SigningKey]) async throws {
        self.region = region
        state = Mutex(try await TokenSigner.state(of: keys))
    }

    var keys: [SigningKey] { state.withLock { $0.keys } }

    /// A rotation: the newest key signs from now on, the others verify what they signed.
    func replace(keys: [SigningKey]) async throws {
        let newState = try await TokenSigner.state(of: keys)
        state.withLock { $0 = newState }
    }

    func sign(_ key: APIKey, at now: Timestamp) async throws -> String {
        let (collection, current) = state.withLock { ($0.collection, $0.current) }
        let seconds = Int(now.milliseconds / 1000)
        let scope = key.role == .admin ? "audience.read audience.write audience.admin" : "audience.read audience.write"
        let claims = TokenClaims(
            iss: TokenClaims.issuer(ofRegion: region), sub: key.clientID, account: String(key.account), scope: scope,
            iat: seconds, exp: seconds + Int(Limits.tokenLifetime.components.seconds))
        return try await collection.sign(claims, kid: current)
    }

    /// - Throws: `wrong_region` for a token of another region's server, `unauthorized` for anything we did not sign.
    func verify(_ token: String, at now: Timestamp) async throws(Problem) -> TokenClaims {
        let (collection, keys) = state.withLock { ($0.collection, $0.keys) }
        do {
            let claims = try await collection.verify(token, as: TokenClaims.self)
            guard claims.iss == TokenClaims.issuer(ofRegion: region) else { throw wrongRegion(claims.iss) }
            // A retired key is good for what it signed before, and for no longer than that can last; nor does a token
            // last longer than one of ours.
            let lifetime = Limits.tokenLifetime
            let kid = TokenSigner.member("kid", ofPart: 0, of: token)
            let retiredAt = keys.first { $0.id == kid }?.retiredAt
            guard retiredAt.map({ $0.advanced(by: lifetime) > now }) ?? true,
                Int64(claims.exp) * 1000 <= now.advanced(by: lifetime + .seconds(1)).milliseconds
            else {
                throw Problem(.tokenExpired, "The token was signed with a key that is out of use; fetch a new one.")
            }
            return claims
        } catch let problem as Problem {
            throw problem
        } catch {
            // Another server's key does not verify here; what its token says of itself is only used to explain.
            if let issuer = TokenSigner.member("iss", ofPart: 1, of: token),
                issuer != TokenClaims.issuer(ofRegion: region)
            {
                throw wrongRegion(issuer)
            }
            throw Problem(.invalidToken, "The token is not one that this server has signed.", cause: "\(error)")
        }
    }

    private func wrongRegion(_ issuer: String) -> Problem {
        let other = issuer.hasPrefix("ovation:") ? String(issuer.dropFirst("ovation:".count)) : issuer
        return Problem(
            .wrongRegion,
            "The token was issued by the server of region '\(other.prefix(60))'; this is the server of region "
                + "'\(region)'. Fetch a token here, or call that region's host.")
    }

    /// A text of a token's header (part 0) or payload (part 1), whether or not it is signed.
    private static func member(_ name: String, ofPart index: Int, of token: String) -> String? {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3 else { return nil }
        var text = parts[index].map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 }
        while text.count % 4 != 0 { text.append("=") }
        guard let data = Data(base64Encoded: String(text)), let json = try? JSONValue(parsing: data) else {
            return nil
        }
        return json[name]?.string
    }

    private static func state(of keys: [SigningKey]) async throws -> State {
        guard let newest = keys.last(where: { $0.retiredAt == nil }) else {
            throw StoreFailure(.unusable, "the store has no signing key")
        }
        let collection = JWTKeyCollection()
        for key in keys {
            await collection.add(
                rsa: try Insecure.RSA.PrivateKey(pem: key.privateKeyPEM), digestAlgorithm: .sha256,
                kid: JWKIdentifier(string: key.id))
        }
        return State(keys: keys, collection: collection, current: JWKIdentifier(string: newest.id))
    }
}

// MARK: - Keys

extension TokenSigner {
    static func makeKey(at now: Timestamp) throws -> SigningKey {
        let key = try _RSA.Signing.PrivateKey(keySize: .bits2048)
        let digest = SHA256.hash(data: key.publicKey.derRepresentation)
        let id = digest.prefix(8).map { $0 < 16 ? "0" + String($0, radix: 16) : String($0, radix: 16) }.joined()
        return SigningKey(id: id, privateKeyPEM: key.pemRepresentation, createdAt: now)
    }

    /// RFC 7517: the public half of every key whose tokens can still be valid.
    func publicKeySet(at now: Timestamp) throws -> JSONValue {
        let useful = keys.filter { key in key.retiredAt.map { $0.advanced(by: Limits.tokenLifetime) > now } ?? true }
        let keys = try useful.map { key -> JSONValue in
            let primitives = try _RSA.Signing.PrivateKey(pemRepresentation: key.privateKeyPEM).publicKey
                .getKeyPrimitives()
            return .object([
                .init("kty", .string("RSA")), .init("use", .string("sig")), .init("alg", .string("RS256")),
                .init("kid", .string(key.id)),
                .init("n", .string(base64URL(primitives.modulus))),
                .init("e", .string(base64URL(primitives.publicExponent))),
            ])
        }
        return .object([.init("keys", .array(keys))])
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
