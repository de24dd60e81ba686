import OvationCore
import OvationWire

/// `POST /audience/sections/{section}/imports/preview`: what an import would do with the first rows of a file.
struct PreviewImport: BodyEndpoint, InputEndpoint {
    typealias Input = Bodies.ImportPreviewRequest

    let imports: Imports
    let store: any ProfileStore
    let limits: Limits

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.ImportPreview> {
        var caller = try call.caller()
        _ = try caller.section(call.path.section())
        try caller.requireSomeKeyspace()
        let asked = try await input(of: call)
        caller = try imports.directory.current(caller)
        let section = try caller.section(call.path.section())
        let plan = try asked.import.map { request throws(Problem) in
            do throws(Problem) {
                return try ImportPlan(try request.mapping, in: section, for: caller)
            } catch {
                throw error.within("/import")
            }
        }
        let (header, rows) = try PreviewImport.rows(of: asked.sample)
        var body = Bodies.ImportPreview()
        body.columns = header.fields
        let columns = try plan.map { plan throws(Problem) in try ImportColumns(plan, header: header.fields) }
        for row in rows {
            var shown = Bodies.ImportPreviewRow()
            shown.line = row.line
            shown.cells = row.fields
            if let columns { try await look(at: row, columns, caller, &shown) }
            body.rows.append(shown)
        }
        return BodyAnswer(body)
    }

    private static func rows(of sample: String) throws(Problem) -> (header: CSVRow, rows: [CSVRow]) {
        guard sample.utf8.count <= Limits.importSampleBytesMax else {
            throw Problem(
                .bodyTooLarge,
                "The sample has at most \(Limits.importSampleBytesMax) bytes; send the beginning of the file.")
        }
        var reader = CSVReader()
        reader.append(sample.utf8)
        reader.finish()
        var rows: [CSVRow] = []
        while rows.count <= Limits.importPreviewRowsMax {
            do throws(CSVFailure) {
                guard let row = try reader.next() else { break }
                if !row.isEmpty || rows.isEmpty { rows.append(row) }
            } catch {
                // A sample can end within quotes.
                if case .openQuotes = error, !rows.isEmpty { break }
                throw error.problem
            }
        }
        return (try ImportSource.header(rows.first), Array(rows.dropFirst()))
    }

    private func look(
        at row: CSVRow, _ columns: ImportColumns, _ caller: Identity, _ shown: inout Bodies.ImportPreviewRow
    ) async throws {
        let read: ImportRow
        do throws(ImportRefusal) {
            read = try columns.row(row)
        } catch {
            shown.outcome = .failed
            shown.column = error.column.isEmpty ? nil : error.column
            shown.detail = error.detail
            return
        }
        let address = ProfileAddress(read.keys[0].key, in: read.keys[0].keyspace, account: caller.key.account)
        guard let profile = try await store.profile(.address(address)) else {
            shown.outcome = .new
            return
        }
        if let problem = profile.state.problem {
            shown.outcome = .failed
            shown.detail = problem.detail
            return
        }
        let isUpdate = columns.plan.mapping.updatesExisting && !(read.edits.isEmpty && read.consents.isEmpty)
        shown.outcome = isUpdate ? .updated : .notChanged
    }
}

extension Problem {
    /// The same of a body in which what it is about is a member.
    fileprivate func within(_ pointer: String) -> Problem {
        Problem(
            code, detail,
            errors: errors.map {
                ItemError(index: $0.index, pointer: pointer + $0.pointer, code: $0.code, detail: $0.detail)
            })
    }
}
