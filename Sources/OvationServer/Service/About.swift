import Hummingbird
import OvationWire

/// `GET /`: what this server is. Clients probe the bare host before they use it.
struct About: BodyEndpoint {
    let version: String
    let region: String

    func answer(to call: Call) -> BodyAnswer<Bodies.About> {
        var body = Bodies.About()
        body.name = "Ovation"
        body.version = version
        body.region = region
        body.api = Endpoint.openAPI.path
        body.token = Endpoint.createToken.path
        return BodyAnswer(body)
    }
}
