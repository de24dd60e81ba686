import HTTPTypes
import Hummingbird
import NIOCore
import OvationConsole
import OvationCore
import OvationWire
import Synchronization

/// `/console/docs/{operation}`: a form that sends a request to one endpoint, in this process and with the rights of the
/// key that is signed in, and shows the answer as a client gets it.
enum EndpointForm {
    @Sendable static func show(_ visit: Visit) async throws -> Response {
        await visit.page(page(try visit.endpoint(), visit), area: nil)
    }

    @Sendable static func send(_ visit: Visit) async throws -> Response {
        let endpoint = try visit.endpoint()
        // The question's second button leads back to the form with what was typed.
        guard obstacle(endpoint, visit) == nil, visit.form["action"] != "edit" else {
            return await visit.page(page(endpoint, visit), area: nil)
        }
        let request = FilledRequest(endpoint, visit.form)
        guard request.errors.isEmpty else {
            return await visit.page(page(endpoint, visit, errors: request.errors), area: nil, status: .badRequest)
        }
        // As on the page of API keys: a screen that is left open must not be enough to change a key.
        if endpoint.spec.tag == .apiKeys, endpoint.method != .get, let question = await Proof.question(visit) {
            return question
        }
        let response = await visit.console.api.send(request.head, request.body, to: endpoint, as: visit.caller)
        return await visit.page(page(endpoint, visit, answer: await TryPage.Answer(response)), area: nil)
    }

    /// nil: it is sent at once, or the form says why it cannot be.
    @Sendable static func question(_ visit: Visit) async throws -> Response? {
        let endpoint = try visit.endpoint()
        let request = FilledRequest(endpoint, visit.form)
        guard obstacle(endpoint, visit) == nil, request.errors.isEmpty, asks(endpoint), !request.isCheckOnly else {
            return nil
        }
        let page = ConfirmPage(
            heading: "Send \(endpoint.method.rawValue)?", explanation: [request.head.path ?? ""],
            consequences: [endpoint.spec.summary + ".", endpoint.spec.description].filter { !$0.isEmpty },
            action: action(endpoint), hidden: visit.hiddenFields, button: "Send \(endpoint.method.rawValue)",
            cancel: action(endpoint), back: Choice(value: "edit", label: "Back to the form"))
        return await visit.page(page, area: nil)
    }

    /// What cannot be undone, and what integrations can notice: all that deletes, locks or merges, and all changes that only
    /// an admin key may make.
    static func asks(_ endpoint: Endpoint) -> Bool {
        if endpoint.method == .delete { return true }
        if [.lockProfile, .mergeProfiles, .switchIdentifier].contains(endpoint) { return true }
        return endpoint.method != .get && endpoint.scope == .admin && endpoint != .planModel
    }

    // MARK: The page

    private static func action(_ endpoint: Endpoint) -> String { ConsolePath.docs + endpoint.spec.operationID }

    private static func obstacle(_ endpoint: Endpoint, _ visit: Visit) -> TryPage.Obstacle? {
        if endpoint.isEndless { return .endless }
        return visit.session.isMasked ? .masked : nil
    }

    private static func page(
        _ endpoint: Endpoint, _ visit: Visit, answer: TryPage.Answer? = nil, errors: [FormError] = []
    ) -> TryPage {
        // What was typed stays; a form that is opened has examples.
        let isTyped = visit.request.method == .post
        return TryPage(
            operation: endpoint.spec.operationID, summary: endpoint.spec.summary,
            description: endpoint.spec.description, method: endpoint.method.rawValue, path: endpoint.path,
            fields: endpoint.spec.parameters.map { field($0, typed: isTyped ? visit.form : nil) },
            body: endpoint.spec.body.flatMap { body in
                body.content.first.map { content in
                    TryPage.Body(
                        description: body.description, type: content.type,
                        value: isTyped ? visit.form["body"] : example(endpoint, content.schema))
                }
            }, answer: answer, asks: asks(endpoint), obstacle: obstacle(endpoint, visit), errors: errors)
    }

    private static func field(_ parameter: Parameter, typed form: Form?) -> TryPage.Field {
        let id = FilledRequest.control(parameter)
        // An example of a filter would filter, so only what has to be given has one.
        let value = form.map { $0[id] } ?? (parameter.isRequired ? parameter.schema.example.string ?? "" : "")
        return TryPage.Field(
            id: id, name: parameter.name, place: "in the \(parameter.location.rawValue)",
            // The form does that.
            hint: parameter.description.replacing(", percent-encoded", with: ""),
            value: value, isRequired: parameter.isRequired, isRepeatable: parameter.isRepeatable,
            choices: choices(parameter, selected: value))
    }

