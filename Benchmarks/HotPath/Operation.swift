/// The operations with counted instructions, by the names of their thresholds.
public enum Operation: String, CaseIterable, Sendable {
    case decodeSingle = "decode-1"
    case decodeHundred = "decode-100"
    case token
    case path
    case timestamp
    case post
    case append

    /// Does the work `count` times.
    /// - Parameter folder: where an operation that writes may do so.
    /// - Returns: a sum over the results, which says that the work was done.
    @concurrent
    public func run(_ count: Int, with credentials: Credentials, in folder: String) async throws -> Int {
        if self == .append {
            let appends = try await Appends(path: folder + "/append.sqlite", profiles: 256)
            for _ in 0..<count { try await appends.append() }
            appends.close()
            return count
        }
        let hotPath = try await HotPath(credentials)
        var sum = 0
        for _ in 0..<count {
            switch self {
            case .decodeSingle: sum &+= hotPath.decodeSingle()
            case .decodeHundred: sum &+= hotPath.decodeHundred()
            case .token: sum &+= await hotPath.checkToken()
            case .path: sum &+= try hotPath.readPath()
            case .timestamp: sum &+= hotPath.readTimestamp()
            case .post: sum &+= try await hotPath.post()
            case .append: break
            }
        }
        return sum
    }
}
