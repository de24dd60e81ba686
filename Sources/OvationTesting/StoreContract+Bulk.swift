import OvationCore
import Testing

/// Chunks of a bulk upload, and exports.
extension StoreContract {
    static let bulkChecks: [Check] = [
        Check("a chunk is stored whole, with its profiles, and counts as posts do") { try await $0.appendsChunk() },
        Check("a chunk and a post of one profile meet") { try await $0.chunkMeetsPost() },
        Check("a chunk's idempotency key stores once, even without events") { try await $0.chunkIsIdempotent() },
        Check("two keys of a chunk with one founding id are two profiles") { try await $0.chunkSurvivesCollision() },
        Check("an export has all events of a section in the order of arrival") { try await $0.exports() },
        Check("an export is narrowed by version, time and place") { try await $0.narrowsExport() },
        Check("pages of an export follow each other, by number and by bytes") { try await $0.pagesExport() },
    ]

    /// A chunk with two events for each key: `n` is 0 and 1.
    private func chunk(
        _ keys: [String], ids: [Int64]? = nil, section: Int64 = 2, version: EventVersion.ID = Fixtures.versionID,
        time: Int64 = 1000, idempotency: Idempotency? = nil
    ) -> EventChunk {
        var profiles: [EventChunk.Profile] = []
        var bytes: [UInt8] = []
        var rows: [EventChunk.Row] = []
        // Backwards, since nothing says that data come in the order of the rows.
        let data = Array("{\"n\":1}{\"n\":0}".utf8)
        for (index, key) in keys.enumerated() {
            let start = bytes.count
            bytes += key.utf8
            for range in [7..<14, 0..<7] {
                rows.append(
                    EventChunk.Row(eventTime: Timestamp(milliseconds: time), version: version, data: range))
            }
            let founding = ids?[index] ?? key.utf8.reduce(Int64(5381)) { $0 &* 33 &+ Int64($1) }
            profiles.append(
                EventChunk.Profile(
                    keyspace: 1, key: start..<bytes.count, foundingID: ProfileID(founding), rowsEnd: rows.count))
        }
        return EventChunk(
            account: 1, section: section, receivedAt: Fixtures.now, profiles: profiles, keys: bytes, rows: rows,
            data: keys.isEmpty ? [] : data, idempotency: idempotency)
    }

    private func range(
        after: Int64 = 0, through: Int64? = nil, versions: Set<EventVersion.ID>? = nil, from: Int64? = nil,
        to: Int64? = nil, section: Int64 = 2, account: Int64 = 1, limit: Int = 1000, bytesMax: Int = 1_000_000
    ) -> ExportRange {
        ExportRange(
            account: account, section: section, after: after, through: through, versions: versions,
            from: from.map { Timestamp(milliseconds: $0) }, to: to.map { Timestamp(milliseconds: $0) }, limit: limit,
            bytesMax: bytesMax)
    }

    /// `key data` of each event.
    private func texts(_ page: ExportPage) -> [String] {
        var start = 0
        return page.rows.map { row in
            defer { start = row.dataEnd }
            let key = String(decoding: page.keys[page.profiles[row.profile].key], as: UTF8.self)
            return key + " " + String(decoding: page.data[start..<row.dataEnd], as: UTF8.self)
        }
    }

    private func appendsChunk() async throws {
        try await found()
        #expect(try await store.append(chunk(["a@b.se", "c@d.se"])) == .stored)
        for key in ["a@b.se", "c@d.se"] {
            let events = try await page(filter(key)).events
            #expect(events.map(\.data) == ["{\"n\":1}", "{\"n\":0}"])
            #expect(events.allSatisfy { $0.receivedAt == Fixtures.now && $0.eventTime.milliseconds == 1000 })
        }
        let usage = try await store.usage(account: 1)
        #expect(usage.map(\.events) == [4] && usage.map(\.version) == [Fixtures.versionID])
        #expect(store.statistics().eventsStored == 4)
    }

    private func chunkMeetsPost() async throws {
        try await found()
        _ = try await store.append(Fixtures.batch("a@b.se", times: [1]))
        _ = try await store.append(chunk(["a@b.se", "c@d.se"]))
        _ = try await store.append(Fixtures.batch("c@d.se", times: [2000]))
        #expect(try await page(filter("a@b.se")).events.count == 3)
        let events = try await page(filter("c@d.se")).events
        #expect(events.count == 3 && events.map(\.id) == events.map(\.id).sorted(by: >))
        #expect(try await store.usage(account: 1).map(\.events) == [6])
    }