    private static func choices(_ parameter: Parameter, selected: String) -> [Choice] {
        guard !parameter.words.isEmpty, !parameter.isRequired else { return [] }
        return [Choice(value: "", label: "Leave out", selected: selected.isEmpty)]
            + parameter.words.map { Choice(value: $0, label: $0, selected: $0 == selected) }
    }

    private static func example(_ endpoint: Endpoint, _ schema: Schema) -> String {
        if endpoint.spec.body?.json != nil || schema.example.members != nil {
            return JSONWriter.writeIndented(schema.example)
        }
        // Lines of JSON, which are described beside the body.
        return endpoint.spec.besides.first.map {
            String(decoding: JSONWriter.write($0.definition.example), as: UTF8.self)
        } ?? ""
    }
}

/// A request as a form has it.
private struct FilledRequest {
    let head: HTTPRequest
    let body: ByteBuffer
    let errors: [FormError]

    /// Id and name of the control of a parameter.
    static func control(_ parameter: Parameter) -> String { "\(parameter.location.rawValue)-\(parameter.name)" }

    init(_ endpoint: Endpoint, _ form: Form) {
        var path = endpoint.path
        var query: [String] = []
        var headers: HTTPFields = [:]
        var errors: [FormError] = []
        for parameter in endpoint.spec.parameters {
            let control = FilledRequest.control(parameter)
            let lines = parameter.isRepeatable ? form[control].split(whereSeparator: \.isNewline) : [form[control][...]]
            let values = lines.filter { !$0.isEmpty }.map(String.init)
            guard let value = values.first else {
                if parameter.isRequired {
                    errors.append(FormError(control: control, message: "Give a value for \(parameter.name.quoted)."))
                }
                continue
            }
            switch parameter.location {
            case .path: path = path.replacing("{\(parameter.name)}", with: PercentEncoding.encode(segment: value))
            case .query: query += values.map { "\(parameter.name)=\(PercentEncoding.encode(segment: $0))" }
            case .header: if let name = HTTPField.Name(parameter.name) { headers[name] = value }
            }
        }
        // Browsers send each line of a form with both characters.
        let text = endpoint.spec.body == nil ? "" : form["body"].replacing("\r\n", with: "\n")
        if !text.isEmpty { headers[.contentType] = endpoint.spec.body?.content.first?.type }
        head = HTTPRequest(
            method: endpoint.method, scheme: nil, authority: nil,
            path: query.isEmpty ? path : path + "?" + query.joined(separator: "&"), headerFields: headers)
        body = ByteBuffer(string: text)
        self.errors = errors
    }

    /// Only endpoints that describe the header get it, and those change nothing then.
    var isCheckOnly: Bool { head.headerFields[.prefer] == "validate-only" }
}

extension TryPage.Answer {
    /// Reads it up to a bound, and stops what writes it there.
    fileprivate init(_ response: Response) async {
        let kept = KeptBody()
        var isCut = false
        do { try await response.body.write(KeptBody.Writer(kept: kept)) } catch { isCut = true }
        let bytes = kept.bytes.withLock { Array($0.readableBytesView) }
        var text = String(decoding: bytes, as: UTF8.self)
        if !isCut, response.headers[.contentType]?.contains("json") == true,
            let json = try? JSONValue(parsing: bytes)
        {
            text = JSONWriter.writeIndented(json)
        }
        self.init(
            status: "\(response.status.code) \(response.status.reasonPhrase)",
            isRefusal: response.status.code >= 400,
            headers: response.headers.map { "\($0.name.rawName): \($0.value)" }.joined(separator: "\n"), body: text,
            cutAfter: isCut ? bytes.count : nil)
    }
}

/// The beginning of an answer.
private final class KeptBody: Sendable {
    let bytes = Mutex(ByteBuffer())

    struct Writer: ResponseBodyWriter {
        let kept: KeptBody

        func write(_ buffer: ByteBuffer) async throws {
            let isWhole = kept.bytes.withLock { bytes in
                let part = buffer.readableBytesView.prefix(Limits.triedAnswerBytesMax - bytes.readableBytes)
                bytes.writeBytes(part)
                return part.count == buffer.readableBytes
            }
            if !isWhole { throw StreamEnd.readerGone }
        }

        consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
    }
}

extension Visit {
    fileprivate func endpoint() throws(Problem) -> Endpoint {
        let operation = try path.text("operation")
        guard let endpoint = Endpoint.allCases.first(where: { $0.spec.operationID == operation }) else {
            throw Problem(.notFound, "The API has no operation \(operation.quoted).")
        }
        return endpoint
    }
}
