/// Cuts an answer into lines as it comes; what has no line end did not come whole.
struct LineReader {
    static let mediaType = "application/x-ndjson"

    private var held: [UInt8] = []
    private var start = 0

    /// nil at the end.
    mutating func next(of answer: inout AnswerBody) async throws -> [UInt8]? {
        // Before what comes now there is no line end.
        var looked = start
        while true {
            if let end = held[looked...].firstIndex(of: UInt8(ascii: "\n")) {
                defer { start = end + 1 }
                return Array(held[start..<end])
            }
            held.removeSubrange(..<start)
            start = 0
            looked = held.count
            guard let part = try await answer.next() else { return nil }
            held.append(contentsOf: part)
        }
    }
}
