import HTTPTypes
import OvationTesting
import OvationWire
import Testing

/// A browser's part of the console's conversation: cookies, and the hidden fields of forms.
struct ConsoleClient {
    let server: TestServer
    var cookies: [String: String] = [:]
    /// Of the page that was read last.
    var csrf = ""

    /// Signed in with the admin key of the test server.
    static func signedIn(to server: TestServer) async throws -> ConsoleClient {
        var client = ConsoleClient(server: server)
        let answer = try await client.signIn(TestServer.clientID, TestServer.clientSecret)
        try #require(answer.status == .seeOther, "\(answer.text)")
        _ = try await client.get("/console")
        return client
    }

    mutating func signIn(_ id: String, _ secret: String, next: String = "") async throws -> TestServer.Answer {
        _ = try await get("/console/sign-in")
        return try await post(
            "/console/sign-in", [("client_id", id), ("client_secret", secret), ("next", next)])
    }

    mutating func get(_ path: String, headers: [(String, String)] = []) async throws -> TestServer.Answer {
        let answer = try await server.send(.get, path, token: nil, headers: headers + cookieHeader)
        keep(answer)
        return answer
    }

    /// - Parameter csrf: nil for that of the page read last.
    mutating func post(
        _ path: String, _ fields: [(String, String)] = [], csrf: String? = nil, headers: [(String, String)] = []
    ) async throws -> TestServer.Answer {
        let form = ([("csrf", csrf ?? self.csrf)] + fields)
            .map { "\($0.0)=\(PercentEncoding.encode(segment: $0.1))" }.joined(separator: "&")
        let answer = try await server.send(.post, path, token: nil, body: form, headers: headers + cookieHeader)
        keep(answer)
        return answer
    }

    /// Posts, and follows to where the answer leads.
    mutating func submit(_ path: String, _ fields: [(String, String)] = []) async throws -> TestServer.Answer {
        let answer = try await post(path, fields)
        try #require(answer.status == .seeOther, "\(answer.status) \(answer.text.prefix(3000))")
        return try await get(answer.header("Location") ?? "")
    }

    /// Posts, answers the question that comes first as its page would, and follows to where that leads.
    mutating func confirm(_ path: String, _ fields: [(String, String)] = []) async throws -> TestServer.Answer {
        let question = try await post(path, fields)
        try #require(question.isQuestion, "\(question.status) \(question.text.prefix(3000))")
        return try await submit(path, question.hiddenFields)
    }

    private var cookieHeader: [(String, String)] {
        cookies.isEmpty ? [] : [("Cookie", cookies.map { "\($0.key)=\($0.value)" }.joined(separator: "; "))]
    }

    private mutating func keep(_ answer: TestServer.Answer) {
        for cookie in answer.headers[values: .setCookie] {
            let pair = cookie.prefix { $0 != ";" }.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard pair.count == 2 else { continue }
            cookies[String(pair[0])] = cookie.contains("Max-Age=0") ? nil : String(pair[1])
        }
        if let range = answer.text.firstRange(of: "name=\"csrf\" value=\"") {
            csrf = String(answer.text[range.upperBound...].prefix { $0 != "\"" })
        }
    }
}

extension TestServer.Answer {
    /// Whether a page asks before it does something.
    var isQuestion: Bool { text.contains("<input type=\"hidden\" name=\"confirmed\"") }

    /// Of the form in the page's own part.
    var hiddenFields: [(String, String)] {
        let main = text.firstRange(of: "<main").map { String(text[$0.lowerBound...]) } ?? ""
        return main.matches(of: /<input type="hidden" name="([^"]*)" value="([^"]*)">/).map { match in
            let value = String(match.2).replacing("&lt;", with: "<").replacing("&gt;", with: ">")
                .replacing("&quot;", with: "\"").replacing("&#39;", with: "'").replacing("&amp;", with: "&")
            return (String(match.1), value)
        }.filter { $0.0 != "csrf" }
    }
}
