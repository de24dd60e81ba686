import Hummingbird
import OvationConsole
import OvationCore
import OvationWire

/// `GET /console/live`, and `GET /console/live/stream` which feeds it
enum Live {
    @Sendable static func show(_ visit: Visit) async throws -> Response {
        let section = try visit.query("section")
        let outcome = try visit.query("outcome")
        let eventType = try visit.query("event_discriminator")
        // A filter that the stream would refuse is refused here, where somebody reads it.
        let query = [("section", section), ("outcome", outcome), ("event_discriminator", eventType)]
        let stream = StreamLive(feed: visit.console.feed, directory: visit.console.directory)
        _ = try stream.filter(visit.console.api.makeCall(.streamLive, .init(query: query), as: visit.caller))
        let types = visit.catalogue.eventTypes.filter {
            $0.removedAt == nil && (section.isEmpty || $0.section.text == section)
        }
        let page = LivePage(
            sections: visit.catalogue.sections.map {
                Choice(value: $0.discriminator.text, label: $0.name, selected: $0.discriminator.text == section)
            },
            outcomes: PostReport.Outcome.allCases.map {
                Choice(value: $0.rawValue, label: $0.rawValue, selected: $0.rawValue == outcome)
            },
            eventTypes: types.map {
                Choice(
                    value: $0.discriminator.text, label: $0.name, hint: $0.discriminator.text,
                    selected: $0.discriminator.text == eventType)
            },
            streamHref: ConsolePath.with("/console/live/stream", query))
        return await visit.page(page, area: .live)
    }

    @Sendable static func stream(_ visit: Visit) async throws -> Response {
        var query: [(String, String)] = []
        for name in ["section", "outcome", "event_discriminator"] { query.append((name, try visit.query(name))) }
        let call: Call = visit.console.api.makeCall(.streamLive, .init(query: query), as: visit.caller)
        let stream = StreamLive(feed: visit.console.feed, directory: visit.console.directory)
        return try stream.respond(to: call) { report in
            // As things stand now: the session may have ended, or may have been masked. To follow is not to use: a
            // page that nobody looks at does not keep its session alive.
            guard let current = visit.current else { return nil }
            return report.map { json($0, current) } ?? .null
        }
    }

    /// What the page shows of a report: with names, and with addresses of other pages.
    private static func json(_ report: PostReport, _ visit: Visit) -> JSONValue {
        let catalogue = visit.catalogue
        let client = visit.console.directory.identity(clientID: report.clientID)?.key.name ?? report.clientID
        var members: [JSONValue.Member] = [
            .init("at", .string(report.at.rfc3339)),
            .init("outcome", .string(report.outcome.rawValue)),
            .init("section", .string(report.section.text)),
            .init("section_name", .string(catalogue.section(report.section)?.name ?? "")),
            .init("keyspace", .string(report.keyspace?.text ?? "")),
            .init("keyspace_name", .string(report.keyspace.flatMap(catalogue.keyspace)?.name ?? "")),
            .init("key", .string(report.key.map(visit.shown(key:)) ?? "bulk upload")),
            .init("events", JSONValue(report.events)),
            .init("client", .string(client)),
            .init(
                "types",
                .array(
                    report.types.map { type in
                        .object([
                            .init("name", .string(type.name)),
                            .init("discriminator", .string(type.discriminator.text)),
                            .init("count", JSONValue(type.events)),
                        ])
                    })),
        ]
        // A masked key must not be read from the link.
        if !visit.session.isMasked, let keyspace = report.keyspace, let key = report.key {
            let href = visit.console.basePath.text + ConsolePath.profile(keyspace: keyspace.text, key: key)
            members.append(.init("profile_href", .string(href)))
        }
        guard let problem = report.problem, let key = report.key else { return .object(members) }
        members += [
            .init("code", .string(problem.code.rawValue)),
            .init("detail", .string(visit.masked(problem.detail, key))),
            .init(
                "errors",
                .array(
                    problem.errors.map { error in
                        .object([
                            .init("pointer", .string(visit.masked(error.pointer, key))),
                            .init("detail", .string(visit.masked(error.detail, key))),
                        ])
                    })),
        ]
        if let excerpt = report.excerpt { members.append(.init("excerpt", .string(visit.masked(excerpt, key)))) }
        if let id = report.rejection {
            let path = ConsolePath.rejection(section: report.section.text, id: String(id))
            let href = visit.console.basePath.text + path
            members.append(.init("rejection_href", .string(href)))
        }
        return .object(members)
    }
}

extension Visit {
    /// A text in which a profile key may stand, as this session may see it.
    func masked(_ text: String, _ key: String) -> String {
        session.isMasked ? Visit.masked(text, key) : text
    }

    /// Whatever the case of ASCII letters, since people write addresses in every way. However long the two are and however
    /// often the key begins in the text, each byte of it is looked at twice at most (Knuth, Morris and Pratt).
    static func masked(_ text: String, _ key: String) -> String {
        // Of a key that was cut when it was kept, the beginning is all there is to look for.
        let kept = key.utf8.count >= Limits.rejectionKeyBytesMax - 3 && key.hasSuffix("…") ? key.dropLast() : key[...]
        let wanted = kept.utf8.prefix(Limits.rejectionKeyBytesMax).map(lowercase)
        // A very short key stands in many words that have nothing to do with it.
        guard wanted.count >= 4, let mask = mask(key) else { return text }
        // Where to go on in the key when the next byte does not fit: as far as its beginning is also its end so far.
        var fallbacks = [0]
        var length = 0
        for byte in wanted.dropFirst() {
            while length > 0, wanted[length] != byte { length = fallbacks[length - 1] }
            if wanted[length] == byte { length += 1 }
            fallbacks.append(length)
        }
        var masked: [UInt8] = []
        masked.reserveCapacity(text.utf8.count)
        length = 0
        for byte in text.utf8 {
            masked.append(byte)
            let byte = lowercase(byte)
            while length > 0, wanted[length] != byte { length = fallbacks[length - 1] }
            if wanted[length] == byte { length += 1 }
            guard length == wanted.count else { continue }
            masked.removeLast(length)
            masked += mask.utf8
            length = 0
        }
        return String(decoding: masked, as: UTF8.self)
    }

    private static func lowercase(_ byte: UInt8) -> UInt8 {
        (65...90).contains(byte) ? byte | 0x20 : byte
    }
}
