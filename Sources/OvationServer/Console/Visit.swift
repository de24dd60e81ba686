import HTTPTypes
import Hummingbird
import OvationConsole
import OvationCore
import OvationWire

/// One request to the console as a page sees it.
struct Visit: Sendable {
    let console: Console
    let request: Request
    let path: PathParameters
    /// Fields of a posted form; empty for a GET.
    let form: Form
    let session: ConsoleSessions.Session
    /// What the session's cookie holds.
    let token: String
    let caller: LocalAPI.Caller

    var identity: Identity { caller.identity }
    var catalogue: Catalogue { caller.identity.catalogue }
    var now: Timestamp { caller.receivedAt }

    // MARK: What comes in

    /// The last value of a query parameter; empty when there is none.
    func query(_ name: String) throws(Problem) -> String { try queries(name).last ?? "" }

    func queries(_ name: String) throws(Problem) -> [String] {
        guard let fields = PercentEncoding.decode(form: request.uri.query ?? "") else {
            throw Problem(.invalidParameter, "The address has a broken percent-escape.")
        }
        return fields.filter { $0.name == name }.map(\.value)
    }

    func section() throws(Problem) -> Section { try identity.section(path.section()) }

    func eventType() throws(Problem) -> EventType {
        try identity.eventType(path.eventType(), in: section().discriminator)
    }

    /// What was posted, for a page that asks about it and posts it again.
    var hiddenFields: [ConfirmPage.HiddenField] {
        form.fields.filter { $0.name != "csrf" && $0.name != ConfirmPage.confirmed }
            .map { .init(name: $0.name, value: $0.value) }
    }

    // MARK: What goes out

    func page(
        _ page: some ConsolePage, area: Layout.Area?, status: HTTPResponse.Status = .ok
    ) async -> Response {
        .html(console.pages.render(page, in: await layout(area)), status: status)
    }

    func fragment(_ fragment: some ConsoleFragment) -> Response { .html(console.pages.render(fragment: fragment)) }

    /// After a form was posted; so that loading the page again does not post it again.
    func redirect(to path: String, _ notice: String? = nil, _ kind: ConsoleSessions.Notice.Kind = .success) -> Response
    {
        if let notice { console.sessions.notify(.init(kind: kind, text: notice), token) }
        return .redirect(to: path)
    }

    private func layout(_ area: Layout.Area?) async -> Layout {
        // Only the pages of the data model are of one section. Others are of all, or have a choice of their own.
        let shown = area == .eventTypes ? (try? path.section()).flatMap(catalogue.section) : nil
        if let shown { console.sessions.remember(section: shown.discriminator.text, token) }
        let lists = ["event-types", "attributes", "tags", "folders", "topics"]
        let list = lists.first { request.uri.path.contains("/\($0)") } ?? lists[0]
        let isForm = request.uri.path.hasSuffix("/\(list)/new")
        let sections = (shown == nil ? [] : catalogue.sections).map { section in
            Layout.SectionLink(
                name: section.name, discriminator: section.discriminator.text,
                href: "\(ConsolePath.sections)/\(section.discriminator)/\(list)" + (isForm ? "/new" : ""),
                selected: section.discriminator == shown?.discriminator)
        }
        let last = shown ?? catalogue.sections.first { $0.discriminator.text == session.section }
        let activity = try? await call(GetActivity.self)
        return Layout(
            csrf: session.csrf, keyName: identity.key.name, clientID: identity.key.clientID, area: area,
            sections: sections,
            eventTypesHref: (last ?? catalogue.sections.first).map { ConsolePath.eventTypes($0.discriminator) }
                ?? ConsolePath.sections,
            flash: console.sessions.takeNotice(token).map(Layout.Flash.init),
            masked: session.isMasked, path: address, openRejections: Int(activity?.openRejections ?? 0),
            serverVersion: console.version)
    }

    /// Of this page, to come back to. What was posted has none: then it is the page with the form.
    private var address: String {
        guard request.method == .post else { return request.uri.string }
        // scheme://host/path, of this server or of another, whose path is then as good as none.
        let parts = (request.headers[.referer] ?? "").split(
            separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
        return parts.count == 4 ? SignIn.local(console.basePath.cut(from: "/" + parts[3])) : ConsolePath.overview
    }

    /// A profile key as this session may see it.
    func shown(key: String) -> String {
        session.isMasked ? Visit.mask(key) ?? key : key
    }

    /// The same visit as its session, its API key and the definitions stand now; nil when one of them has ended.
    var current: Visit? {
        guard let session = console.sessions.peek(token, at: console.clock.now()),
            let identity = console.directory.identity(clientID: session.clientID), identity.isAdmin
        else { return nil }
        return Visit(
            console: console, request: request, path: path, form: form, session: session, token: token,
            caller: LocalAPI.Caller(
                identity: identity, requestID: caller.requestID, receivedAt: caller.receivedAt))
    }

    /// Where this server is reached, as the browser wrote it.
    var baseURL: String {
        let isSecure = request.headers[HTTPField.Name("X-Forwarded-Proto")!] == "https"
        let host = request.head.authority ?? request.headers[HTTPField.Name("Host")!] ?? "127.0.0.1:8080"
        let isPlain = host.utf8.allSatisfy { byte in
            (48...58).contains(byte) || (97...122).contains(byte) || (65...90).contains(byte)
                || [45, 46, 91, 93].contains(byte)
        }
        return (isSecure ? "https://" : "http://") + (isPlain ? host : "127.0.0.1:8080") + console.basePath.text
    }
}

/// The fields of a posted form, in their order.
struct Form: Sendable {
    let fields: [(name: String, value: String)]

    /// Empty when the form has no such field.
    subscript(name: String) -> String { fields.last { $0.name == name }?.value ?? "" }

    func values(_ name: String) -> [String] { fields.filter { $0.name == name }.map(\.value) }

    /// The word of a field, as the member of the same name of a request.
    /// - Throws: as the API does, where it knows no such word.
    func word<Word: BodyWord>(_ name: String) throws(Problem) -> Word {
        try Word(json: .string(self[name]), at: "/" + name)
    }

    func has(_ name: String) -> Bool { fields.contains { $0.name == name } }
}

extension Layout.Flash {
    fileprivate init(_ notice: ConsoleSessions.Notice) {
        switch notice.kind {
        case .success: self.init(.success, notice.text)
        case .error: self.init(.error, notice.text)
        case .info: self.init(.info, notice.text)
        }
    }
}

extension Moment {
    init(_ timestamp: Timestamp) { self.init(iso: timestamp.rfc3339) }
}

extension Response {
    static func html(_ text: String, status: HTTPResponse.Status = .ok) -> Response {
        .bytes(Array(text.utf8), type: "text/html; charset=utf-8", status: status)
    }

    /// 303: whatever the method was, the browser now GETs.
    static func redirect(to path: String) -> Response {
        Response(status: .seeOther, headers: [.location: path])
    }
}
