import HTTPTypes
import Hummingbird
import OvationWire

/// `GET /`: what this server is. Clients probe the bare host before they use it. A browser is led to the console.
struct About: BodyEndpoint {
    let version: String
    let region: String
    let hasConsole: Bool
    let basePath: BasePath

    func respond(to call: Call) async throws -> Response {
        guard hasConsole else { return answer(to: call).response }
        let isBrowser = About.isBrowser(call.request.headers[values: .accept])
        var response = isBrowser ? Response.redirect(to: ConsolePath.overview) : answer(to: call).response
        response.headers[.vary] = "Accept"
        return response
    }

    /// Browsers ask for pages in HTML or XHTML. Java's own client asks for HTML, GIF and JPEG whatever it wants, and is no
    /// browser.
    static func isBrowser(_ accept: [String]) -> Bool {
        let types = accept.flatMap { $0.split(separator: ",") }.map { range in
            range.prefix { $0 != ";" }.filter { $0 != " " }.lowercased()
        }
        return types.contains("text/html")
            && (types.contains("application/xhtml+xml") || types.allSatisfy { $0 == "text/html" })
    }

    func answer(to call: Call) -> BodyAnswer<Bodies.About> {
        var body = Bodies.About()
        body.name = "Ovation"
        body.version = version
        body.region = region
        body.api = basePath.text + Endpoint.openAPI.path
        body.token = basePath.text + Endpoint.createToken.path
        return BodyAnswer(body)
    }
}
