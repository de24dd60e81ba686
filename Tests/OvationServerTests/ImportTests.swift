import Foundation
import HTTPTypes
import OvationCore
import OvationTesting
import OvationWire
import Testing

@testable import OvationServer

@Suite("Imports")
struct ImportTests {
    private static let email = Fixtures.emailKeyspace
    private static let path = "/v2/audience/sections/\(Fixtures.section)/imports"

    private static let request =
        #"{"keyspace_mapping":{"keyspace_discriminator":"\#(email)","field_selector":"mail"},"#
        + #""attribute_mappings":[{"field_selector":"first","attribute_discriminator":"com.apsis1.attributes.firstname"}]"#

    private func make(
        _ server: TestServer, _ body: String = ImportTests.request + "}", path: String = ImportTests.path
    ) async throws -> (id: String, key: String, answer: TestServer.Answer) {
        let answer = try await server.send(.post, path, body: body)
        return (
            answer.json["import_id"]?.string ?? "", answer.json["file_upload_body"]?["upload_key"]?.string ?? "", answer
        )
    }

    private func upload(
        _ server: TestServer, _ id: String, _ form: String, type: String = TestServer.formType
    ) async throws -> TestServer.Answer {
        try await server.send(
            .post, "/audience/imports/\(id)/file", token: nil, body: form, headers: [("Content-Type", type)])
    }

    /// Brings a file in, and gives what became of it.
    private func bring(
        _ server: TestServer, _ file: String, _ body: String = ImportTests.request + "}",
        path: String = ImportTests.path
    ) async throws -> (result: JSONValue, report: String) {
        let (id, key, made) = try await make(server, body, path: path)
        #expect(made.status == .created, "\(made.text)")
        let uploaded = try await upload(server, id, TestServer.form(key: key, file: file))
        #expect(uploaded.status == .noContent && uploaded.text.isEmpty, "\(uploaded.text)")
        try await server.runJobs()
        let place = "/audience/sections/\(Fixtures.section)/imports/\(id)"
        let found = try await server.send(.get, place).json
        // Clients of the original would take these for a problem.
        #expect(found["status"] == nil && found["title"] == nil && found["detail"] == nil)
        let report = try await server.send(.get, place + "/report").text
        return (found["result"] ?? .null, report)
    }

    private func counts(_ result: JSONValue) -> [String] {
        [result["status"]?.string ?? ""]
            + ["new", "updated", "not_changed", "failed"].map { name in
                guard case .number(let text)? = result[name] else { return "" }
                return text
            }
    }

    private func firstName(_ server: TestServer, _ key: String) async throws -> String? {
        let answer = try await server.send(
            .get, "/v2/audience/keyspaces/\(Self.email)/profiles/\(key)/sections/\(Fixtures.section)/attributes")
        return answer.json["items"]?.array?.first { $0["discriminator"]?.string == "com.apsis1.attributes.firstname" }?[
            "value"]?.string
    }

    @Test("rows make and change profiles, and those that are wrong come back to be corrected and sent again")
    func imports() async throws {
        try await TestServer.run { server async throws in
            let file =
                "\u{FEFF}mail;first;other\r\na@b.se;Ann;1\r\nnobody;Bo;=2\r\nc@b.se;\"Cy\r\n;\"\"Cy\"\"\";3\r\nd@b.se;x\r\n"
            let (first, report) = try await bring(server, file)
            #expect(counts(first) == ["completed", "2", "0", "0", "2"])
            #expect(try await firstName(server, "a%40b.se") == "Ann")
            #expect(try await firstName(server, "c%40b.se") == "Cy\r\n;\"Cy\"")
            let lines = report.split(separator: "\r\n").map(String.init)
            #expect(lines.count == 3 && lines[0] == "mail,first,other,import_line,import_column,import_reason")
            #expect(lines[1].hasPrefix("nobody,Bo,\"'=2\",3,mail,"), "\(report)")
            #expect(lines[2].hasPrefix("d@b.se,x,,6,,"), "\(report)")
            let corrected = report.replacing("nobody,", with: "e@b.se,")
            let (second, none) = try await bring(server, corrected)
            #expect(counts(second) == ["completed", "2", "0", "0", "0"])
            #expect(none == "import_line,import_column,import_reason\r\n")
            let (again, _) = try await bring(server, "mail\tfirst\na@b.se\tAnn\nc@b.se\tDee\n")
            #expect(counts(again) == ["completed", "0", "1", "1", "0"])
        }
    }

