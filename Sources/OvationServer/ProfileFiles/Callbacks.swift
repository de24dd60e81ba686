import OvationCore
import OvationWire

/// Sends a body to an address outside.
public protocol CallbackSender: Sendable {
    /// Follows no redirect, and reads nothing of the answer but its status.
    /// - Parameter patience: how long all of it may take.
    /// - Throws: where no answer came.
    func post(json: [UInt8], to url: String, within patience: Duration) async throws -> Int
}

/// A host that the server may tell of what it has made.
public struct CallbackHost: Hashable, Sendable {
    /// In small letters.
    public let name: String
    /// nil: 80 and 443.
    public let port: Int?

    /// - Parameter text: a name or an address, and a port where it is another than 80 and 443: `example.com:8443`. nil: it is none.
    public init?(_ text: String) {
        guard let (name, port) = CallbackHost.read(text[...]) else { return nil }
        self.name = name
        self.port = port
    }

    /// A name of letters, digits, dots and hyphens, or an address in brackets.
    fileprivate static func read(_ text: Substring) -> (name: String, port: Int?)? {
        var (name, rest) = (text, text.suffix(0))
        if text.first == "[" {
            guard let end = text.firstIndex(of: "]") else { return nil }
            (name, rest) = (text[...end], text[text.index(after: end)...])
            guard name.dropFirst().dropLast().allSatisfy({ $0.isHexDigit || $0 == ":" || $0 == "." }) else {
                return nil
            }
        } else {
            let end = text.firstIndex(of: ":") ?? text.endIndex
            (name, rest) = (text[..<end], text[end...])
            guard !name.isEmpty, name.utf8.count <= 253,
                name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "." || $0 == "-") })
            else { return nil }
        }
        guard !rest.isEmpty else { return (name.lowercased(), nil) }
        guard rest.first == ":", rest.dropFirst().allSatisfy({ $0.isASCII && $0.isNumber }),
            let port = Int(rest.dropFirst()), (1...65535).contains(port)
        else { return nil }
        return (name.lowercased(), port)
    }
}

/// Tells addresses outside of what was made. Only hosts that the operator lists are told, so that nobody who has an API key can
/// make the server call what only it can reach.
public struct Callbacks: Sendable {
    private let hosts: [CallbackHost]
    private let sender: any CallbackSender

    public init(hosts: [CallbackHost], sender: any CallbackSender) {
        self.hosts = hosts
        self.sender = sender
    }

    /// - Throws: where the server does not call this.
    func check(_ url: String) throws(Problem) {
        guard url.utf8.count <= Limits.callbackURLBytesMax, let place = Callbacks.place(of: url) else {
            throw Problem(
                .validationFailed,
                "'callback_url' is an address such as https://example.com/exports, of up to \(Limits.callbackURLBytesMax) "
                    + "bytes, without a user and a fragment.")
        }
        let isListed = hosts.contains { host in
            host.name == place.name && (host.port.map { $0 == place.port } ?? [80, 443].contains(place.port))
        }
        guard isListed else { throw Callbacks.notListed }
    }

    static let notListed = Problem(
        .validationFailed,
        "This server may not call the host of 'callback_url'. Its operator lists the hosts with the setting 'callback_hosts'."
    )

    private static func place(of url: String) -> (name: String, port: Int)? {
        let isSecure = url.lowercased().hasPrefix("https://")
        guard isSecure || url.lowercased().hasPrefix("http://") else { return nil }
        guard url.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "#") && $0 != UInt8(ascii: "\\") })
        else { return nil }
        let rest = url.dropFirst(isSecure ? 8 : 7)
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        return CallbackHost.read(authority).map { ($0.name, $0.port ?? (isSecure ? 443 : 80)) }
    }

    /// Several times, where nobody answers with success.
    /// - Parameter attempts: how often it is tried.
    /// - Throws: where nobody has in the end.
    func tell(
        _ code: Int64, _ message: String, to url: String, attempts: Int = Limits.callbackAttemptsMax,
        beforeEach: () async throws -> Void = {}
    ) async throws {
        try check(url)
        let body = JSONWriter.write(.object([.init("code", JSONValue(code)), .init("message", .string(message))]))
        for attempt in 1...attempts {
            try await beforeEach()
            let status = try? await sender.post(json: body, to: url, within: Limits.callbackPatience)
            try Task.checkCancellation()
            if let status, (200..<300).contains(status) { return }
            if attempt < attempts { try await Task.sleep(for: Limits.callbackPause) }
        }
        throw FileJobFailure(
            Job.Failure(
                .jobFailed, "The callback was called \(attempts) times, and did not answer with a status of 200 to 299."
            ))
    }
}

/// Why a job fails that would fail again.
struct FileJobFailure: Error {
    let failure: Job.Failure

    init(_ failure: Job.Failure) { self.failure = failure }
}
