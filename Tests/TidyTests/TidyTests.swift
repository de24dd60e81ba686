import Foundation
import HTTPTypes
import OvationCore
import OvationWire
import Testing

/// Style as a test: what a reviewer would otherwise have to say again and again.
@Suite("The tree is tidy")
struct TidyTests {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

    private struct File {
        let path: String
        let text: String
        var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }

        /// The lines on which functions begin and end, counted from 0: all that has a body and is no type. The format
        /// gives what closes a body the indent of what opens it.
        var functions: [(start: Int, end: Int)] {
            let lines = lines
            func indent(_ line: Int) -> Int { lines[line].prefix { $0 == " " }.count }
            func word(_ line: Int) -> Substring { lines[line].drop { $0 == " " } }
            return lines.indices.compactMap { open in
                guard lines[open].hasSuffix("{") || lines[open].contains(/\{ [^}]*\bin$/) else { return nil }
                var start = open
                // A signature over several lines closes where it began, and may go on from there.
                while start > 0,
                    word(start).hasPrefix(")") || word(start).hasPrefix("->") || word(start).hasPrefix("where ")
                {
                    start -= 1
                    while start > 0, indent(start) > indent(open) || word(start).isEmpty { start -= 1 }
                }
                let isFunction = word(start).contains(
                    /^(@\w+(\([^)]*\))? |[a-z]+(\(set\))? )*(func|init|deinit|subscript|var|let)\b/)
                guard isFunction, !word(start).hasPrefix("if "), !word(start).hasPrefix("guard ") else { return nil }
                let end = lines.indices.dropFirst(open + 1).first {
                    indent($0) == indent(open) && word($0).hasPrefix("}")
                }
                return end.map { (start, $0) }
            }
        }
    }

    private static func files(_ folders: String..., ending: String = ".swift") throws -> [File] {
        var found: [File] = []
        for folder in folders {
            let enumerator = FileManager.default.enumerator(atPath: root + "/" + folder)
            while let path = enumerator?.nextObject() as? String {
                guard path.hasSuffix(ending), !path.contains(".venv"), !path.contains("__pycache__") else { continue }
                let full = folder + "/" + path
                found.append(File(path: full, text: try String(contentsOfFile: root + "/" + full, encoding: .utf8)))
            }
        }
        #expect(!found.isEmpty, "\(folders) was not found under \(root)")
        return found
    }

    private static func text(_ path: String) throws -> String {
        try String(contentsOfFile: root + "/" + path, encoding: .utf8)
    }

    @Test("files have at most 500 lines")
    func fileLength() throws {
        for file in try Self.files("Sources", "Tests", "Benchmarks") {
            #expect(file.lines.count <= 500, "\(file.path)")
        }
    }

    @Test("functions of the product fit a screen: at most 60 lines")
    func functionLength() throws {
        for file in try Self.files("Sources") {
            for (start, end) in file.functions {
                #expect(end - start <= 60, "\(file.path):\(start + 1)")
            }
        }
    }

    @Test(
        "the test of functions sees each kind of them",
        arguments: [
            "func f() {\n    x\n}", "init(\n    a: Int\n) {\n    x\n}", "var a: Int {\n    x\n}",
            "func f(\n    a: Int\n) async throws -> [Int]\nwhere T: P {\n    x\n}", "deinit {\n    x\n}",
            "public static subscript(a: Int) -> Int {\n    x\n}", "lazy var a = f { b in\n    x\n}",
            "@Sendable\nfunc f() {\n    x\n}", "init?(a: Int) throws(Problem) {\n    x\n}",
        ])
    func functions(text: String) {
        let file = File(path: "", text: text)
        #expect(file.functions.count == 1)
        #expect(file.functions.first?.end == file.lines.count - 1)
        #expect(File(path: "", text: "struct S {\n    x\n}").functions.isEmpty)
    }

    @Test(
        "words that hide what a thing is, and shortcuts that need a reason, stay out of the product",
        arguments: ["Manager", "Helper", "Utils", "try!", "fatalError(", "Task.detached", "Task {", "TODO", "FIXME"])
    func forbiddenWords(word: String) throws {
        for file in try Self.files("Sources") {
            for (number, line) in file.lines.enumerated() where line.contains(word) {
                // FileManager is Foundation's name, and ServerQuiescingHelper is NIO's; a task in a group is no task of its own.
                let rest = line.replacingOccurrences(of: "FileManager", with: "")
                    .replacingOccurrences(of: "ServerQuiescingHelper", with: "")
                    .replacingOccurrences(of: "addTask {", with: "")
                #expect(!rest.contains(word), "\(file.path):\(number + 1)")
            }
        }
    }

    @Test(
        "the command line prints in one place, which checks that it arrives and that no terminal obeys it",
        arguments: [
            "FileHandle.standardOutput", "FileHandle.standardError", "STDOUT_FILENO", "STDERR_FILENO", "fputs(",
        ])
    func onePlaceToPrint(word: String) throws {
        for file in try Self.files("Sources/ovation") where !file.path.hasSuffix("/Output.swift") {
            for (number, line) in file.lines.enumerated() {
                let rest = line.replacing("Output.print(", with: "").replacing("PlanText.print(", with: "")
                    .replacing("func print(", with: "")
                #expect(!rest.contains(word) && !rest.contains("print("), "\(file.path):\(number + 1)")
            }
        }
    }

    /// A member of JSON that is read by a name in quotes. Settings are looked up so as well, in `environment` and `file`.
    private static func readsMember(_ line: Substring) -> Bool {
        line.replacing(/(^|[ .(])(environment(\(\))?|file)\[/, with: "(").contains(/[\w)\]?!]\["/)
    }

    @Test("the command line reads answers by their types, and no member by a name in quotes")
    func typedAnswers() throws {
        for line in [#"key["name"]?.string"#, #"a()["b"]"#, #"x?["c"]"#, #"x["a"]?["b"]"#, #"profile["d"]"#] {
            #expect(Self.readsMember(line[...]), "\(line)")
        }
        for line in [
            #"["name"]"#, #"f(["name": 1])"#, #"environment["HOME"]"#, #"S.environment()["HOME"]"#, #"in ["a", "b"]"#,
        ] {
            #expect(!Self.readsMember(line[...]), "\(line)")
        }
        for file in try Self.files("Sources/ovation") {
            for (number, line) in file.lines.enumerated() {
                #expect(!Self.readsMember(line), "\(file.path):\(number + 1)")
            }
        }
    }

    @Test("pages of the console read typed bodies: none looks up a member by a text")
    func typedBodies() throws {
        // A subscript with a text, and what stands before it: item["name"], json?["name"].
        let lookUp = /(\w+|[)\]])[?!]?\["/
        // The fields of a form have no other names.
        for file in try Self.files("Sources/OvationServer/Console") {
            for (number, line) in file.lines.enumerated() {
                let receivers = line.matches(of: lookUp).map(\.1)
                #expect(receivers.allSatisfy { $0 == "form" }, "\(file.path):\(number + 1)")
            }
        }
        for text in [#"json?["name"]?.string"#, #"try answer()["items"]"#, #"list[0]!["id"]"#] {
            #expect(text.contains(lookUp), "\(text)")
        }
        #expect(!#"return ["name"] + [!["a"].isEmpty], call(["a": "b"])"#.contains(lookUp))
    }

    @Test("unchecked Sendable has its proof on the line above")
    func uncheckedSendable() throws {
        for file in try Self.files("Sources") {
            for (number, line) in file.lines.enumerated() where line.contains("@unchecked Sendable") {
                #expect(number > 0 && file.lines[number - 1].contains("///"), "\(file.path):\(number + 1)")
            }
        }
    }

    @Test("tests do not sleep")
    func noSleep() throws {
        for file in try Self.files("Tests") where !file.path.hasSuffix("TidyTests.swift") {
            #expect(!file.text.contains("Task.sleep") && !file.text.contains("usleep("), "\(file.path)")
        }
    }

    @Test(
        "layers import only what is below them",
        arguments: [
            ("OvationCore", []), ("OvationWire", ["OvationCore", "HTTPTypes"]),
            ("OvationConsole", ["OvationCore", "Mustache"]),
            (
                "OvationClient",
                [
                    "OvationCore", "OvationWire", "CCurl", "Dispatch", "HTTPTypes", "Synchronization",
                ]
            ),
            ("OvationModelFile", ["OvationCore", "OvationWire", "Yams"]),
            // What stays of a locked key is a keyed hash.
            ("OvationRows", ["OvationCore", "Foundation", "Crypto"]),
            (
                "OvationServer",
                [
                    "OvationConsole", "OvationCore", "OvationModelFile", "OvationWire", "CSimdjson", "CZlib",
                    "AsyncAlgorithms", "Crypto",
                    "CryptoExtras", "FoundationEssentials", "Foundation", "Hummingbird", "HummingbirdCore", "HTTPTypes",
                    "JWTKit", "Logging", "NIOCore", "NIOExtras", "NIOHTTP1", "NIOHTTPTypes", "NIOHTTPTypesHTTP1",
                    "NIOPosix",
                    "ServiceLifecycle",
                    "Synchronization", "Glibc", "Darwin",
                ]
            ),
            (
                "OvationSQLite",
                [
                    "OvationCore", "OvationRows", "Dispatch", "Foundation", "GRDB", "GRDBSQLite", "CPageChecksums",
                    "Logging",
                    "Synchronization",
                ]
            ),
            (
                "OvationPostgres",
                ["OvationCore", "OvationRows", "CLibpq", "Dispatch", "Foundation", "Logging", "Synchronization"]
            ),
        ])
    func imports(target: String, allowed: [String]) throws {
        for file in try Self.files("Sources/" + target) {
            for line in file.lines {
                let words = line.split(separator: " ")
                guard let index = words.firstIndex(of: "import"), index <= 1, !line.hasPrefix("//") else { continue }
                #expect(allowed.contains(String(words[index + 1])), "\(file.path): \(line)")
            }
        }
    }

    @Test("whole Foundation is linked into the server's layers nowhere but behind its smaller half")
    func foundation() throws {
        for file in try Self.files("Sources/OvationServer") {
            for (number, line) in file.lines.enumerated() where line.hasSuffix("import Foundation") {
                #expect(number > 0 && file.lines[number - 1] == "#else", "\(file.path)")
            }
        }
    }

    @Test("every endpoint has a file of its own name")
    func endpointFiles() throws {
        let names = Set(
            try Self.files("Sources/OvationServer").map { $0.path.split(separator: "/").last.map(String.init) })
        for endpoint in Endpoint.allCases {
            let name = endpoint.name.prefix(1).uppercased() + endpoint.name.dropFirst() + ".swift"
            #expect(names.contains(name), "\(name)")
        }
    }

    @Test("every endpoint that is described is in the list of its area, under its own name")
    func endpointsAreListed() throws {
        var described: [String] = []
        for file in try Self.files("Sources/OvationWire/Endpoints") {
            for part in file.text.components(separatedBy: "public static let ").dropFirst() {
                let pieces = part.components(separatedBy: "= Endpoint(\n        EndpointSpec(\n            \"")
                guard pieces.count > 1, let name = pieces[0].split(separator: " ").first else { continue }
                #expect(pieces[1].hasPrefix(name + "\""), "\(file.path): \(name)")
                described.append(String(name))
            }
            let made = file.text.components(separatedBy: "= Endpoint(").count - 1
            #expect(described.suffix(made).count == made, "\(file.path)")
        }
        #expect(described.count > 40)
        #expect(described.sorted() == Endpoint.allCases.map(\.name).sorted())
    }

    @Test("every endpoint stands in the compatibility document, with who may call it where it is ours")
    func endpointsAreDocumented() throws {
        let text = try Self.text("docs/compatibility.md")
        for endpoint in Endpoint.allCases {
            #expect(text.contains("`\(endpoint.label)`"), "\(endpoint)")
            let who =
                switch endpoint.scope {
                case .open: "anybody"
                case .token: "any token"
                case .admin: "admin"
                }
            guard let row = text.split(separator: "\n").first(where: { $0.hasPrefix("| `\(endpoint.label)` |") }) else {
                continue
            }
            #expect(row.hasPrefix("| `\(endpoint.label)` | \(who) |"), "\(row)")
        }
    }

    @Test("the document of the last release is kept for comparison")
    func releasedDocument() throws {
        let headings = try Self.text("CHANGELOG.md").split(separator: "\n").filter { $0.hasPrefix("## [") }
        let newest = try #require(headings.first { !$0.contains("Unreleased") })
        let version = newest.dropFirst("## [".count).prefix { $0 != "]" }
        #expect(FileManager.default.fileExists(atPath: Self.root + "/Tests/Fixtures/openapi-\(version).json"))
    }

    @Test("every limit stands in its document")
    func limitsAreDocumented() throws {
        let text = try Self.text("docs/limits.md")
        for line in try Self.text("Sources/OvationCore/Limits.swift").split(separator: "\n") {
            let words = line.split(whereSeparator: { " :".contains($0) })
            guard let index = words.firstIndex(where: { $0 == "var" || $0 == "let" }), line.contains("public") else {
                continue
            }
            #expect(text.contains("`\(words[index + 1])`"), "\(words[index + 1])")
        }
    }

    @Test("every problem code is in the list of all, stands in its document, and is made nowhere else")
    func codesAreDocumented() throws {
        let text = try Self.text("docs/errors.md")
        var codes: [String] = []
        for part in try Self.text("Sources/OvationCore/Problem.swift").components(separatedBy: "= Self(\"").dropFirst()
        {
            let code = part.prefix { $0 != "\"" }
            #expect(text.contains("`\(code)`"), "\(code)")
            codes.append(String(code))
        }
        #expect(codes == Problem.Code.allCases.map(\.rawValue))
        for file in try Self.files("Sources") where !file.path.hasSuffix("/Problem.swift") {
            #expect(!file.text.contains("Code(\"") && !file.text.contains("Code(rawValue: \""), "\(file.path)")
        }
    }

    @Test("every setting stands in its document")
    func settingsAreDocumented() throws {
        let text = try Self.text("docs/settings.md")
        let settings = try Self.text("Sources/ovation/Settings.swift")
        for name in ["store", "host", "port", "region", "model", "console"] { #expect(text.contains("`\(name)`")) }
        for part in settings.components(separatedBy: "\n        case ").dropFirst() where part.contains(" = \"") {
            guard let name = part.split(separator: "\"").dropFirst().first, !name.contains("\n") else { continue }
            #expect(text.contains("`\(name)`"), "\(name)")
        }
    }
}
