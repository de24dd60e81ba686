public import OvationCore
import Testing

/// Rejections by their cause.
extension StoreContract {
    static let causeChecks: [Check] = [
        Check("open rejections are counted by cause, the most first") { try await $0.countsByCause() },
        Check("causes are filtered by section, code, code of an error and event type") { try await $0.filtersCauses() },
        Check("rejections are filtered by cause, and by any of their errors") { try await $0.filtersByMarks() },
        Check("a list of causes is bounded, and says how many there are") { try await $0.boundsCauses() },
        Check("a range has the open rejections of one cause, oldest first") { try await $0.rangesOverACause() },
        Check("what is dismissed together was open and of the account") { try await $0.dismissesTogether() },
        Check("a replay says which events it stored") { try await $0.notesReplayedEvents() },
    ]

    private static let from = Timestamp(milliseconds: 0)

    private func refused(
        _ code: Problem.Code = .wrongType, at pointer: String = "/items/0/data/total", more: [ItemError] = [],
        types: [String] = ["com.a.order"], section: Int64 = 2, outer: Problem.Code = .validationFailed,
        events: Int = 1, client: String = "shop", second: Int64 = 0
    ) -> RefusedPost {
        var post = Fixtures.refusedPost(
            section: section, code: outer, receivedAt: Fixtures.now.advanced(by: .seconds(second)))
        post.errors = [ItemError(index: 0, pointer: pointer, code: code, detail: "")] + more
        post.eventTypes = types
        post.eventCount = events
        post.clientID = client
        return post
    }

    private func causes(
        _ change: (inout RejectionCauseFilter) -> Void = { _ in }, limit: Int = 100
    ) async throws -> RejectionCauses {
        var filter = RejectionCauseFilter(account: 1, receivedFrom: Self.from)
        change(&filter)
        return try await store.rejectionCauses(filter, limit: limit)
    }

    private func countsByCause() async throws {
        try await found()
        #expect(try await causes() == RejectionCauses(items: [], causes: 0, rejections: 0))
        let total = refused(events: 3)
        _ = try await store.keep(total)
        _ = try await store.keep(refused(at: "/items/7/data/total", events: 4, second: 5))
        let newest = try await store.keep(refused(events: 0, second: 9))
        let currency = try await store.keep(refused(.missingField, at: "/items/0/data/currency"))
        let other = try await store.keep(refused(client: "till"))
        var nothing = Fixtures.refusedPost(code: .invalidJSON)
        nothing.errors = []
        nothing.eventCount = 0
        let broken = try await store.keep(nothing)

        let found = try await causes()
        #expect(found.causes == 4 && found.rejections == 6)
        let first = try #require(found.items.first)
        #expect(first.cause == total.cause && first.cause.pointer == "/items/*/data/total")
        #expect(first.cause.eventType == "com.a.order" && first.cause.itemCode == .wrongType)
        #expect(first.rejections == 3 && first.events == 7 && first.newest == newest)
        #expect(first.first == Fixtures.now && first.last == Fixtures.now.advanced(by: .seconds(9)))
        #expect(found.items.dropFirst().map(\.newest) == [broken, other, currency], "of as many the newest first")
        let bare = try #require(found.items.dropFirst().first?.cause)
        #expect(bare.itemCode == nil && bare.eventType == nil && bare.pointer == "" && bare == nothing.cause)

        #expect(try await causes { $0.cause = first.cause.id }.items == [first])
        #expect(try await causes { $0.account = 2 }.causes == 0)
        let late = Fixtures.now.advanced(by: .seconds(6))
        #expect(try await causes { $0.receivedFrom = late }.items.map(\.rejections) == [1])
        // What is replayed is dealt with.
        #expect(try await store.append(Fixtures.batch("a@b.se", times: [1], replayOf: newest)) == .stored)
        #expect(try await causes { $0.cause = first.cause.id }.items.map(\.rejections) == [2])
        #expect(try await store.countOpenRejections(account: 1, from: Self.from) == 5)
        #expect(try await store.countOpenRejections(account: 1, from: late) == 0)
    }

