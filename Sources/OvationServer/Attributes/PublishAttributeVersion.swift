import Hummingbird
import OvationCore
import OvationWire

/// `POST /audience/sections/{section}/attributes/{attribute}/versions/{version}/publish`: a draft becomes the current
/// version, or a deprecated version becomes current again, which needs `If-Match`: see ``PublishVersion``.
struct PublishAttributeVersion: BodyEndpoint {
    let directory: Directory

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.FullAttribute> {
        let (attribute, snapshot) = try await directory.editAttributeVersion(of: call) {
            version, attribute, catalogue throws(Problem) in
            if catalogue.attributeVersion(version)?.version.state == .published, call.expectedEntityTag == nil {
                throw Problem(
                    .conflict,
                    "Version \(version) was published before. To make it the current one again, read the attribute, and "
                        + "send its ETag with the header If-Match.")
            }
            return catalogue.publishing(version, of: attribute, at: call.receivedAt)
        }
        return call.changed(try snapshot.fullAttribute(attribute.discriminator, in: attribute.section, for: call))
    }
}

extension Directory {
    /// One change of the version that the path of the call names.
    func editAttributeVersion(
        of call: Call,
        _ change: (OvationCore.VersionID, SectionKey<Attribute>, Catalogue) throws(Problem) -> CatalogueChange
    ) async throws -> (SectionKey<Attribute>, AccountSnapshot) {
        let section = try call.caller().section(call.path.section()).discriminator
        let attribute = SectionKey(try call.path.attribute(), in: section)
        let version = try call.path.version()
        let snapshot = try await edit(EditContext(call)) { catalogue throws(Problem) in
            guard let found = catalogue.attributeVersion(version)?.attribute, found.section == section,
                found.discriminator == attribute.discriminator
            else { throw Problem.noVersion(version) }
            return [try change(version, attribute, catalogue)]
        }
        return (attribute, snapshot)
    }
}
