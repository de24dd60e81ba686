import HTTPTypes
import OvationConsole
import OvationWire

/// How programs call an endpoint, with the examples that the API's document has. The server's address and the token come
/// from variables, so that an example is the same on every server and has no secret in it.
struct ReferenceSamples {
    let method: String
    /// With the parameters that are required.
    let path: String
    let needsToken: Bool
    let body: Content?

    enum Content {
        case json(JSONValue)
        /// Lines of any number.
        case file(String)
    }

    var all: [ReferencePage.Sample] {
        [
            .init(language: "curl", code: curl), .init(language: "Python", code: python),
            .init(language: "JavaScript", code: javaScript), .init(language: "PHP", code: php),
        ]
    }

    // MARK: Languages

    private var curl: String {
        var lines = ["curl --request \(method)", "--url \"$OVATION_URL\"'\(path)'"]
        if needsToken { lines.append("--header \"authorization: Bearer $TOKEN\"") }
        switch body {
        case .json(let json):
            lines.append("--header 'content-type: application/json'")
            lines.append("--data '\(JSONWriter.writeIndented(json).replacing("'", with: "'\\''"))'")
        case .file(let name): lines.append("--data-binary @\(name)")
        case nil: break
        }
        return lines.joined(separator: " \\\n  ")
    }

    private var python: String {
        var arguments = ["os.environ[\"OVATION_URL\"] + \(JSONText.quoted(path))"]
        if needsToken { arguments.append("headers={\"authorization\": \"Bearer \" + os.environ[\"TOKEN\"]}") }
        switch body {
        case .json(let json): arguments.append("json=\(Literal.python.text(json, indent: 4))")
        case .file(let name): arguments.append("data=open(\"\(name)\", \"rb\")")
        case nil: break
        }
        return "import os\nimport requests\n\n" + """
            answer = requests.request(
                "\(method)",
                \(arguments.joined(separator: ",\n    ")),
            )
            print(answer.status_code, answer.text)
            """
    }

    private var javaScript: String {
        var headers: [String] = []
        var options = ["method: \"\(method)\""]
        var beginning = ""
        if needsToken { headers.append("authorization: `Bearer ${process.env.TOKEN}`") }
        switch body {
        case .json(let json):
            headers.append("\"content-type\": \"application/json\"")
            let text = JSONWriter.writeIndented(json).replacing("\n", with: "\n  ")
            options.append("body: JSON.stringify(\(text))")
        case .file(let name):
            beginning = "const { readFile } = await import(\"node:fs/promises\");\n\n"
            options.append("body: await readFile(\"\(name)\")")
        case nil: break
        }
        if !headers.isEmpty { options.insert("headers: { \(headers.joined(separator: ", ")) }", at: 1) }
        return beginning + """
            const answer = await fetch(process.env.OVATION_URL + \(JSONText.quoted(path)), {
              \(options.joined(separator: ",\n  ")),
            });
            console.log(answer.status, await answer.text());
            """
    }

    private var php: String {
        var headers: [String] = []
        var options = ["\"method\" => \"\(method)\""]
        if needsToken { headers.append("\"authorization: Bearer \" . getenv(\"TOKEN\")") }
        switch body {
        case .json(let json):
            headers.append("\"content-type: application/json\"")
            options.append("\"content\" => json_encode(\(Literal.php.text(json, indent: 4)))")
        case .file(let name): options.append("\"content\" => file_get_contents(\"\(name)\")")
        case nil: break
        }
        if !headers.isEmpty { options.insert("\"header\" => [\(headers.joined(separator: ", "))]", at: 1) }
        return """
            <?php
            $context = stream_context_create(["http" => [
                \(options.joined(separator: ",\n    ")),
                "ignore_errors" => true,
            ]]);
            echo file_get_contents(getenv("OVATION_URL") . \(JSONText.quoted(path)), false, $context);
            """
    }
}

/// JSON as a language writes it.
private struct Literal {
    let null: String
    let yes: String
    let no: String
    let open: (object: String, emptyObject: String)
    let arrow: String
    let close: String
    let quoted: @Sendable (String) -> String

    static let python = Literal(
        null: "None", yes: "True", no: "False", open: ("{", "{}"), arrow: ": ", close: "}",
        quoted: JSONText.quoted)
    static let php = Literal(
        null: "null", yes: "true", no: "false", open: ("[", "new stdClass()"), arrow: " => ", close: "]",
        // Between double quotes, a dollar sign would begin a variable.
        quoted: { "'" + $0.replacing("\\", with: "\\\\").replacing("'", with: "\\'") + "'" })

    func text(_ value: JSONValue, indent: Int) -> String {
        let inner = "\n" + String(repeating: " ", count: indent + 4)
        let outer = "\n" + String(repeating: " ", count: indent)
        switch value {
        case .null: return null
        case .bool(let value): return value ? yes : no
        case .number(let text): return text
        case .string(let text): return quoted(text)
        case .array(let values):
            guard !values.isEmpty else { return "[]" }
            return "[" + inner + values.map { text($0, indent: indent + 4) }.joined(separator: "," + inner) + outer
                + "]"
        case .object(let members):
            guard !members.isEmpty else { return open.emptyObject }
            let lines = members.map { quoted($0.name) + arrow + text($0.value, indent: indent + 4) }
            return open.object + inner + lines.joined(separator: "," + inner) + outer + close
        }
    }
}

extension JSONText {
    /// In quotes, with the escapes of JSON; Python and JavaScript read them alike.
    fileprivate static func quoted(_ text: String) -> String {
        String(decoding: JSONWriter.write(.string(text)), as: UTF8.self)
    }
}
