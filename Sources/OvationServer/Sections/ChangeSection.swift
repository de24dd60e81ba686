import Hummingbird
import OvationCore
import OvationWire

/// `PATCH /audience/sections/{section}` with `{name}`
struct ChangeSection: BodyEndpoint, InputEndpoint {
    typealias Input = Bodies.SectionChange

    let directory: Directory
    let limits: Limits

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.Section> {
        let discriminator = try call.caller().section(call.path.section()).discriminator
        let body = try await input(of: call)
        guard body.discriminator == nil || body.discriminator == discriminator else {
            throw Problem(.conflict, "A discriminator is fixed for good.")
        }
        let snapshot = try await directory.edit(EditContext(call)) { catalogue in
            guard let name = body.name, name != catalogue.section(discriminator)?.name else { return [] }
            return [.section(.renamed(discriminator, name: name))]
        }
        return call.changed(Bodies.Section(try snapshot.section(discriminator)))
    }
}
