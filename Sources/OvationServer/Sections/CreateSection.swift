import Hummingbird
import OvationCore
import OvationWire

/// `POST /audience/sections` with `{name, discriminator?}`
struct CreateSection: BodyEndpoint, InputEndpoint {
    typealias Input = Bodies.SectionRequest

    let directory: Directory
    let limits: Limits

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.Section> {
        let body = try await input(of: call)
        var random = SystemRandomNumberGenerator()
        let discriminator = body.discriminator ?? .made(fromName: body.name, using: &random)
        let snapshot = try await directory.edit(EditContext(call)) { catalogue in
            [
                .section(
                    .created(
                        catalogue.creatingSection(named: body.name, discriminator: discriminator, using: &random)))
            ]
        }
        return call.changed(Bodies.Section(try snapshot.section(discriminator)), status: .created)
    }
}