    private func filtersCauses() async throws {
        try await found()
        let second = ItemError(index: 1, pointer: "/items/1/data/x", code: .unknownField, detail: "")
        _ = try await store.keep(refused())
        let both = try await store.keep(refused(more: [second], types: ["com.a.order", "com.a.visit"]))
        let visit = try await store.keep(refused(.unknownField, at: "/items/0/data/x", types: ["com.a.visit"]))
        let elsewhere = try await store.keep(refused(types: [""], section: 3, outer: .eventTypeForbidden))
        func newest(_ change: (inout RejectionCauseFilter) -> Void) async throws -> [Rejection.ID] {
            try await causes(change).items.map(\.newest)
        }
        #expect(try await newest { $0.sections = [2] } == [both, visit])
        #expect(try await newest { $0.sections = [3] } == [elsewhere])
        #expect(try await newest { $0.sections = [] } == [])
        #expect(try await newest { $0.code = .eventTypeForbidden } == [elsewhere])
        #expect(try await newest { $0.itemCode = .wrongType } == [both, elsewhere])
        #expect(try await newest { $0.eventType = "com.a.order" } == [both])
        // A cause with one such rejection is there with all of its rejections.
        #expect(try await newest { $0.itemCode = .unknownField } == [both, visit])
        #expect(try await causes { $0.itemCode = .unknownField }.items.map(\.rejections) == [2, 1])
        #expect(try await newest { $0.eventType = "com.a.visit" } == [both, visit])
        // A word is no part of another one, and what is not known is no word.
        for word in ["com.a", "com.a.orde", "", "-", " ", "%", "com.a.order com.a.visit"] {
            #expect(try await newest { $0.eventType = word } == [], "\(word)")
        }
        for word in ["wrong", "type", "-", ""] {
            #expect(try await newest { $0.itemCode = Problem.Code(rawValue: word) } == [], "\(word)")
        }
    }

    private func filtersByMarks() async throws {
        try await found()
        let second = ItemError(index: 1, pointer: "/items/1/data/x", code: .unknownField, detail: "")
        let plain = try await store.keep(refused())
        let both = try await store.keep(refused(more: [second], types: ["com.a.order", "com.a.visit"]))
        let other = try await store.keep(refused(.missingField, at: "/items/0/data/currency", types: []))
        #expect(try await store.append(Fixtures.batch("a@b.se", times: [1], replayOf: plain)) == .stored)
        func list(_ change: (inout RejectionFilter) -> Void) async throws -> [Rejection.ID] {
            var filter = RejectionFilter(account: 1, section: nil, receivedFrom: Self.from)
            change(&filter)
            return try await store.rejections(filter, before: nil, limit: 10, bodyBytesMax: 0).map(\.id)
        }
        let cause = refused().cause.id
        #expect(try await list { $0.cause = cause } == [both, plain])
        #expect(
            try await list {
                $0.cause = cause
                $0.state = .open
            } == [both])
        #expect(try await list { $0.itemCode = .unknownField } == [both])
        #expect(try await list { $0.itemCode = .wrongType } == [both, plain])
        #expect(try await list { $0.itemCode = .missingField } == [other])
        #expect(try await list { $0.eventType = "com.a.visit" } == [both])
        #expect(try await list { $0.itemCode = .nestedValue } == [])
        #expect(try await store.rejection(both, account: 1)?.post.eventTypes == ["com.a.order", "com.a.visit"])
        #expect(try await store.rejection(other, account: 1)?.post.eventTypes == [])
    }

    private func boundsCauses() async throws {
        try await found()
        for number in 0..<7 { _ = try await store.keep(refused(at: "/items/0/data/x\(number)")) }
        let found = try await causes(limit: 3)
        #expect(found.items.count == 3 && found.causes == 7 && found.rejections == 7)
        // Names come from anybody: as long as a body, and with whatever characters.
        let long = String(repeating: "ä\u{0}'\u{301}", count: 20_000)
        _ = try await store.keep(refused(at: "/items/0/data/" + long))
        _ = try await store.keep(refused(at: "/items/1/data/" + long + "b"))
        let first = try #require(try await causes(limit: 1).items.first)
        #expect(first.rejections == 2 && first.cause.pointer.unicodeScalars.count == Limits.quotedLengthMax + 1)
    }

    private func rangesOverACause() async throws {
        try await found()
        var ids: [Rejection.ID] = []
        for second in 0..<6 {
            ids.append(try await store.keep(refused(second: Int64(second))))
            _ = try await store.keep(refused(.missingField))
        }
        #expect(try await store.append(Fixtures.batch("a@b.se", times: [1], replayOf: ids[2])) == .stored)
        var range = RejectionRange(account: 1, cause: refused().cause.id, receivedFrom: Self.from)
        func list(_ limit: Int = 10) async throws -> [Rejection.ID] {
            try await store.rejections(range, limit: limit, bodyBytesMax: 1000).map(\.id)
        }
        #expect(try await list() == [ids[0], ids[1], ids[3], ids[4], ids[5]])
        #expect(try await list(2) == [ids[0], ids[1]])
        #expect(try await store.rejections(range, limit: 1, bodyBytesMax: 4).first?.post.body.count == 4)
        let whole = try await store.rejections(range, limit: 1, bodyBytesMax: .max).first
        #expect(whole?.post.body == refused().body)
        (range.after, range.through) = (ids[0], ids[4])
        #expect(try await list() == [ids[1], ids[3], ids[4]])
        #expect(try await store.countRejections(range) == 3)
        range.receivedFrom = Fixtures.now.advanced(by: .seconds(4))
        #expect(try await list() == [ids[4]])
        range.account = 2
        #expect(try await list() == [])
        #expect(try await store.countRejections(range) == 0)
    }

    private func dismissesTogether() async throws {
        try await found()
        var ids: [Rejection.ID] = []
        for _ in 0..<4 { ids.append(try await store.keep(refused())) }
        #expect(try await store.append(Fixtures.batch("a@b.se", times: [1], replayOf: ids[0])) == .stored)
        #expect(try await store.dismissRejections(ids, account: 2) == 0)
        #expect(try await store.dismissRejections([], account: 1) == 0)
        #expect(try await store.dismissRejections([ids[0], ids[1], ids[2], ids[3] + 1], account: 1) == 2)
        #expect(try await store.dismissRejections([ids[1]], account: 1) == 0)
        let filter = RejectionFilter(account: 1, section: nil, receivedFrom: Self.from)
        let left = try await store.rejections(filter, before: nil, limit: 10, bodyBytesMax: 0).map(\.id)
        #expect(left == [ids[3], ids[0]])
    }

    private func notesReplayedEvents() async throws {
        try await found()
        let id = try await store.keep(refused())
        _ = try await store.append(Fixtures.batch("a@b.se", times: [1, 2]))
        // More than a block of ids has.
        let times = (10..<210).map { Int64($0) }
        #expect(try await store.append(Fixtures.batch("a@b.se", times: times, replayOf: id)) == .stored)
        _ = try await store.append(Fixtures.batch("a@b.se", times: [3]))
        let runs = try #require(try await store.rejection(id, account: 1)).replayedEvents
        #expect(runs.reduce(0) { $0 + $1.count } == 200)
        var stored: [Int64] = []
        for run in runs {
            let page = try await store.events(
                of: ExportRange(
                    account: 1, section: 2, after: run.lowerBound - 1, through: run.upperBound, limit: 1000,
                    bytesMax: 1_000_000))
            stored += page.rows.map(\.eventTime.milliseconds)
        }
        #expect(stored == times)
    }
}

