import Hummingbird
import OvationCore
import OvationWire

extension Identity {
    /// The keyspaces that the API key may use.
    var keyspaces: [Keyspace] { catalogue.keyspaces.filter { key.mayRead($0.discriminator) } }

    /// An attribute of a section that this caller may see; a removed one too.
    func attribute(
        _ discriminator: Discriminator<Attribute>, in section: Discriminator<Section>
    ) throws(Problem) -> Attribute {
        let section = try self.section(section).discriminator
        guard let attribute = catalogue.attribute(discriminator, in: section) else {
            throw Problem.noAttribute(discriminator, in: section)
        }
        return attribute
    }

    /// A tag of a section that this caller may see; a removed one too.
    func tag(
        _ discriminator: Discriminator<OvationCore.Tag>, in section: Discriminator<Section>
    ) throws(Problem) -> OvationCore.Tag {
        let section = try self.section(section).discriminator
        guard let tag = catalogue.tag(discriminator, in: section) else {
            throw Problem.noTag(discriminator, in: section)
        }
        return tag
    }
}

extension Catalogue {
    /// An attribute that was not removed.
    func listedAttribute(
        _ discriminator: Discriminator<Attribute>, in section: Discriminator<Section>
    ) throws(Problem) -> Attribute {
        guard let attribute = attribute(discriminator, in: section), attribute.removedAt == nil else {
            throw Problem.noAttribute(discriminator, in: section)
        }
        return attribute
    }

    /// A tag that was not removed.
    func listedTag(
        _ discriminator: Discriminator<OvationCore.Tag>, in section: Discriminator<Section>
    ) throws(Problem) -> OvationCore.Tag {
        guard let tag = tag(discriminator, in: section), tag.removedAt == nil else {
            throw Problem.noTag(discriminator, in: section)
        }
        return tag
    }
}

extension AccountSnapshot {
    /// As admins see it, who alone change one.
    func fullAttribute(
        _ discriminator: Discriminator<Attribute>, in section: Discriminator<Section>, for call: Call
    ) throws(Problem) -> Bodies.FullAttribute {
        guard let attribute = catalogue.attribute(discriminator, in: section) else {
            throw Problem.noAttribute(discriminator, in: section)
        }
        let keyspaces = try call.caller().keyspaces
        return Bodies.FullAttribute(attribute, keyspaces: keyspaces, showsDrafts: true)
    }

    func fullTag(
        _ discriminator: Discriminator<OvationCore.Tag>, in section: Discriminator<Section>, for call: Call
    ) throws(Problem) -> Bodies.FullTag {
        guard let tag = catalogue.tag(discriminator, in: section) else {
            throw Problem.noTag(discriminator, in: section)
        }
        return Bodies.FullTag(tag, keyspaces: try call.caller().keyspaces)
    }
}
