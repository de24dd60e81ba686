import OvationClient
import OvationWire

extension CommandFailure {
    /// What a person reads of a call that did not come to its end.
    init(_ failure: ClientFailure) {
        switch failure {
        case .unreachable(let address, let why):
            self.init("\(address) cannot be reached (\(why)). Is the server running?")
        case .untrusted(let address, let why):
            self.init(
                "The certificate of \(address) is not trusted: \(why). If you know that it is your server, give the file of "
                    + "its certificate, or of who signed it, with --ca or in SSL_CERT_FILE.")
        case .unusableCertificates(let file):
            self.init("\(file) has no certificates that can be read. Give a file with certificates in PEM.")
        case .unsendable(let header):
            self.init("The value of \(header) has line breaks or other control characters. Give one without them.")
        case .broken, .cutOff:
            self.init(failure.reason + ".")
        case .refused(let status, let problem):
            self.init(lines: CommandFailure.lines(status, problem))
        case .redirected(let address, let status, let origin):
            self.init(
                "\(address) sends on to \(origin ?? "another address") (\(status)), which is not followed: the API "
                    + "key is for the address that you named. If that is where your server is, give it with --url.")
        case .unreadable(let address, let why):
            self.init("\(address) answered with something else: is this the right host? \(why)")
        }
    }

    /// The failure of a call as a sentence; any other as it says itself.
    init(describing error: any Error) {
        if let failure = error as? ClientFailure { self.init(failure) } else { self.init("\(error)") }
    }

    private static func lines(_ status: Int, _ problem: Bodies.Problem) -> [String] {
        var lines = ["\(status): \(problem.detail.isEmpty ? "the server refused without saying why" : problem.detail)"]
        for error in problem.errors ?? [] {
            let line = error.line.map { "line \($0) " } ?? ""
            lines.append("  \(line)\(error.pointer): \(error.detail)")
        }
        if let done = problem.linesDone { lines.append("  (\(Figures.grouped(Int(done))) lines are done)") }
        if !problem.requestID.isEmpty { lines.append("  (request \(problem.requestID))") }
        return lines
    }
}

extension ClientFailure {
    /// Why a transfer broke, to be followed by what happens now.
    var reason: String {
        switch self {
        case .broken(let address, let why): "the connection to \(address) broke (\(why))"
        case .cutOff: "the answer broke off"
        case .refused(_, let problem): problem.detail.isEmpty ? "the server is busy" : problem.detail
        case .unreachable, .untrusted, .unusableCertificates, .unsendable, .redirected, .unreadable:
            CommandFailure(self).description
        }
    }
}
