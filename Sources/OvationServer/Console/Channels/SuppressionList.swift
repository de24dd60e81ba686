import HTTPTypes
import Hummingbird
import OvationConsole
import OvationCore
import OvationWire

/// `/console/channels/{channel}/suppressions`: the suppressed addresses of a channel, and one address that is looked up
enum SuppressionList {
    private static let pageSize = 50

    @Sendable static func show(_ visit: Visit) async throws -> Response {
        await visit.page(try await page(visit), area: .channels)
    }

    /// A post, since an address is personal and stands in no address of a page.
    @Sendable static func lookUp(_ visit: Visit) async throws -> Response {
        do {
            return await visit.page(try await page(visit, found: try await found(visit)), area: .channels)
        } catch let problem as Problem where problem.code.status.kind == .clientError {
            return try await refused(visit, problem)
        }
    }

    /// The page with the form as it was sent, and what is wrong with it.
    static func refused(_ visit: Visit, _ problem: Problem) async throws -> Response {
        let control =
            problem.errors.first?.pointer == "/reason" || problem.detail.hasPrefix("'reason'") ? "reason" : "address"
        let errors = [FormError(control: control, message: problem.errors.first?.detail ?? problem.detail)]
        return await visit.page(
            try await page(visit, found: nil, errors), area: .channels, status: problem.code.status)
    }

    /// The history of the address in the form.
    private static func found(_ visit: Visit) async throws -> SuppressionsPage.Found {
        let path: KeyValuePairs = ["channel": try visit.channel().discriminator.text, "address": visit.form["address"]]
        let keys = try await visit.keyNames()
        do {
            let changes = try await visit.call(
                ListSuppressionChanges.self, path, query: [("limit", String(pageSize))])
            return SuppressionsPage.Found(
                isSuppressed: changes.items.first?.isSuppressed ?? false,
                changes: changes.items.map { change in
                    .init(
                        at: Moment(change.changedAt), by: keys[change.changedBy] ?? change.changedBy,
                        isSuppressed: change.isSuppressed, source: visit.shown(words: change.source),
                        reason: visit.shown(words: change.reason))
                })
        } catch let problem as Problem where problem.code == .suppressionNotFound {
            return SuppressionsPage.Found(isSuppressed: false, changes: [])
        }
    }

    private static func page(
        _ visit: Visit, found: SuppressionsPage.Found? = nil, _ errors: [FormError] = []
    ) async throws -> SuppressionsPage {
        let channel = try visit.channel()
        let cursor = try visit.query("cursor")
        let list = try await visit.call(
            ListSuppressions.self, ["channel": channel.discriminator.text],
            query: [("limit", String(pageSize)), ("cursor", cursor)])
        let keys = try await visit.keyNames()
        let base = ConsolePath.suppressions(channel.discriminator)
        return SuppressionsPage(
            channel: channel.name, action: base,
            rows: list.items.map { item in
                .init(
                    hash: item.addressHash, since: Moment(item.modifiedAt),
                    by: keys[item.modifiedBy] ?? item.modifiedBy, source: visit.shown(words: item.source),
                    reason: visit.shown(words: item.reason))
            },
            nextHref: list.nextCursor.map { ConsolePath.with(base, [("cursor", $0)]) }, isLaterPage: !cursor.isEmpty,
            address: visit.session.isMasked ? "" : visit.form["address"],
            reason: visit.session.isMasked ? "" : visit.form["reason"], found: found, errors: errors)
    }
}

/// `/console/channels/{channel}/suppressions` and `…/lift`: suppresses an address, and lifts that
enum SuppressionActs {
    @Sendable static func askToSuppress(_ visit: Visit) async throws -> Response? {
        try await ask(visit) { path, channel in
            var body = Bodies.SuppressionRequest()
            (body.reason, body.source) = (visit.form["reason"], "Console")
            try await visit.act(PutSuppression.self, path, body: body, headers: .validateOnly)
            return ConfirmPage(
                heading: "Suppress \(visit.shown(key: visit.form["address"]))?",
                explanation: [
                    "Nothing is sent to this address by \(channel.name) any more, whatever anybody consents to."
                ],
                consequences: [
                    "It holds when the person is deleted, and when somebody with the address comes later.",
                    "The store keeps a hash of the address, and the reason. You can lift it by the address.",
                ],
                action: ConsolePath.suppressions(channel.discriminator), hidden: fields(visit),
                button: "Suppress the address",
                danger: true, cancel: ConsolePath.suppressions(channel.discriminator))
        }
    }

    @Sendable static func askToLift(_ visit: Visit) async throws -> Response? {
        try await ask(visit) { path, channel in
            try await visit.act(LiftSuppression.self, path, query: why(visit), headers: .validateOnly)
            return ConfirmPage(
                heading: "Lift the suppression of \(visit.shown(key: visit.form["address"]))?",
                explanation: ["What people with this address consent to counts again for \(channel.name)."],
                consequences: ["The history keeps when and why the address was suppressed, and when that was lifted."],
                action: ConsolePath.suppressions(channel.discriminator) + "/lift", hidden: fields(visit),
                button: "Lift the suppression", danger: true, cancel: ConsolePath.suppressions(channel.discriminator))
        }
    }

    @Sendable static func suppress(_ visit: Visit) async throws -> Response {
        let channel = try visit.channel()
        var body = Bodies.SuppressionRequest()
        (body.reason, body.source) = (visit.form["reason"], "Console")
        try await visit.act(PutSuppression.self, path(visit, channel), body: body)
        return visit.redirect(to: ConsolePath.suppressions(channel.discriminator), "The address is suppressed.")
    }

    @Sendable static func lift(_ visit: Visit) async throws -> Response {
        let channel = try visit.channel()
        try await visit.act(LiftSuppression.self, path(visit, channel), query: why(visit))
        return visit.redirect(to: ConsolePath.suppressions(channel.discriminator), "The suppression is lifted.")
    }

    /// Checks what the form asks for before the question: what cannot be done is not asked.
    private static func ask(
        _ visit: Visit,
        _ question: (KeyValuePairs<String, String>, OvationCore.Channel) async throws -> ConfirmPage
    ) async throws -> Response? {
        let channel = try visit.channel()
        do {
            return await visit.page(try await question(path(visit, channel), channel), area: .channels)
        } catch let problem as Problem where problem.code.status.kind == .clientError {
            return try await SuppressionList.refused(visit, problem)
        }
    }

    private static func path(_ visit: Visit, _ channel: OvationCore.Channel) -> KeyValuePairs<String, String> {
        ["channel": channel.discriminator.text, "address": visit.form["address"]]
    }

    private static func why(_ visit: Visit) -> [(String, String)] {
        [("source", "Console"), ("reason", visit.form["reason"])]
    }

    private static func fields(_ visit: Visit) -> [ConfirmPage.HiddenField] {
        ["address", "reason"].map { ConfirmPage.HiddenField(name: $0, value: visit.form[$0]) }
    }
}