/// What an older version kept.
extension StoreContract {
    /// Keeps posts in a new store, lets their marks be taken from them, and opens the store again.
    /// - Parameter forget: makes the columns of causes NULL, as an update leaves them.
    public static func fillsCauses(
        opening open: () async throws -> any Store, closing close: (any Store) async throws -> Void,
        _ forget: (any Store) async throws -> Void
    ) async throws {
        let store = try await open()
        var random = SeededGenerator(seed: 1)
        let (founded, first) = try Catalogue(account: Fixtures.account).applying(
            Catalogue.founding, at: Fixtures.now, by: "server")
        let plan = try founded.plan(toReach: Fixtures.model(), at: Fixtures.now, using: &random)
        let (catalogue, rest) = try founded.applying(plan.changes, at: Fixtures.now, by: "server")
        try await store.commit(AccountChange(account: Fixtures.account, entries: first + rest))
        let section = try #require(catalogue.sections.first { $0.discriminator.text == Fixtures.section }).number
        func keep(_ body: String, types: [String], errors: [ItemError]) async throws -> Rejection.ID {
            var post = Fixtures.refusedPost(section: section, body: body)
            post.errors = errors
            post.eventTypes = types
            return try await store.keep(post)
        }
        let wrong = ItemError(index: 0, pointer: "/items/0/data/x", code: .unknownField, detail: "")
        let other = ItemError(index: 1, pointer: "/items/1/version_id", code: .unknownVersion, detail: "")
        let item = #"{"version_id":2565266}"#
        _ = try await keep("{\"items\":[\(item)]}", types: [Fixtures.eventType], errors: [wrong])
        _ = try await keep(
            "{\"items\":[{\"version_id\":\"2565266\"},{\"version_id\":7}]}", types: [Fixtures.eventType, ""],
            errors: [wrong, other])
        for body in ["nonsense", "[]", "{\"items\":7}", "{\"items\":[]}", "{\"items\":[\"x\"]}", "{\"items\":[{}]}"] {
            _ = try await keep(body, types: [""], errors: [wrong])
        }
        _ = try await keep(String(repeating: "[", count: 50_000), types: [], errors: [])
        // More than are marked at once.
        for _ in 0..<600 { _ = try await keep("{\"items\":[\(item)]}", types: [Fixtures.eventType], errors: [wrong]) }
        func all(_ store: any Store) async throws -> (RejectionCauses, [Rejection]) {
            let from = Timestamp(milliseconds: 0)
            return (
                try await store.rejectionCauses(RejectionCauseFilter(account: 1, receivedFrom: from), limit: 100),
                try await store.rejections(
                    RejectionFilter(account: 1, section: nil, receivedFrom: from), before: nil, limit: 1000,
                    bodyBytesMax: 100)
            )
        }
        let before = try await all(store)
        #expect(before.0.items.map(\.rejections) == [602, 6, 1])
        try await forget(store)
        #expect(try await all(store).0.causes == 0)
        try await close(store)
        let again = try await open()
        let after = try await all(again)
        #expect(after.0 == before.0)
        #expect(after.1 == before.1)
        try await close(again)
    }
}
