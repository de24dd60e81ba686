public import OvationWire

/// Why a call did not come to its end. Programs tell the cases apart; the texts in them are for people.
public enum ClientFailure: Error, Sendable {
    /// Nobody answers at the address, or not in time.
    case unreachable(address: String, why: String)
    /// The server's certificate is not trusted. The call could be read by somebody else, so nothing was sent.
    case untrusted(address: String, why: String)
    /// The file of the certificates that are trusted has none that can be read.
    case unusableCertificates(file: String)
    /// A header would have a value that no header can have.
    case unsendable(header: String)
    /// The connection broke while an answer of any size came, or a body of any size was sent.
    case broken(address: String, why: String)
    /// An answer ended before its last record.
    case cutOff
    /// The server said no. The problem is empty where the answer has none that can be read.
    case refused(status: Int, Bodies.Problem)
    /// The answer names another address. It is not followed: a secret could go to anybody.
    /// - Parameter origin: scheme, host and port of the other address, where the answer names them.
    case redirected(address: String, status: Int, origin: String?)
    /// What answers has another form than this API.
    case unreadable(address: String, why: String)

    /// The HTTP status of a refusal.
    public var status: Int? {
        if case .refused(let status, _) = self { status } else { nil }
    }

    /// Whether the same call can succeed a moment later: the connection broke, a client was slow (408), or the server was
    /// busy (503).
    public var isPassing: Bool {
        switch self {
        case .broken, .cutOff: true
        case .refused(let status, _): [408, 503].contains(status)
        case .unreachable, .untrusted, .unusableCertificates, .unsendable, .redirected, .unreadable: false
        }
    }
}
