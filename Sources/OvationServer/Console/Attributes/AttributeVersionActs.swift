import HTTPTypes
import Hummingbird
import OvationConsole
import OvationCore
import OvationWire

/// `/console/sections/{section}/attributes/{attribute}/versions/{version}/…`: to publish, to deprecate and to discard a
/// version, each after a question that says what integrations will notice.
enum AttributeVersionActs {
    private enum Act {
        case publish, deprecate, discard
    }

    @Sendable static func askToPublish(_ visit: Visit) async throws -> Response { try await ask(visit, .publish) }

    @Sendable static func askToDeprecate(_ visit: Visit) async throws -> Response { try await ask(visit, .deprecate) }

    @Sendable static func askToDiscard(_ visit: Visit) async throws -> Response { try await ask(visit, .discard) }

    @Sendable static func publish(_ visit: Visit) async throws -> Response {
        try await act(visit, .publish, "is published and current now.")
    }

    @Sendable static func deprecate(_ visit: Visit) async throws -> Response {
        try await act(
            visit, .deprecate,
            "is deprecated. It still takes values; new integrations will not pick it. To undo this, publish it again.")
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
            return visit.redirect(to: ConsolePath.attribute(try visit.attribute()), problem.detail, .error)
        }
    }

    /// - Parameter isAnew: whether the answer was given to an older question.
    private static func question(_ visit: Visit, _ act: Act, isAnew: Bool = false) async throws -> ConfirmPage {
        let attribute = try visit.liveAttribute()
        let id = try visit.path.version()
        guard let version = attribute.versions.first(where: { $0.id == id }) else { throw Problem.noVersion(id) }
        // What cannot be is not asked.
        try await call(act, id, of: attribute, visit, isCheckOnly: true)
        let words = Words(attribute: attribute, version: version)
        let again = isAnew ? ["The attribute was changed since you were asked. Nothing was done yet."] : []
        let (verb, explanation, consequences, danger) =
            switch act {
            case .deprecate: ("Deprecate", words.deprecating, words.afterDeprecation, true)
            case .discard: ("Discard", words.discarding, words.afterDiscard, true)
            case .publish: ("Publish", words.publishing, words.afterPublication, words.changesType)
            }
        let what = version.state == .draft ? "draft version \(id)" : "version \(id)"
        let suffix = verb == "Publish" && version.state == .published ? " again" : ""
        return ConfirmPage(
            heading: "\(verb) \(what) of ‘\(attribute.name)’\(suffix)?", explanation: again + [explanation],
            consequences: consequences, action: visit.request.uri.path,
            hidden: [.init(name: "seen", value: attribute.seen(at: 0, visit.catalogue))],
            button: "\(verb) version \(id)\(suffix)", danger: danger, cancel: ConsolePath.attribute(attribute))
    }

    // MARK: The act

    private static func act(_ visit: Visit, _ act: Act, _ done: String) async throws -> Response {
        let attribute = try visit.liveAttribute()
        let version = try visit.path.version()
        do {
            // The answer counts for what was asked, and that has changed.
            guard visit.form["seen"] == attribute.seen(at: 0, visit.catalogue) else {
                return await visit.page(
                    try await question(visit, act, isAnew: true), area: .eventTypes, status: .conflict)
            }
            try await call(act, version, of: attribute, visit, isCheckOnly: false)
            return visit.redirect(to: ConsolePath.attribute(attribute), "Version \(version) \(done)")
        } catch let problem as Problem where problem.code.status.kind == .clientError {
            let detail =
                problem.code == .preconditionFailed
                ? "A definition was changed at this moment. Nothing was done; try again." : problem.detail
            return visit.redirect(to: ConsolePath.attribute(attribute), detail, .error)
        }
    }

    /// The definitions have to be those that were seen. The endpoint asks for this where a version is published again.
    private static func call(
        _ act: Act, _ version: OvationCore.VersionID, of attribute: Attribute, _ visit: Visit, isCheckOnly: Bool
    ) async throws {
        let path: KeyValuePairs = [
            "section": attribute.section.text, "attribute": attribute.discriminator.text, "version": String(version),
        ]
        var headers: HTTPFields = isCheckOnly ? .validateOnly : [:]
        headers[.ifMatch] = visit.identity.account.entityTag(for: visit.identity.key)
        switch act {
        case .publish: try await visit.call(PublishAttributeVersion.self, path, headers: headers)
        case .deprecate: try await visit.call(DeprecateAttributeVersion.self, path, headers: headers)
        case .discard: try await visit.act(DiscardAttributeVersion.self, path, headers: headers)
        }
    }
}

/// What integrations notice when the current version of an attribute changes, in sentences.
private struct Words {
    let attribute: Attribute
    let version: AttributeVersion

    /// The version that is current until then; nil: none is, or it is the one in question.
    private var current: AttributeVersion? {
        attribute.currentVersion.flatMap { $0.id == version.id ? nil : $0 }
    }

    var changesType: Bool { current.map { $0.content != version.content } ?? false }

    var publishing: String {
        "It becomes the current version of the attribute"
            + (version.state == .draft ? ", and integrations see it for the first time." : " again.")
    }

    var afterPublication: [String] {
        guard let current else {
            return ["The attribute has no current version now. From then on integrations find one, and can set it."]
        }
        let type =
            "The type changes from \(current.content.label) to \(version.content.label). A value that does not fit gets 400."
        return [
            "Version \(current.id), the current one, becomes deprecated. Requests that name it are stored as before."
        ] + (changesType ? [type] : []) + ["To undo it, publish version \(current.id) again."]
    }

    var deprecating: String {
        "No other version takes its place: the attribute has no current version until you publish or add one."
    }

    var afterDeprecation: [String] {
        [
            "Integrations that look for the current version find none, and stop setting the attribute.",
            "Requests that name version \(version.id) are stored as before.",
            "To undo it, publish version \(version.id) again.",
        ]
    }

    var discarding: String { "A draft that was discarded takes no values and does not come back. You cannot undo it." }

    var afterDiscard: [String] { ["Its id is never used again."] }
}
