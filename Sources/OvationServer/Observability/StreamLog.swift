import Hummingbird
import Logging
import OvationCore
import OvationWire

/// Why an answer that is written bit by bit has ended early, without an error of the server.
enum StreamEnd: Error {
    /// The connection is closed.
    case readerGone
    /// The reader has taken nothing for too long.
    case readerStuck
    case serverStopping

    var reason: String {
        switch self {
        case .readerGone: "the reader is gone"
        case .readerStuck: "the reader took nothing any more"
        case .serverStopping: "the server is stopping"
        }
    }
}

/// Logs answers that broke off: their status was sent before the error, so nothing else would report it.
struct StreamLog: Sendable {
    let metrics: ServerMetrics
    let clock: WallClock
    let logger: Logger

    /// Every answer without a length is written bit by bit, for any endpoint.
    /// - Parameter place: method and path template, or the console.
    func watch(_ response: inout Response, place: String, requestID: String) {
        guard response.body.contentLength == nil else { return }
        let (body, log, status) = (response.body, self, response.status.code)
        response.body = ResponseBody { writer in
            do {
                try await body.write(writer)
            } catch {
                log.note(error, status: status, place: place, requestID: requestID)
                throw error
            }
        }
    }

    /// - Parameter status: the status that the reader got.
    func note(_ error: any Error, status: Int, place: String, requestID: String) {
        var metadata: Logger.Metadata = ["endpoint": "\(place)", "request_id": "\(requestID)"]
        switch error {
        case let end as StreamEnd:
            metadata["reason"] = "\(end.reason)"
            logger.log(level: end == .readerGone ? .debug : .info, "a stream broke off", metadata: metadata)
        case is CancellationError:
            metadata["reason"] = "it was cut off"
            logger.info("a stream broke off", metadata: metadata)
        default:
            let problem = Problem(thrown: error)
            metadata["code"] = "\(problem.code.rawValue)"
            if let cause = problem.cause { metadata["reason"] = "\(cause)" }
            logger.log(level: problem.isOurs ? .error : .info, "a stream broke off", metadata: metadata)
            guard problem.code.status.kind == .serverError else { return }
            metrics.note(
                ServerMetrics.Failure(
                    at: clock.now(), place: place, status: status, problem: problem, requestID: requestID))
        }
    }
}

extension Problem {
    /// Whether an operator has to look at the server: not if a client can correct the error, or if it passes by itself.
    var isOurs: Bool { [.internalError, .storeUnavailable, .storeDamaged, .storageFull].contains(code) }
}
