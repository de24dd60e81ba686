import Hummingbird
import Logging
import OvationCore
import OvationWire

/// Why an answer that is written bit by bit has ended before its time, where nothing went wrong here.
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

/// Writes down what became of answers that broke off: their status went out before anything was wrong, so nobody else
/// would ever tell.
struct StreamLog: Sendable {
    let metrics: ServerMetrics
    let clock: WallClock
    let logger: Logger

    /// Every answer without a length is written bit by bit, whichever endpoint it is of.
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

    /// - Parameter status: what the reader was told before.
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
    /// Whether somebody has to look after the server: nothing that a client can put right, or that passes by itself.
    var isOurs: Bool { [.internalError, .storeUnavailable, .storeDamaged, .storageFull].contains(code) }
}
