public import OvationCore

/// A problem as clients read it: `application/problem+json` with `title`, a numeric `status` and `detail`, since they
/// look at the body and not at the status line; and ours: `code`, `request_id`, `errors`, `lines_done`.
public enum ProblemBody {
    public static let mediaType = "application/problem+json"

    /// - Parameter besides: members that another standard asks for.
    public static func write(
        _ problem: Problem, status: Int, title: String, requestID: String, besides: [JSONValue.Member] = []
    ) -> [UInt8] {
        JSONWriter.write(json(problem, status: status, title: title, requestID: requestID, besides: besides))
    }

    public static func json(
        _ problem: Problem, status: Int, title: String, requestID: String, besides: [JSONValue.Member] = []
    ) -> JSONValue {
        var members: [JSONValue.Member] = [
            .init("title", .string(title)),
            .init("status", JSONValue(status)),
            .init("detail", .string(problem.detail)),
            .init("code", .string(problem.code.rawValue)),
            .init("request_id", .string(requestID)),
        ]
        let listed = problem.errors.listed()
        if !listed.isEmpty { members.append(.init("errors", .array(listed.map(json)))) }
        let omitted = problem.errors.count - listed.count
        if omitted > 0 { members.append(.init("errors_omitted", JSONValue(omitted))) }
        if let lines = problem.linesDone { members.append(.init("lines_done", JSONValue(lines))) }
        return .object(members + besides)
    }

    public static func json(_ error: ItemError) -> JSONValue {
        var members: [JSONValue.Member] = []
        if let line = error.line { members.append(.init("line", JSONValue(line))) }
        if let index = error.index { members.append(.init("index", JSONValue(index))) }
        members.append(.init("pointer", .string(error.pointer)))
        members.append(.init("code", .string(error.code.rawValue)))
        members.append(.init("detail", .string(error.detail)))
        return .object(members)
    }
}