    private func chunkIsIdempotent() async throws {
        try await found()
        let key = Idempotency(key: "k", fingerprint: [1], answer: [7])
        #expect(try await store.append(chunk(["a@b.se"], idempotency: key)) == .stored)
        #expect(try await store.append(chunk(["a@b.se"], idempotency: key)) == .duplicate(answer: [7]))
        let other = Idempotency(key: "k", fingerprint: [2], answer: [])
        #expect(try await store.append(chunk(["a@b.se"], idempotency: other)) == .conflict)
        #expect(try await page(filter("a@b.se")).events.count == 2)
        let empty = Idempotency(key: "empty", fingerprint: [3], answer: [8])
        #expect(try await store.append(chunk([], idempotency: empty)) == .stored)
        #expect(try await store.outcome(account: 1, of: empty, at: Fixtures.now) == .duplicate(answer: [8]))
    }

    private func chunkSurvivesCollision() async throws {
        try await found()
        #expect(try await store.append(chunk(["a@b.se", "c@d.se"], ids: [7, 7])) == .stored)
        for key in ["a@b.se", "c@d.se"] {
            let filter = EventFilter(profile: try Fixtures.address(key, id: 7), section: 2)
            #expect(try await page(filter).events.count == 2)
        }
    }

    private func exports() async throws {
        try await found()
        let empty = try await store.events(of: range())
        #expect(empty.rows.isEmpty && empty.next == nil && empty.newest == 0)
        _ = try await store.append(Fixtures.batch("z@b.se", times: [5], data: "{\"n\":9}"))
        _ = try await store.append(chunk(["a@b.se", "c@d.se"]))
        _ = try await store.append(Fixtures.batch("a@b.se", times: [1], section: 1))
        let page = try await store.events(of: range())
        #expect(
            texts(page) == [
                "z@b.se {\"n\":9}", "a@b.se {\"n\":0}", "a@b.se {\"n\":1}", "c@d.se {\"n\":0}", "c@d.se {\"n\":1}",
            ])
        #expect(page.rows.map(\.id) == page.rows.map(\.id).sorted() && page.next == nil)
        #expect(page.profiles.count == 3 && page.profiles.allSatisfy { $0.keyspace == 1 })
        #expect(page.rows.allSatisfy { $0.receivedAt == Fixtures.now && $0.version == Fixtures.versionID })
        #expect(page.newest > page.rows.map(\.id).max() ?? 0)
    }

    private func narrowsExport() async throws {
        try await found()
        _ = try await store.append(chunk(["a@b.se"], time: 1000))
        _ = try await store.append(chunk(["b@b.se"], version: 77, time: 2000))
        _ = try await store.append(chunk(["c@b.se"], section: 3, time: 3000))
        func keys(_ range: ExportRange) async throws -> Set<String> {
            Set(texts(try await store.events(of: range)).map { String($0.prefix(1)) })
        }
        #expect(try await keys(range()) == ["a", "b"])
        #expect(try await keys(range(versions: [77])) == ["b"])
        #expect(try await keys(range(versions: [])) == [])
        #expect(try await keys(range(from: 2000)) == ["b"])
        #expect(try await keys(range(to: 2000)) == ["a"])
        #expect(try await keys(range(section: 3)) == ["c"])
        #expect(try await keys(range(account: 2)) == [])
        let ids = try await store.events(of: range()).rows.map(\.id)
        #expect(try await store.events(of: range(after: ids[0], through: ids[2])).rows.map(\.id) == Array(ids[1...2]))
    }

    private func pagesExport() async throws {
        try await found()
        for number in 0..<10 { _ = try await store.append(chunk(["k\(number)@b.se"])) }
        let whole = texts(try await store.events(of: range()))
        for (limit, bytesMax) in [(1, 1000), (3, 1000), (20, 1000), (1000, 1), (1000, 20)] {
            var all: [String] = []
            var pages = 0
            var range = range(limit: limit, bytesMax: bytesMax)
            while true {
                let page = try await store.events(of: range)
                all += texts(page)
                pages += 1
                #expect(page.rows.count <= limit && page.data.count <= bytesMax + 7)
                guard let next = page.next else { break }
                range.after = next
            }
            #expect(all == whole && (limit == 20 ? pages == 1 : pages > 1), "\(limit) \(bytesMax)")
        }
    }
}