    @Test("options: who is there stays as they are, empty cells clear, and nothing is stored of a check")
    func options() async throws {
        try await TestServer.run { server async throws in
            _ = try await bring(server, "mail,first\na@b.se,Ann\n")
            let keeping = Self.request + #","options":{"update_existing_profiles":false}}"#
            #expect(
                counts(try await bring(server, "mail,first\na@b.se,X\nb@b.se,Bo\n", keeping).result)[1...4] == [
                    "1", "0", "1", "0",
                ])
            #expect(try await firstName(server, "a%40b.se") == "Ann")
            let checking = Self.request + #","options":{"validate_only":true}}"#
            let checked = try await bring(server, "mail,first\nz@b.se,X\nbad,Y\n", checking)
            #expect(counts(checked.result)[1...4] == ["0", "0", "1", "1"])
            #expect(
                try await server.send(.get, "/audience/keyspaces/\(Self.email)/profiles/z%40b.se").status == .notFound)
            #expect(counts(try await bring(server, "mail,first\na@b.se,\n").result)[1...4] == ["0", "0", "1", "0"])
            let clearing = Self.request + #","options":{"clear_existing_attributes":true}}"#
            #expect(
                counts(try await bring(server, "mail,first\na@b.se, \n", clearing).result)[1...4] == [
                    "0", "1", "0", "0",
                ])
            #expect(try await firstName(server, "a%40b.se") == nil)
        }
    }

    @Test("rows of one profile take effect in their order, also in one batch")
    func order() async throws {
        try await TestServer.run { server async throws in
            let names = (0..<40).map { "a@b.se,n\($0)\n" }.joined()
            let (result, _) = try await bring(server, "mail,first\n" + names)
            #expect(counts(result) == ["completed", "1", "39", "0", "0"])
            #expect(try await firstName(server, "a%40b.se") == "n39")
        }
    }

    @Test(
        "a file that is no CSV, or lacks a column, is refused whole, and stores nothing",
        arguments: [
            ("mail,first\na@b.se,\"x\n", "not closed"), ("mail,frist\na@b.se,x\n", "no column 'first'"),
            ("PK\u{3}\u{4}\0\0", "NUL"), ("", "is empty"),
            ("mail,first,mail\na@b.se,x,y\n", "more than one column 'mail'"),
        ])
    func wholeFiles(file: String, reason: String) async throws {
        try await TestServer.run { server async throws in
            let (result, _) = try await bring(server, file)
            #expect(counts(result) == ["error", "0", "0", "0", "0"])
            #expect(result["error"]?["code"]?.string == "invalid_file")
            #expect(result["error"]?["detail"]?.string?.contains(reason) == true, "\(result)")
            #expect(
                try await server.send(.get, "/audience/keyspaces/\(Self.email)/profiles/a%40b.se").status == .notFound)
        }
    }

    @Test("the first generation merges the profiles of a row's keys")
    func merges() async throws {
        try await TestServer.run { server async throws in
            let crm = "com.apsis1.keyspaces.crm-id"
            let body =
                #"{"keyspace_mappings":[{"keyspace_discriminator":"\#(Self.email)","field_selector":"mail","merge_profiles":true},"#
                + #"{"keyspace_discriminator":"\#(crm)","field_selector":"id","merge_profiles":true}]}"#
            let path = "/audience/sections/\(Fixtures.section)/imports"
            let (result, _) = try await bring(server, "mail,id\na@b.se,7\nb@b.se,\n", body, path: path)
            #expect(counts(result) == ["completed", "2", "0", "0", "0"])
            let one = try await server.send(.get, "/audience/keyspaces/\(Self.email)/profiles/a%40b.se").json[
                "profile_id"]
            let other = try await server.send(.get, "/audience/keyspaces/\(crm)/profiles/7").json["profile_id"]
            #expect(one != nil && one == other)
            let separate = body.replacing("true", with: "false")
            #expect(try await make(server, separate, path: path).answer.status == .badRequest)
        }
    }

    @Test("a row whose keys cannot all become one changes nothing: not one of its merges is done")
    func mergesAllOrNothing() async throws {
        try await TestServer.run { server async throws in
            let (crm, web) = ("com.apsis1.keyspaces.crm-id", "com.apsis1.keyspaces.web")
            let keys = [(Self.email, "mail"), (crm, "id"), (web, "web")].map {
                #"{"keyspace_discriminator":"\#($0.0)","field_selector":"\#($0.1)","merge_profiles":true}"#
            }
            let body = #"{"keyspace_mappings":[\#(keys.joined(separator: ","))]}"#
            let path = "/audience/sections/\(Fixtures.section)/imports"
            let first = "mail,id,web\na@b.se,7,\nb@b.se,8,w\nc@b.se,,\n"
            #expect(
                counts(try await bring(server, first, body, path: path).result) == ["completed", "3", "0", "0", "0"])
            func profile(_ keyspace: String, _ key: String) async throws -> String? {
                try await server.send(.get, "/audience/keyspaces/\(keyspace)/profiles/\(key)").json["profile_id"]?
                    .string
            }
            // The second key is new and could be merged; the third leads to somebody else.
            let (result, report) = try await bring(server, "mail,id,web\nc@b.se,9,w\n", body, path: path)
            #expect(counts(result) == ["completed", "0", "0", "0", "1"])
            #expect(report.contains("A person has one"), "\(report)")
            #expect(try await profile(crm, "9") == nil)
            let (one, other) = (try await profile(Self.email, "c%40b.se"), try await profile(web, "w"))
            #expect(one != other)
            // A lock does not spread by an import.
            #expect(counts(try await bring(server, "mail,id,web\n,,w2\n", body, path: path).result)[1] == "1")
            let lock = try await server.send(.put, "/audience/keyspaces/\(web)/profiles/w2/locks")
            #expect(lock.status.kind == .successful, "\(lock.text)")
            let (locked, why) = try await bring(server, "mail,id,web\nc@b.se,9,w2\n", body, path: path)
            #expect(counts(locked) == ["completed", "0", "0", "0", "1"] && why.contains("locked"), "\(why)")
            #expect(try await profile(Self.email, "c%40b.se") != nil)
            #expect(try await profile(crm, "9") == nil)
        }
    }

    @Test("a row of a report means what it meant, whatever apostrophes it has")
    func apostrophes() async throws {
        try await TestServer.run { server async throws in
            let file = "mail,first,other\na@b.se,''=1,\nb@b.se,'=1,\nbad,\"x,'=1, -2\",\nworse,''=1,\n"
            let (_, report) = try await bring(server, file)
            #expect(try await firstName(server, "a%40b.se") == "'=1")
            #expect(try await firstName(server, "b%40b.se") == "=1")
            let corrected = report.replacing("bad,", with: "c@b.se,").replacing("worse,", with: "d@b.se,")
            #expect(counts(try await bring(server, corrected).result) == ["completed", "2", "0", "0", "0"])
            #expect(try await firstName(server, "c%40b.se") == "x,=1, -2")
            #expect(try await firstName(server, "d%40b.se") == "'=1")
        }
    }

    @Test("a column with blanks around its name can be mapped as a preview tells it")
    func blanks() async throws {
        try await TestServer.run { server async throws in
            let file = "mail, first\na@b.se,Ann\n"
            let sample = file.replacing("\n", with: "\\n")
            let path = "/audience/sections/\(Fixtures.section)/imports/preview"
            let columns = try await server.send(.post, path, body: #"{"sample":"\#(sample)"}"#).json["columns"]
            #expect(columns?.array?.compactMap(\.string) == ["mail", " first"])
            let request = Self.request.replacing(#""first""#, with: #"" first""#) + "}"
            let body = #"{"sample":"\#(sample)","import":\#(request)}"#
            let rows = try await server.send(.post, path, body: body).json["rows"]?.array
            #expect(rows?.map { $0["outcome"]?.string } == ["new"])
            #expect(counts(try await bring(server, file, request).result) == ["completed", "1", "0", "0", "0"])
            #expect(try await firstName(server, "a%40b.se") == "Ann")
        }
    }

    @Test("the first refused rows are told with an import")
    func refusedRows() async throws {
        try await TestServer.run { server async throws in
            let (id, key, _) = try await make(server)
            let place = "/audience/sections/\(Fixtures.section)/imports/\(id)"
            #expect(try await server.send(.get, place).json["refused_rows"]?.array?.isEmpty == true)
            let rows = (1...30).map { "bad\($0),x\n" }.joined()
            #expect(
                try await upload(server, id, TestServer.form(key: key, file: "mail,first\n" + rows)).status
                    == .noContent)
            try await server.runJobs()
            let refused = try await server.send(.get, place).json["refused_rows"]?.array ?? []
            #expect(refused.count == Limits.importPreviewRowsMax)
            #expect(refused.first?["line"] == .number("2") && refused.first?["column"]?.string == "mail")
            #expect(refused.first?["detail"]?.string?.isEmpty == false)
        }
    }

    @Test("a preview says what would become of the first rows, and stores nothing")
    func previews() async throws {
        try await TestServer.run { server async throws in
            _ = try await bring(server, "mail,first\na@b.se,Ann\n")
            let path = "/audience/sections/\(Fixtures.section)/imports/preview"
            let sample = #"mail,first\na@b.se,Bo\nz@b.se,Zoe\nbad,x\n\"cut"#
            let seen = try await server.send(.post, path, body: #"{"sample":"\#(sample)"}"#).json
            #expect(seen["columns"]?.array?.compactMap(\.string) == ["mail", "first"])
            #expect(seen["rows"]?.array?.map { $0["outcome"] } == [.null, .null, .null])
            let request = Self.request + "}"
            let found = try await server.send(.post, path, body: #"{"sample":"\#(sample)","import":\#(request)}"#).json
            let rows = found["rows"]?.array ?? []
            #expect(rows.map { $0["outcome"]?.string } == ["updated", "new", "failed"])
            #expect(rows.last?["line"] == .number("4") && rows.last?["column"]?.string == "mail")
            #expect(rows.first?["cells"]?.array?.compactMap(\.string) == ["a@b.se", "Bo"])
            let keeping = Self.request + #","options":{"update_existing_profiles":false}}"#
            let kept = try await server.send(.post, path, body: #"{"sample":"\#(sample)","import":\#(keeping)}"#).json
            #expect(kept["rows"]?.array?.first?["outcome"]?.string == "not_changed")
            #expect(try await firstName(server, "a%40b.se") == "Ann")
            #expect(
                try await server.send(.get, "/audience/keyspaces/\(Self.email)/profiles/z%40b.se").status == .notFound)
            let unknown = request.replacing("attributes.firstname", with: "attributes.none")
            let refused = try await server.send(.post, path, body: #"{"sample":"mail,first","import":\#(unknown)}"#)
            #expect(refused.errors == ["/import/attribute_mappings/0 unknown_attribute"])
            for (wrong, code) in [
                (#""mial,first""#, "invalid_file"), (#""\"mail\"x,first""#, "invalid_file"),
                (#""\"""#, "invalid_file"), (#""\u0000""#, "invalid_file"),
                ("\"" + String(repeating: "x", count: Limits.importSampleBytesMax + 1) + "\"", "body_too_large"),
            ] {
                let answer = try await server.send(.post, path, body: #"{"sample":\#(wrong),"import":\#(request)}"#)
                #expect(answer.code == code, "\(answer.text)")
            }
        }
    }

    @Test("figures of jobs count what ended, and rows by what became of them")
    func figures() async throws {
        try await TestServer.run { server async throws in
            _ = try await bring(server, "mail,first\na@b.se,Ann\nbad,x\n")
            _ = try await bring(server, "mail\na@b.se\n")
            let (id, _, _) = try await make(server)
            let (waiting, _, _) = try await make(server)
            #expect(!waiting.isEmpty)
            #expect(try await server.send(.delete, "/audience/jobs/\(id)").status == .noContent)
            try await server.runJobs()
            let lines = try await server.send(.get, "/metrics", token: nil).text.split(separator: "\n")
            for line in [
                #"ovation_jobs{state="waiting_for_file"} 1"#, #"ovation_jobs{state="in_progress"} 0"#,
                #"ovation_jobs_ended_total{kind="import",state="completed"} 1"#,
                #"ovation_jobs_ended_total{kind="import",state="error"} 1"#,
                #"ovation_jobs_ended_total{kind="import",state="cancelled"} 1"#,
                #"ovation_import_rows_total{outcome="new"} 1"#, #"ovation_import_rows_total{outcome="refused"} 1"#,
            ] {
                #expect(lines.contains { $0 == line }, "\(line)")
            }
        }
    }

    @Test("a report has an end that says so, also where it is gone on with")
    func fullReport() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let files = JobFiles(folder: folder)
        let id = try #require(JobID("00000000-0000-0000-0000-000000000001"))
        let rows = try (0..<100).map { number in
            var reader = CSVReader(delimiter: UInt8(ascii: ","), line: Int64(number) + 2)
            reader.append(Array("bad\(number)\n".utf8))
            let refusal = ImportRefusal(column: "mail", .invalidProfileKey, "no")
            return CheckedRow(row: try #require(try reader.next()), result: .failure(refusal))
        }
        let outcomes = rows.map { _ in RowOutcome.refused(ImportRefusal(column: "mail", .invalidProfileKey, "no")) }
        var place = Job.Place()
        for _ in 0..<3 {
            var report = try await ImportReportFile(files, id, ["mail"], at: place, bytesMax: 500)
            place.reportBytes = try await report.add(rows, outcomes, behind: place.reportBytes)
            place.reportBytes = try await report.add(rows, outcomes, behind: place.reportBytes)
        }
        let text = try String(contentsOfFile: try files.path(id, .report), encoding: .utf8)
        #expect(text.utf8.count == Int(place.reportBytes) && text.utf8.count <= 500)
        #expect(text.components(separatedBy: "The report is full").count == 2 && text.hasSuffix("counted only.\r\n"))
        #expect(text.hasPrefix("mail,import_line,import_column,import_reason\r\nbad0,2,mail,no\r\nbad1,3,"))
        #expect(ImportReport.refusedRows(Array(text.utf8)).map(\.line) == Array(2..<12))
    }

    @Test("an account has three imports at once; one that is cancelled makes room, and takes no file")
    func bounds() async throws {
        try await TestServer.run { server async throws in
            let (id, key, _) = try await make(server)
            for _ in 0..<2 { #expect(try await make(server).answer.status == .created) }
            let refused = try await make(server).answer
            #expect(refused.status == .tooManyRequests && refused.header("Retry-After") != nil)
            #expect(try await server.send(.delete, "/audience/jobs/\(id)").status == .noContent)
            #expect(try await server.send(.delete, "/audience/jobs/\(id)").code == "job_ended")
            #expect(try await make(server).answer.status == .created)
            let late = try await upload(server, id, TestServer.form(key: key, file: "mail\n"))
            #expect(late.code == "upload_expired")
        }
    }

    @Test("a file comes once, with its key, and in time")
    func uploads() async throws {
        try await TestServer.run { server async throws in
            let (id, key, _) = try await make(server)
            let form = TestServer.form(key: key, file: "mail,first\n")
            #expect(try await upload(server, id, TestServer.form(key: "guess", file: "x")).code == "job_not_found")
            #expect(try await upload(server, "8e03978e-40d5-43e8-bc93-6894a57f9324", form).code == "job_not_found")
            #expect(try await upload(server, id, form).status == .noContent)
            #expect(try await upload(server, id, form).code == "upload_expired")
            let (late, lateKey, _) = try await make(server)
            server.clock.advance(by: Limits.importUploadLifetime)
            #expect(try await upload(server, late, TestServer.form(key: lateKey, file: "x")).code == "upload_expired")
            try await server.runJobs()
            let jobs = try await server.send(.get, "/audience/jobs").json["items"]?.array ?? []
            #expect(Set(jobs.map { $0["result"]?["status"]?.string }) == ["error", "completed"])
        }
    }

    @Test(
        "forms that are none are refused, whatever is in them",
        arguments: [
            "", "--ovation-test", "--ovation-test\r\n", "--ovation-test\r\n\r\n\r\n--ovation-test--",
            "--ovation-test\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nx\r\n--ovation-test--",
            "--ovation-test\r\nContent-Disposition: form-data; name=\"upload_key\"\r\n\r\nKEY\r\n--ovation-test--",
            "--ovation-test\r\nContent-Disposition: form-data; name=\"upload_key\"\r\n\r\nKEY\r\n--ovation-test\r\n"
                + "Content-Disposition: form-data; name=\"file\"\r\n\r\nmail\n",
            String(repeating: "x", count: 40_000),
            "--ovation-test\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n"
                + String(repeating: "x", count: 40_000),
        ])
    func hostileForms(form: String) async throws {
        try await TestServer.run { server async throws in
            let (id, key, _) = try await make(server)
            let answer = try await upload(server, id, form.replacing("KEY", with: key))
            #expect([.badRequest, .notFound].contains(answer.status), "\(answer.status) \(answer.text)")
            // The import still waits for its file.
            let whole = TestServer.form(key: key, file: "mail,first\n")
            #expect(try await upload(server, id, whole, type: "text/csv").code == "invalid_file")
            #expect(try await upload(server, id, whole).status == .noContent)
        }
    }

    @Test("a file beyond the limit is refused with 413")
    func tooLarge() async throws {
        var limits = Limits()
        limits.importFileBytesMax = 1000
        try await TestServer.run(limits: limits) { server async throws in
            let (id, key, _) = try await make(server)
            for size in [1001, 100_000] {
                let form = TestServer.form(key: key, file: String(repeating: "x", count: size))
                #expect(try await upload(server, id, form).code == "body_too_large")
            }
            let fitting = TestServer.form(key: key, file: String(repeating: "x", count: 1000))
            #expect(try await upload(server, id, fitting).status == .noContent)
        }
    }

    @Test("a mapping that the caller may not use is refused at the request, with every reason")
    func rights() async throws {
        try await TestServer.run { server async throws in
            let unknown = Self.request.replacing("attributes.firstname", with: "attributes.none") + "}"
            let answer = try await make(server, unknown).answer
            #expect(answer.status == .badRequest && answer.errors == ["/attribute_mappings/0 unknown_attribute"])
            let reader = try await server.token(
                ofNewKey: #"{"name":"R","keyspaces":{"\#(Self.email)":"read","com.apsis1.keyspaces.web":"read_write"}}"#
            ).token
            let forbidden = try await server.send(.post, Self.path, token: reader, body: Self.request + "}")
            #expect(forbidden.code == "keyspace_forbidden" && forbidden.status == .forbidden)
            let consents =
                #"{"keyspace_mapping":{"keyspace_discriminator":"com.apsis1.keyspaces.web","field_selector":"k"},"#
                + #""consent_mappings":[{"address_field_selector":"m","consents":[{"field_selector":"c","type":"opt-in","#
                + #""topic_discriminator":"a.b.c","channel_discriminator":"com.apsis1.channels.email"}]}]}"#
            #expect(try await make(server, consents).answer.code == "keyspace_forbidden")
            let job = try await make(server)
            #expect(try await server.send(.get, "/audience/jobs/\(job.id)", token: reader).code == "job_not_found")
            #expect(try await server.send(.delete, "/audience/jobs/\(job.id)", token: reader).code == "job_not_found")
            for path in ["", "/report"] {
                let place = "/audience/sections/\(Fixtures.section)/imports/\(job.id)"
                #expect(try await server.send(.get, place + path, token: reader).code == "job_not_found", "\(path)")
            }
        }
    }
}

@Suite("Multipart forms")
struct MultipartReaderTests {
    private func parts(_ form: [UInt8], pieces: Int) throws -> ([MultipartReader.Part], isComplete: Bool) {
        var reader = try MultipartReader(contentType: "multipart/form-data; boundary=\"b\"")
        var parts: [MultipartReader.Part] = []
        var rest = form[...]
        while !rest.isEmpty {
            for part in try reader.read(rest.prefix(pieces)) {
                if case .file(let more) = part, case .file(let before)? = parts.last {
                    parts[parts.count - 1] = .file(before + more)
                } else {
                    parts.append(part)
                }
            }
            rest = rest.dropFirst(pieces)
        }
        return (parts, reader.isComplete)
    }

    @Test(
        "a form is the same however it comes, and a file can have all but its boundary", arguments: [1, 2, 3, 7, 1000])
    func pieces(size: Int) throws {
        let file = "\r\n--\r\n-b\r\n--a--\r\n"
        let form = Array(
            ("preamble\r\n--b\r\nContent-Disposition: form-data; name=\"k\"\r\n\r\nv\r\n--b\r\n"
                + "content-disposition: form-data; filename=\"x\"; name=\"file\"\r\nContent-Type: text/csv\r\n\r\n\(file)"
                + "\r\n--b\r\nContent-Disposition: form-data; name=\"later\"\r\n\r\nx\r\n--b--\r\nepilogue").utf8)
        let (parts, isComplete) = try parts(form, pieces: size)
        #expect(isComplete)
        #expect(parts == [.field(name: "k", value: "v"), .fileBegins, .file(Array(file.utf8)), .fileEnds])
    }

    @Test(
        "what is no form of this kind has no reader",
        arguments: [
            nil, "", "text/csv", "multipart/form-data", "multipart/form-data; boundary=", "multipart/mixed; boundary=b",
            "multipart/form-data; boundary=" + String(repeating: "b", count: 71),
        ])
    func types(type: String?) { #expect(throws: Problem.self) { try MultipartReader(contentType: type) } }
}
