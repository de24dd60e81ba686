import Hummingbird
import OvationWire

/// `GET /health`: the process is alive and answers.
struct Health: BodyEndpoint {
    func answer(to call: Call) -> BodyAnswer<Bodies.Health> {
        var body = Bodies.Health()
        body.healthy = true
        return BodyAnswer(body)
    }
}
