import HTTPTypes
import Hummingbird
import OvationConsole
import OvationCore
import OvationWire

/// `/console/imports/new`
enum ImportFile {
    @Sendable static func show(_ visit: Visit) async throws -> Response {
        await visit.page(page(visit), area: .jobs)
    }

    /// The page with what was sent, and what is wrong with it.
    static func refused(_ visit: Visit, _ problem: Problem) async -> Response {
        await visit.page(
            page(visit, [FormError(control: "sample", message: problem.detail)]), area: .jobs,
            status: problem.code.status)
    }

    private static func page(_ visit: Visit, _ errors: [FormError] = []) -> ImportFilePage {
        let chosen = visit.form.has("section") ? visit.form["section"] : visit.session.section
        return ImportFilePage(
            sections: visit.catalogue.sections.map {
                Choice(
                    value: $0.discriminator.text, label: $0.name, selected: $0.discriminator.text == chosen)
            }, sample: visit.form["sample"], sizeMax: "\(visit.console.limits.importFileBytesMax >> 20) MiB",
            isMasked: visit.session.isMasked, errors: errors)
    }

    /// - Throws: where profile keys are masked. A file has them as they are.
    static func requireUnmasked(_ visit: Visit) throws(Problem) {
        guard !visit.session.isMasked else {
            throw Problem(.conflict, "Profile keys are masked in this session. Show them to import a file.")
        }
    }
}

/// A post to `/console/imports/columns`: shows what the columns mean, and what that would do
enum ImportMappingForm {
    @Sendable static func show(_ visit: Visit) async throws -> Response {
        try ImportFile.requireUnmasked(visit)
        let file: Bodies.ImportPreview
        do {
            file = try await preview(visit, nil)
        } catch let problem as Problem where problem.code.status.kind == .clientError {
            return await ImportFile.refused(visit, problem)
        }
        let form = MappingFields(visit, columns: file.columns)
        guard form.hasKey else {
            // The first time nobody has chosen anything yet.
            let errors = visit.form.has(ImportColumnsPage.control(0)) ? [noKey] : []
            return await page(visit, file, form, nil, errors)
        }
        return try await checked(visit, file, form)
    }

    private static let noKey = FormError(message: "Choose the column that has the profile keys.")

    /// The page with what would happen, or with what is wrong.
    static func checked(_ visit: Visit, _ file: Bodies.ImportPreview, _ form: MappingFields) async throws -> Response {
        do {
            return await page(visit, file, form, try await preview(visit, form.request), [])
        } catch let problem as Problem where problem.code.status.kind == .clientError {
            return await refused(visit, file, form, problem)
        }
    }

    static func refused(
        _ visit: Visit, _ file: Bodies.ImportPreview, _ form: MappingFields, _ problem: Problem
    ) async -> Response {
        let errors = problem.errors.map { error in
            FormError(control: form.control(of: error.pointer) ?? "", message: error.detail)
        }
        return await page(
            visit, file, form, nil, errors.isEmpty ? [FormError(message: problem.detail)] : errors,
            problem.code.status)
    }

    static func preview(_ visit: Visit, _ request: Bodies.ImportRequest?) async throws -> Bodies.ImportPreview {
        var asked = Bodies.ImportPreviewRequest()
        asked.sample = visit.form["sample"]
        asked.import = request
        return try await visit.call(PreviewImport.self, ["section": visit.form["section"]], body: asked)
    }

    private static func page(
        _ visit: Visit, _ file: Bodies.ImportPreview, _ form: MappingFields, _ preview: Bodies.ImportPreview?,
        _ errors: [FormError], _ status: HTTPResponse.Status? = nil
    ) async -> Response {
        let meanings = form.known
        let keyIndex = form.keyIndex
        let page = ImportColumnsPage(
            section: Named(name: meanings.sectionName, discriminator: visit.form["section"]),
            sample: visit.form["sample"],
            columns: file.columns.prefix(meanings.columnsMax).enumerated().map { index, name in
                .init(
                    index: index, name: name,
                    values: file.rows.prefix(3).map { $0.cells.indices.contains(index) ? $0.cells[index] : "" },
                    groups: meanings.groups(selected: form.meanings[index]))
            }, omitted: max(0, file.columns.count - meanings.columnsMax), hasMoreMeanings: meanings.hasMore,
            addresses: meanings.hasConsents
                ? file.columns.map { Choice(value: $0, label: $0, selected: $0 == form.addressColumn) } : [],
            options: form.options,
            preview: preview.map { found in
                .init(
                    rows: found.rows.map { row in
                        .init(
                            line: Int(row.line),
                            key: keyIndex.flatMap { row.cells.indices.contains($0) ? row.cells[$0] : nil } ?? "",
                            outcome: .init(row.outcome),
                            reason: [row.column, row.detail].compactMap { $0 }.joined(separator: ": "))
                    })
            }, errors: errors)
        return await visit.page(page, area: .jobs, status: status ?? (errors.isEmpty ? .ok : .badRequest))
    }
}

/// A post to `/console/imports`: makes the import, and shows where its file is uploaded
enum ImportCreation {
    @Sendable static func post(_ visit: Visit) async throws -> Response {
        try ImportFile.requireUnmasked(visit)
        let file: Bodies.ImportPreview
        do {
            file = try await ImportMappingForm.preview(visit, nil)
        } catch let problem as Problem where problem.code.status.kind == .clientError {
            return await ImportFile.refused(visit, problem)
        }
        let form = MappingFields(visit, columns: file.columns)
        guard form.hasKey else { return try await ImportMappingForm.show(visit) }
        let made: Bodies.NewImport
        do {
            made = try await visit.call(
                CreateImport.self, ["section": visit.form["section"]], body: form.request)
        } catch let problem as Problem where problem.code.status.kind == .clientError {
            return await ImportMappingForm.refused(visit, file, form, problem)
        }
        let expires = visit.now.advanced(by: Limits.importUploadLifetime)
        let page = ImportUploadPage(
            action: Endpoint.uploadImportFile.path(["import_id": made.importID]),
            uploadKey: made.fileUploadBody.uploadKey, jobHref: ConsolePath.job(made.importID),
            isCheckOnly: form.isCheckOnly, until: Moment(expires))
        return await visit.page(page, area: .jobs)
    }
}

extension ImportColumnsPage.Row.Outcome {
    fileprivate init(_ outcome: Bodies.PreviewedRow?) {
        self =
            switch outcome {
            case .new: .new
            case .updated: .updated
            case .notChanged, nil: .notChanged
            case .failed: .refused
            }
    }
}
