import Hummingbird
import OvationCore
import OvationWire

/// `PATCH /v2/audience/sections/{section}/folders/{folder}` with any of `{name, description}`
struct ChangeFolder: BodyEndpoint, InputEndpoint {
    typealias Input = Bodies.FolderChange

    let directory: Directory
    let limits: Limits

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.Folder> {
        let section = try call.caller().section(call.path.section()).discriminator
        let discriminator = try call.path.folder()
        let body = try await input(of: call)
        guard body.discriminator == nil || body.discriminator == discriminator else {
            throw Problem(.conflict, "A discriminator is fixed for good.")
        }
        let snapshot = try await directory.edit(EditContext(call)) { catalogue throws(Problem) in
            let folder = try catalogue.listedFolder(discriminator, in: section)
            var head = folder.head
            if let name = body.name { head.name = name }
            if let description = body.description { head.description = description }
            return head == folder.head ? [] : [.folder(.changed(head))]
        }
        return call.changed(Bodies.Folder(try snapshot.catalogue.listedFolder(discriminator, in: section)))
    }
}
