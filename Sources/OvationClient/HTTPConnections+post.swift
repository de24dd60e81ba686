/// Why nobody answered to a body that was posted.
public struct PostFailure: Error, CustomStringConvertible {
    public let description: String
}

extension HTTPConnections {
    /// Posts JSON to an address, follows no redirect, and reads nothing of the answer but its status.
    /// - Parameter patience: how long all of it may take.
    /// - Throws: ``PostFailure`` where no answer came.
    public func post(json: [UInt8], to url: String, within patience: Duration) async throws -> Int {
        var call = HTTPCall(url: url, method: "POST", headers: [], body: .bytes(json), patience: patience)
        call.set("Content-Type", "application/json")
        do {
            return try await withThrowingTaskGroup(of: Int.self) { [call] group in
                group.addTask { try await self.exchange(call) { head, _ in head.status } }
                group.addTask {
                    try await Task.sleep(for: patience)
                    throw ConnectionFailure.broken(why: "no answer within \(patience.components.seconds) seconds")
                }
                defer { group.cancelAll() }
                return try await group.next() ?? 0
            }
        } catch let failure as ConnectionFailure {
            throw PostFailure(description: "\(failure)")
        }
    }
}
