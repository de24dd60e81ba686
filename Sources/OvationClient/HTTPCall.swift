/// A request as it goes over a connection.
struct HTTPCall: Sendable {
    var url: String
    /// Path of the Unix socket to connect to, instead of the host of the URL.
    var unixSocket: String?
    var method: String
    var headers: [(name: String, value: String)]
    var body = Body.none
    /// How long an answer may take to begin; nil: as long as anything moves.
    var patience: Duration?

    enum Body: Sendable {
        case none
        case bytes([UInt8])
        case source(any UploadSource)
    }

    mutating func set(_ name: String, _ value: String) {
        headers.removeAll { $0.name == name }
        headers.append((name, value))
    }
}

/// Where an answer begins.
struct HTTPHead: Sendable {
    var status = 0
    /// With names in small letters.
    var headers: [(name: String, value: String)] = []

    func first(_ name: String) -> String? { headers.first { $0.name == name }?.value }
}

/// Why a call did not come to its end, as its connection knows it. ``APIClient`` adds the address.
enum ConnectionFailure: Error {
    case broken(why: String)
    case untrusted(why: String)
    case unusableCertificates(file: String)
    case unsendable(header: String)
}
