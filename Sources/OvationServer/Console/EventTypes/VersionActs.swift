import HTTPTypes
import Hummingbird
import OvationConsole
import OvationCore
import OvationWire

/// `/console/sections/{section}/event-types/{event}/versions/{version}/…`: to publish, to deprecate and to discard a
/// version, each after a question that says what integrations will notice.
enum VersionActs {
    private enum Act {
        case publish, deprecate, discard
    }

    @Sendable static func askToPublish(_ visit: Visit) async throws -> Response {
        try await ask(visit, .publish)
    }

    @Sendable static func askToDeprecate(_ visit: Visit) async throws -> Response {
        try await ask(visit, .deprecate)
    }

    @Sendable static func askToDiscard(_ visit: Visit) async throws -> Response {
        try await ask(visit, .discard)
    }

    @Sendable static func publish(_ visit: Visit) async throws -> Response {
        try await act(visit, .publish, "is published and current now.")
    }

    @Sendable static func deprecate(_ visit: Visit) async throws -> Response {
        try await act(
            visit, .deprecate,
            "is deprecated. It still takes events; new integrations will not pick it. To undo this, publish it again.")
    }

    @Sendable static func discard(_ visit: Visit) async throws -> Response {
        try await act(visit, .discard, "is discarded.")
    }

    // MARK: The question

    private static func ask(_ visit: Visit, _ act: Act) async throws -> Response {
        do {
            return await visit.page(try await question(visit, act), area: .eventTypes)
        } catch let problem as Problem where problem.code == .conflict {
            // There is nothing to ask: somebody else has done it, or the page is an old one.
            return visit.redirect(to: ConsolePath.eventType(try visit.eventType()), problem.detail, .error)
        }
    }

    /// - Parameter isAnew: whether the answer was given to an older question.
    private static func question(_ visit: Visit, _ act: Act, isAnew: Bool = false) async throws -> ConfirmPage {
        let type = try visit.liveEventType()
        let id = try visit.path.version()
        guard let version = type.versions.first(where: { $0.id == id }) else { throw Problem.noVersion(id) }
        // What cannot be is not asked.
        try await call(act, version.id, of: type, visit, isCheckOnly: true)
        let usage = try await visit.usage(of: try visit.section())
        let preview = Preview(type: type, version: version, usage: usage)
        let again = isAnew ? ["The event type was changed since you were asked. Nothing was done yet."] : []
        let (verb, explanation, consequences, danger) =
            switch act {
            case .deprecate: ("Deprecate", preview.deprecating, preview.afterDeprecation, true)
            case .discard: ("Discard", preview.discarding, preview.afterDiscard, true)
            default: ("Publish", preview.publishing, preview.afterPublication, !preview.breaks.isEmpty)
            }
        let what = version.state == .draft ? "draft version \(id)" : "version \(id)"
        let suffix = verb == "Publish" && version.state == .published ? " again" : ""
        return ConfirmPage(
            heading: "\(verb) \(what) of ‘\(type.name)’\(suffix)?", explanation: again + explanation,
            consequences: consequences, action: visit.request.uri.path,
            hidden: [.init(name: "seen", value: type.seen(at: 0))], button: "\(verb) version \(id)\(suffix)",
            danger: danger, cancel: ConsolePath.eventType(type))
    }

    // MARK: The act

    private static func act(_ visit: Visit, _ act: Act, _ done: String) async throws -> Response {
        let type = try visit.liveEventType()
        let version = try visit.path.version()
        do {
            // The answer counts for what was asked, and that has changed.
            guard visit.form["seen"] == type.seen(at: 0) else {
                return await visit.page(
                    try await question(visit, act, isAnew: true), area: .eventTypes, status: .conflict)
            }
            try await call(act, version, of: type, visit, isCheckOnly: false)
            return visit.redirect(to: ConsolePath.eventType(type), "Version \(version) \(done)")
        } catch let problem as Problem where problem.code.status.kind == .clientError {
            let detail =
                problem.code == .preconditionFailed
                ? "A definition was changed at this moment. Nothing was done; try again." : problem.detail
            return visit.redirect(to: ConsolePath.eventType(type), detail, .error)
        }
    }

    /// The definitions have to be those that were seen. The endpoint asks for this where a version is published again.
    private static func call(
        _ act: Act, _ version: EventVersion.ID, of type: EventType, _ visit: Visit, isCheckOnly: Bool
    ) async throws {
        let path: KeyValuePairs = [
            "section": type.section.text, "event": type.discriminator.text, "version": String(version),
        ]
        var headers: HTTPFields = isCheckOnly ? .validateOnly : [:]
        headers[.ifMatch] = visit.identity.account.entityTag(for: visit.identity.key)
        switch act {
        case .publish: try await visit.call(PublishVersion.self, path, headers: headers)
        case .deprecate: try await visit.call(DeprecateVersion.self, path, headers: headers)
        case .discard: try await visit.act(DiscardVersion.self, path, headers: headers)
        }
    }
}

/// What integrations notice when the current version of an event type changes, in sentences.
private struct Preview {
    let type: EventType
    let version: EventVersion
    let usage: [EventVersion.ID: Bodies.VersionUsage]

    /// The version that is current until then; nil: none is, or it is the one in question.
    private var current: EventVersion? { type.currentVersion.flatMap { $0.id == version.id ? nil : $0 } }

    /// What is wrong with a post of the version that has the fields of the one that was current.
    var breaks: [String] {
        guard let current else { return [] }
        return FieldComparison(old: current.schema.fields, new: version.schema.fields).breaks
    }

    var publishing: [String] {
        [
            "It becomes the current version of the event type"
                + (version.state == .draft ? ", and integrations see it for the first time." : " again.")
        ]
    }

    var afterPublication: [String] {
        guard let current else {
            return ["The event type has no current version now. From then on integrations find one, and can post it."]
        }
        return [
            "Version \(current.id), the current one, becomes deprecated. Posts that name it are stored as before.",
            posted(current),
        ]
            + breaks.map { "A post of version \(version.id) with the fields of version \(current.id) gets 400: \($0)." }
            + ["To undo it, publish version \(current.id) again."]
    }

    var deprecating: [String] {
        ["No other version takes its place: the event type has no current version until you publish or add one."]
    }

    var afterDeprecation: [String] {
        [
            "Integrations that look for the current version find none, and stop posting.",
            "Posts that name version \(version.id) are stored as before.", posted(version),
            "To undo it, publish version \(version.id) again.",
        ]
    }

    var discarding: [String] {
        ["A draft that was discarded takes no events and does not come back. You cannot undo it."]
    }

    var afterDiscard: [String] {
        ["A post of version \(version.id) gets 400 from then on. Its id is never used again.", posted(version)]
    }

    private func posted(_ version: EventVersion) -> String { Text.posted(usage[version.id], "version \(version.id)") }
}

extension Text {
    /// How much something is used: the nearest that the store knows to who would notice.
    static func posted(_ usage: Bodies.VersionUsage?, _ what: String) -> String {
        guard let usage, usage.eventCount > 0 else { return "No events of \(what) are stored." }
        return count(Int(usage.eventCount), "event", "events")
            + " of \(what) \(usage.eventCount == 1 ? "is" : "are") stored; "
            + "the last one arrived at \(Moment(usage.lastSeenAt).text)."
    }
}
