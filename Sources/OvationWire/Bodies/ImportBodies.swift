public import OvationCore

extension Bodies.ImportRequest {
    public var mapping: ImportMapping {
        get throws(OvationCore.Problem) { try mappings.mapping(keys: [keyspaceMapping]) }
    }
}

extension Bodies.MergingImportRequest {
    public var mapping: ImportMapping {
        get throws(OvationCore.Problem) {
            guard (1...10).contains(keyspaceMappings.count) else {
                throw ObjectReader.refused("/keyspace_mappings", .invalidValue, "There are 1 to 10 keyspace mappings.")
            }
            guard keyspaceMappings.count == 1 || keyspaceMappings.allSatisfy({ $0.mergeProfiles == true }) else {
                throw ObjectReader.refused(
                    "/keyspace_mappings", .invalidValue,
                    "Several keys of a row are those of one profile: send 'merge_profiles' true with each.")
            }
            return try mappings.mapping(keys: keyspaceMappings)
        }
    }
}

extension Bodies.ImportMappings {
    fileprivate func mapping(keys: [Bodies.ImportKeyspace]) throws(OvationCore.Problem) -> ImportMapping {
        var attributes: [ImportMapping.Field] = []
        for (index, mapped) in (attributeMappings ?? []).enumerated() {
            let name = try Self.name(
                mapped.attributeVersionID, mapped.attributeDiscriminator, "attribute",
                at: "/attribute_mappings/\(index)")
            attributes.append(ImportMapping.Field(column: mapped.fieldSelector, name: name))
        }
        var tags: [ImportMapping.Field] = []
        for (index, mapped) in (tagMappings ?? []).enumerated() {
            let name = try Self.name(mapped.tagVersionID, mapped.tagDiscriminator, "tag", at: "/tag_mappings/\(index)")
            tags.append(ImportMapping.Field(column: mapped.fieldSelector, name: name))
        }
        let consents = (consentMappings ?? []).flatMap { mapped in
            mapped.consents.map { consent in
                ImportMapping.ConsentColumn(
                    column: consent.fieldSelector, addressColumn: mapped.addressFieldSelector,
                    topic: consent.topicDiscriminator, channel: consent.channelDiscriminator,
                    list: consent.consentListDiscriminator, type: consent.type.value,
                    resubscribes: consent.resubscribeIfOptedOut ?? false)
            }
        }
        return ImportMapping(
            keys: keys.map {
                ImportMapping.Key(
                    keyspace: $0.keyspaceDiscriminator, column: $0.fieldSelector, merges: $0.mergeProfiles ?? false)
            },
            attributes: attributes, tags: tags, consents: consents,
            updatesExisting: options?.updateExistingProfiles ?? true,
            clearsAttributes: options?.clearExistingAttributes ?? false)
    }

    /// One of two ways to name a definition.
    private static func name(
        _ version: Bodies.WrittenKey?, _ discriminator: String?, _ kind: String, at pointer: String
    ) throws(OvationCore.Problem) -> String {
        switch (version?.text, discriminator) {
        case (let name?, nil), (nil, let name?): return name
        default:
            throw ObjectReader.refused(
                pointer, .invalidValue, "Name the \(kind) by '\(kind)_version_id' or by '\(kind)_discriminator'.")
        }
    }
}

/// The report of the refused rows of an import: the columns of the file, and three more. It can be corrected and sent again:
/// an import takes no notice of columns that are not mapped.
public enum ImportReport {
    public static let columns = ["import_line", "import_column", "import_reason"]

    /// What a cell of a file says to an import: without apostrophes that keep a spreadsheet from calculating. ``row(_:)`` gives it
    /// those again, so a row that comes back in a report means what it meant.
    public static func meaning(_ cell: String) -> String {
        FormulaGuard.unguarded(Array(cell.utf8)).map { String(decoding: $0, as: UTF8.self) } ?? cell
    }

    /// Quotes, line breaks, and all that can stand between the cells of a file: an import guesses from the first row what does.
    private static func isQuoted(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "|"), 0x09, 0x0A, 0x0D: true
        default: false
        }
    }

    /// One row of RFC 4180. A cell that a spreadsheet would calculate has an apostrophe before it, which an import leaves out.
    public static func row(_ fields: [String]) -> [UInt8] {
        var bytes: [UInt8] = []
        for (index, field) in fields.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            let text = Array(field.utf8)
            let guarded = FormulaGuard.guarded(text)
            let needsQuotes = text.contains(where: ImportReport.isQuoted)
            guard guarded != nil || needsQuotes else {
                bytes += text
                continue
            }
            bytes.append(UInt8(ascii: "\""))
            for byte in guarded ?? text {
                if byte == UInt8(ascii: "\"") { bytes.append(byte) }
                bytes.append(byte)
            }
            bytes.append(UInt8(ascii: "\""))
        }
        return bytes + [0x0D, 0x0A]
    }
}
