import Hummingbird
import OvationCore
import OvationWire

/// `POST /v2/audience/sections/{section}/folders` with `{name, description?, discriminator?}`
struct CreateFolder: BodyEndpoint, InputEndpoint {
    typealias Input = Bodies.FolderRequest

    let directory: Directory
    let limits: Limits

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.Folder> {
        let section = try call.caller().section(call.path.section()).discriminator
        let body = try await input(of: call)
        var random = SystemRandomNumberGenerator()
        let discriminator = body.discriminator ?? .made(fromName: body.name, using: &random)
        let snapshot = try await directory.edit(EditContext(call)) { catalogue in
            [
                .folder(
                    .created(
                        catalogue.creatingFolder(
                            named: body.name, description: body.description ?? "", discriminator: discriminator,
                            in: section, using: &random)))
            ]
        }
        let made = try snapshot.catalogue.listedFolder(discriminator, in: section)
        return call.changed(Bodies.Folder(made), status: .created)
    }
}
