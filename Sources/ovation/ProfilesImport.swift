import ArgumentParser
import OvationClient
import OvationCore
import OvationWire

extension ProfilesCommand {
    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make and change profiles from a file of CSV.",
            discussion: """
                Say with --map what each column means, as the first row of the file names it:

                  COLUMN=key                     the key of the profile, in --keyspace
                  COLUMN=ATTRIBUTE               an attribute, by its discriminator or name, such as firstname
                  COLUMN=tag:TAG                 1 or true adds the tag, 0 or false removes it
                  COLUMN=opt-in:TOPIC@CHANNEL    1 or true opts the address in --address in; opt-out: likewise

                The command waits until the import has ended. Rows that are refused are counted, and --report writes them to a \
                file, with the reasons; the command then ends with 1. Correct that file, and import it with the same command.

                If you stop the command after the upload, the import goes on; 'ovation jobs wait' waits for it again.

                ovation profiles import people.csv --map email=key --map first_name=firstname --report refused.csv
                """)

        /// Of a line of the report on a terminal; a longer one is written in several steps.
        private static let shownLineBytesMax = 1024 * 1024

        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var place: SectionOption
        @Option(help: "Discriminator of the keyspace of the keys.") var keyspace = "com.apsis1.keyspaces.email"
        @Option(
            name: .customLong("map"),
            help: ArgumentHelp("What a column means; repeatable.", valueName: "column=meaning"))
        var maps: [String] = []
        @Option(help: "Column with the addresses of consents. (default: the column of the key)") var address: String?
        @Flag(help: "Leave profiles that are there as they are.") var onlyNew = false
        @Flag(help: "Empty cells clear their attributes.") var clear = false
        @Flag(help: "Opt in who has opted out.") var resubscribe = false
        @Flag(help: "Check the file and store nothing.") var validateOnly = false
        @Option(help: ArgumentHelp("Write the refused rows to this file.", valueName: "file")) var report: String?
        @Flag(name: .shortAndLong, help: "Show no progress.") var quiet = false
        @Flag(help: "The job as one JSON object instead of a sentence.") var json = false
        @Argument(help: "File of CSV, or - for standard input.") var file: String

        func validate() throws {
            guard maps.contains(where: { $0.hasSuffix("=key") }) else {
                throw ValidationError("Say which column has the keys, such as --map email=key.")
            }
            guard maps.filter({ $0.hasSuffix("=key") }).count == 1 else {
                throw ValidationError("The keys are in one column; give one --map COLUMN=key.")
            }
            if let wrong = maps.first(where: { !$0.dropFirst().contains("=") || $0.hasSuffix("=") }) {
                throw ValidationError("'\(wrong)' is no COLUMN=MEANING.")
            }
        }

        func run() async throws {
            var source = try ImportSource(file)
            let client = try connection.client()
            let section = try await client.section(named: place.section)
            let request = try await request(in: section, client)
            let made = try await client.call(.createImport, ["section": section], body: request).content
            let job = ProfileImport(made, through: client)
            let progress = TransferProgress(total: source.size, unit: "bytes", isQuiet: quiet)
            source.onRead = { bytes in
                progress.advance(to: bytes)
                progress.count(bytes)
            }
            try await upload(source, of: job, progress, client)
            if !quiet {
                // Told before the wait: however the command is stopped, this is known.
                StandardError.writeLine(
                    "The file is uploaded, and the import goes on by itself. If you stop this command, 'ovation jobs wait "
                        + "\(job.id)' waits for it.")
            }
            let ended = try await JobsCommand.wait(for: job.id, of: client, isQuiet: quiet)
            if let report, ended.content.result.failed > 0 {
                let output = try OutputFile(report, notReading: source.descriptor)
                try await write(job, in: section, to: output)
                try output.finish()
            }
            if json {
                try Output.print(json: JSONWriter.write(ended.json))
            } else {
                try Output.print(JobsCommand.sentence(ended.content))
            }
            try JobsCommand.endWithStatus(of: ended.content)
        }

        /// Writes the report. On a terminal the texts of others cannot act.
        private func write(_ job: ProfileImport, in section: String, to output: OutputFile) async throws {
            guard output.isTerminal else { return try await job.report(in: section) { try output.write($0) } }
            // What is escaped can begin in one part and end in the next.
            var line: [UInt8] = []
            func writeLine() throws {
                let escaped = line.withUnsafeBytes { TerminalText.lines($0) } ?? line
                line.removeAll(keepingCapacity: true)
                try escaped.withUnsafeBytes { try output.write($0) }
            }
            try await job.report(in: section) { bytes in
                for byte in bytes {
                    line.append(byte)
                    if byte == UInt8(ascii: "\n") || line.count == Import.shownLineBytesMax { try writeLine() }
                }
            }
            try writeLine()
        }

        private func upload(
            _ source: ImportSource, of job: ProfileImport, _ progress: TransferProgress, _ client: APIClient
        ) async throws {
            do {
                try await progress.whileShowing { try await job.upload(source, observer: UploadNotes(progress)) }
            } catch {
                // Otherwise it waits for its file for an hour, and takes one of the few places of the account.
                _ = try? await client.call(.cancelJob, ["job": job.id])
                throw error
            }
        }

        private func request(in section: String, _ client: APIClient) async throws -> Bodies.ImportRequest {
            var request = Bodies.ImportRequest()
            request.keyspaceMapping.keyspaceDiscriminator = keyspace
            var attributes: [Bodies.ImportAttribute] = []
            var tags: [Bodies.ImportTag] = []
            var consents: [Bodies.ImportConsent] = []
            let words = maps.map { map in
                // A column can have any name; what it means has no '='.
                let end = map.lastIndex(of: "=") ?? map.startIndex
                return (column: String(map[..<end]), meaning: String(map[map.index(after: end)...]))
            }
            let names = try await FieldNames.attributes(in: section, of: client)
            let tagWords = words.filter { $0.meaning.hasPrefix("tag:") }.map { String($0.meaning.dropFirst(4)) }
            let tagNames = try await FieldNames.tags(in: section, for: tagWords, of: client)
            for (column, meaning) in words {
                if meaning == "key" {
                    request.keyspaceMapping.fieldSelector = column
                } else if meaning.hasPrefix("tag:") {
                    var tag = Bodies.ImportTag()
                    tag.fieldSelector = column
                    tag.tagDiscriminator = try tagNames.find(String(meaning.dropFirst(4))).discriminator
                    tags.append(tag)
                } else if let type = Bodies.ConsentType.allCases.first(where: { meaning.hasPrefix($0.rawValue + ":") })
                {
                    consents.append(
                        try await consent(column, type, meaning.dropFirst(type.rawValue.count + 1), section, client))
                } else {
                    var attribute = Bodies.ImportAttribute()
                    attribute.fieldSelector = column
                    attribute.attributeDiscriminator = try names.find(meaning).discriminator
                    attributes.append(attribute)
                }
            }
            var options = Bodies.ImportOptions()
            options.updateExistingProfiles = !onlyNew
            options.clearExistingAttributes = clear
            options.validateOnly = validateOnly
            request.mappings.options = options
            request.mappings.attributeMappings = attributes
            request.mappings.tagMappings = tags
            if !consents.isEmpty {
                var mapped = Bodies.ImportConsents()
                mapped.addressFieldSelector = address ?? request.keyspaceMapping.fieldSelector
                mapped.consents = consents
                request.mappings.consentMappings = [mapped]
            }
            return request
        }

        /// - Parameter words: `TOPIC@CHANNEL`.
        private func consent(
            _ column: String, _ type: Bodies.ConsentType, _ words: Substring, _ section: String, _ client: APIClient
        ) async throws -> Bodies.ImportConsent {
            guard let at = words.lastIndex(of: "@") else {
                throw CommandFailure("A consent names its channel: \(type.rawValue):TOPIC@email.")
            }
            var consent = Bodies.ImportConsent()
            consent.fieldSelector = column
            consent.type = type
            consent.topicDiscriminator = try await client.topic(named: String(words[..<at]), in: section)
            consent.channelDiscriminator = try await client.channel(named: String(words[words.index(after: at)...]))
            consent.resubscribeIfOptedOut = resubscribe
            return consent
        }
    }
}

/// Tells of breaks of an upload.
private struct UploadNotes: TransferObserver {
    let progress: TransferProgress

    init(_ progress: TransferProgress) { self.progress = progress }

    func pauses(after failure: ClientFailure, seconds: Int) { progress.note(failure, seconds) }

    func goesOn() { progress.note("") }
}
