import OvationCore
import OvationWire

/// Addresses of pages, as other pages link to them.
enum ConsolePath {
    static let overview = "/console"
    static let signIn = "/console/sign-in"
    /// Before the secret part of a one-time link.
    static let enter = "/console/enter/"
    static let live = "/console/live"
    static let rejections = "/console/rejections"
    static let keys = "/console/keys"
    static let sections = "/console/sections"
    static let keyspaces = "/console/keyspaces"
    static let channels = "/console/channels"
    static let jobs = "/console/jobs"
    /// Before the operation of an endpoint.
    static let docs = "/console/docs/"

    static func job(_ id: String) -> String { jobs + "/" + id }

    static func suppressions(_ channel: Discriminator<OvationCore.Channel>) -> String {
        "\(channels)/\(channel.text)/suppressions"
    }

    static func eventTypes(_ section: Discriminator<Section>) -> String {
        "/console/sections/\(section.text)/event-types"
    }

    static func eventType(_ eventType: EventType) -> String {
        eventTypes(eventType.section) + "/" + eventType.discriminator.text
    }

    static func attributes(_ section: Discriminator<Section>) -> String {
        "/console/sections/\(section.text)/attributes"
    }

    static func attribute(_ attribute: Attribute) -> String {
        attributes(attribute.section) + "/" + attribute.discriminator.text
    }

    static func tags(_ section: Discriminator<Section>) -> String { "/console/sections/\(section.text)/tags" }

    static func folders(_ section: Discriminator<Section>) -> String { "/console/sections/\(section.text)/folders" }

    static func topics(_ section: Discriminator<Section>) -> String { "/console/sections/\(section.text)/topics" }

    static func exports(_ section: Discriminator<Section>) -> String { "/console/sections/\(section.text)/exports" }

    static func profile(id: String) -> String { "/console/profiles/\(id)" }

    /// By its key: leads to the page by id. For those who have only the key.
    static func profile(keyspace: String, key: String) -> String {
        "/console/keyspaces/\(keyspace)/profiles/\(PercentEncoding.encode(segment: key))"
    }

    static func rejection(section: String, id: String) -> String { "/console/sections/\(section)/rejections/\(id)" }

    static func rejectionCause(_ cause: String) -> String {
        "\(rejections)/causes/\(PercentEncoding.encode(segment: cause))"
    }

    static func key(_ clientID: String) -> String { keys + "/" + PercentEncoding.encode(segment: clientID) }

    /// A path with a query; parameters that are empty are left out.
    static func with(_ path: String, _ query: [(String, String)]) -> String {
        let pairs = query.filter { !$0.1.isEmpty }.map { "\($0.0)=\(PercentEncoding.encode(segment: $0.1))" }
        return pairs.isEmpty ? path : path + "?" + pairs.joined(separator: "&")
    }
}
