import OvationClient
import OvationServer

/// Calls addresses outside for the server, with the client that the commands have.
struct CallbackCalls: CallbackSender {
    private let connections = HTTPConnections()

    func post(json: [UInt8], to url: String, within patience: Duration) async throws -> Int {
        try await connections.post(json: json, to: url, within: patience)
    }
}
