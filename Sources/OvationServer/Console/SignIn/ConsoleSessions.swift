import Crypto
import OvationCore
import Synchronization

/// Who is signed in to the console. Kept in memory: a restart signs everybody out, and nothing of it is ever stored.
final class ConsoleSessions: Sendable {
    struct Session: Sendable {
        let clientID: String
        /// What every form of this session sends along.
        let csrf: String
        let startedAt: Timestamp
        var usedAt: Timestamp
        /// When the secret, or a link in place of it, was last given.
        var provedAt: Timestamp
        /// Whether profile keys are masked, for when others see the screen.
        var isMasked = false
        /// Discriminator of the section whose event types were looked at last.
        var section: String?
        /// Shown once, on the next page.
        var notice: Notice?
    }

    struct Notice: Sendable {
        enum Kind: Sendable { case success, error, info }
        let kind: Kind
        let text: String
    }

    private struct State {
        /// By the hash of what the cookie holds, so that memory has nothing that a cookie could be made from.
        var sessions: [SHA256Digest: Session] = [:]
        var links: [String: (clientID: String, until: Timestamp)] = [:]
    }

    private let state = Mutex(State())
    private let limits: Limits
    private let formKey = SymmetricKey(size: .bits256)

    init(limits: Limits) {
        self.limits = limits
    }

    // MARK: Sessions

    /// - Returns: what the cookie holds.
    func start(clientID: String, at now: Timestamp) -> String {
        let token = ConsoleSessions.randomToken()
        state.withLock { state in
            state.sessions = state.sessions.filter { isAlive($0.value, at: now) }
            if state.sessions.count >= Limits.sessionsMax,
                let oldest = state.sessions.min(by: { $0.value.usedAt < $1.value.usedAt })
            {
                state.sessions[oldest.key] = nil
            }
            state.sessions[hash(token)] = Session(
                clientID: clientID, csrf: ConsoleSessions.randomToken(), startedAt: now, usedAt: now, provedAt: now)
        }
        return token
    }

    /// The session of a cookie; nil when it has ended. Using it keeps it alive.
    func session(_ token: String, at now: Timestamp) -> Session? {
        state.withLock { state in
            let key = hash(token)
            guard var session = state.sessions[key] else { return nil }
            guard isAlive(session, at: now) else {
                state.sessions[key] = nil
                return nil
            }
            session.usedAt = max(session.usedAt, now)
            state.sessions[key] = session
            return session
        }
    }

    /// The session of a cookie, without using it.
    func peek(_ token: String, at now: Timestamp) -> Session? {
        state.withLock { $0.sessions[hash(token)] }.flatMap { isAlive($0, at: now) ? $0 : nil }
    }

    func end(_ token: String) {
        state.withLock { $0.sessions[hash(token)] = nil }
    }

    func prove(_ token: String, at now: Timestamp) {
        state.withLock { $0.sessions[hash(token)]?.provedAt = now }
    }

    func mask(_ isMasked: Bool, _ token: String) {
        state.withLock { $0.sessions[hash(token)]?.isMasked = isMasked }
    }

    func remember(section: String, _ token: String) {
        state.withLock { $0.sessions[hash(token)]?.section = section }
    }

    func notify(_ notice: Notice, _ token: String) {
        state.withLock { $0.sessions[hash(token)]?.notice = notice }
    }

    func takeNotice(_ token: String) -> Notice? {
        state.withLock { state in
            defer { state.sessions[hash(token)]?.notice = nil }
            return state.sessions[hash(token)]?.notice
        }
    }

    private func isAlive(_ session: Session, at now: Timestamp) -> Bool {
        now < session.usedAt.advanced(by: limits.sessionIdleMax)
            && now < session.startedAt.advanced(by: limits.sessionAgeMax)
    }

    // MARK: The one-time link

    /// - Returns: the last part of the link's path.
    func makeLink(clientID: String, at now: Timestamp) -> String {
        let token = ConsoleSessions.randomToken()
        add(link: Hexadecimal.text(of: hash(token)), clientID: clientID, at: now)
        return token
    }

    /// - Parameter link: the SHA-256 of its secret, in hexadecimal: who asks has the secret, and nobody else.
    func add(link: String, clientID: String, at now: Timestamp) {
        state.withLock { state in
            state.links = state.links.filter { now < $0.value.until }
            if state.links.count >= Limits.consoleLinksMax,
                let oldest = state.links.min(by: { $0.value.until < $1.value.until })
            {
                state.links[oldest.key] = nil
            }
            state.links[link] = (clientID, now.advanced(by: Limits.consoleLinkLifetime))
        }
    }

    /// The API key that a link signs in; nil when it was used before or is too old.
    func redeem(link token: String, at now: Timestamp) -> String? {
        state.withLock { state in
            guard let link = state.links.removeValue(forKey: Hexadecimal.text(of: hash(token))), now < link.until else {
                return nil
            }
            return link.clientID
        }
    }

    // MARK: Forms before there is a session

    /// What the sign-in form sends along: bound to a cookie of the same browser.
    func formToken(for nonce: String) -> String {
        Hexadecimal.text(of: HMAC<SHA256>.authenticationCode(for: Array(nonce.utf8), using: formKey))
    }

    static func randomToken() -> String {
        SymmetricKey(size: .bits256).withUnsafeBytes { Hexadecimal.text(of: $0) }
    }

    static func hash(_ token: String) -> SHA256Digest { SHA256.hash(data: Array(token.utf8)) }

    private func hash(_ token: String) -> SHA256Digest { ConsoleSessions.hash(token) }
}

extension String {
    /// Takes the same time wherever the two differ.
    func equalsInConstantTime(_ other: String) -> Bool {
        let (left, right) = (Array(utf8), Array(other.utf8))
        guard left.count == right.count else { return false }
        return zip(left, right).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
