import OvationCore
import Testing

/// Refused posts: kept for a while, found again, replayed once.
extension StoreContract {
    static let rejectionChecks: [Check] = [
        Check("a refused post comes back as it was kept, to its account only") { try await $0.keepsRefusedPosts() },
        Check("rejections come newest first, page by page") { try await $0.pagesRejections() },
        Check("rejections are filtered by section, keyspace, state and code") { try await $0.filtersRejections() },
        Check("rejections are found by a text, whatever its characters mean elsewhere") {
            try await $0.searchesRejections()
        },
        Check("a list cuts bodies after so many bytes, and says how long they are") { try await $0.cutsBodies() },
        Check("a dismissed rejection is gone, and its id is not given again") { try await $0.dismisses() },
        Check("beyond the number the oldest rejections are forgotten") { try await $0.forgetsByNumber() },
        Check("rejections are forgotten after their age") { try await $0.forgetsByAge() },
        Check("a replay closes its rejection once, and stores once") { try await $0.replaysOnce() },
        Check("a replay with an idempotency key repeats its answer") { try await $0.replaysIdempotently() },
    ]

    private func filter(_ change: (inout RejectionFilter) -> Void = { _ in }) -> RejectionFilter {
        var filter = RejectionFilter(account: 1, section: 2, receivedFrom: Timestamp(milliseconds: 0))
        change(&filter)
        return filter
    }

    private func list(_ change: (inout RejectionFilter) -> Void = { _ in }) async throws -> [Rejection.ID] {
        try await store.rejections(filter(change), before: nil, limit: 100, bodyBytesMax: 10).map(\.id)
    }

    private func keepsRefusedPosts() async throws {
        try await found()
        var post = Fixtures.refusedPost(key: "öäå 😀 \u{0} no e-mail address", detail: "it has a NUL: \u{0}, see")
        post.body = [0x7B, 0, 0xFF, 0xC3, 0x28, 0]
        var bare = Fixtures.refusedPost(key: "", detail: "", body: "")
        bare.errors = []
        bare.eventCount = 0
        let first = try await store.keep(post)
        let second = try await store.keep(bare)
        #expect(second > first)
        let kept = try #require(try await store.rejection(first, account: 1))
        #expect(kept == Rejection(id: first, post: post, bodyBytes: 6, replayedAt: nil))
        let all = try await store.rejections(filter(), before: nil, limit: 10, bodyBytesMax: 1000)
        #expect(all == [Rejection(id: second, post: bare, bodyBytes: 0, replayedAt: nil), kept])

        #expect(try await store.rejection(first, account: 2) == nil)
        #expect(try await store.rejection(second + 1, account: 1) == nil)
        #expect(try await list { $0.account = 2 } == [])
    }

    private func pagesRejections() async throws {
        try await found()
        var ids: [Rejection.ID] = []
        for number in 0..<7 { ids.append(try await store.keep(Fixtures.refusedPost(key: "\(number)"))) }
        func page(before id: Rejection.ID?, limit: Int = 3) async throws -> [Rejection.ID] {
            try await store.rejections(filter(), before: id, limit: limit, bodyBytesMax: 0).map(\.id)
        }
        #expect(try await page(before: nil) == Array(ids[4...].reversed()))
        #expect(try await page(before: ids[4]) == [ids[3], ids[2], ids[1]])
        #expect(try await page(before: ids[1]) == [ids[0]])
        #expect(try await page(before: ids[0]) == [])
        #expect(try await page(before: nil, limit: 0) == [])
    }

    private func filtersRejections() async throws {
        try await found()
        let email = try await store.keep(Fixtures.refusedPost())
        let mobile = try await store.keep(Fixtures.refusedPost(keyspace: 2, code: .unknownVersion))
        let elsewhere = try await store.keep(Fixtures.refusedPost(section: 3))
        let late = Fixtures.now.advanced(by: .seconds(60))
        let later = try await store.keep(Fixtures.refusedPost(receivedAt: late))
        #expect(try await store.append(Fixtures.batch("a@b.se", times: [1], replayOf: later)) == .stored)

        #expect(try await list() == [later, mobile, email])
        #expect(try await list { $0.section = 3 } == [elsewhere])
        #expect(try await list { $0.section = nil } == [later, elsewhere, mobile, email])
        #expect(try await list { $0.keyspaces = [2] } == [mobile])
        #expect(try await list { $0.keyspaces = [1, 2] } == [later, mobile, email])
        #expect(try await list { $0.keyspaces = [] } == [])
        #expect(try await list { $0.state = .open } == [mobile, email])
        #expect(try await list { $0.state = .replayed } == [later])
        #expect(try await list { $0.code = .unknownVersion } == [mobile])
        #expect(try await list { $0.code = .invalidJSON } == [])
        #expect(try await list { $0.receivedFrom = late } == [later])
        #expect(
            try await list {
                $0.state = .open
                $0.keyspaces = [1]
            } == [email])
    }

    private func searchesRejections() async throws {
        try await found()
        let percent = try await store.keep(Fixtures.refusedPost(key: "100%@b.se", detail: "d", body: "{}"))
        let underscore = try await store.keep(Fixtures.refusedPost(key: "a_c@b.se", detail: "d", body: "{}"))
        let detail = try await store.keep(
            Fixtures.refusedPost(key: "k", detail: "The Field is 'abc'", body: "\u{0}{\"😀\":\"Å\"}"))
        func matches(_ text: String) async throws -> [Rejection.ID] { try await list { $0.text = text } }
        #expect(try await matches("%") == [percent])
        #expect(try await matches("_c") == [underscore])
        #expect(try await matches("a%c") == [])
        #expect(try await matches("the fIELD") == [detail])
        #expect(try await matches("😀\":\"Å") == [detail])
        #expect(try await matches("å") == [], "only ASCII letters are the same in either case")
        #expect(try await matches(#"""#) == [detail])
        #expect(try await matches(#"'abc'"#) == [detail])
        #expect(try await matches("VALIDATION_failed") == [detail, underscore, percent])
        #expect(try await matches("") == [detail, underscore, percent])
        #expect(try await matches(String(repeating: "%", count: 60_000)) == [])
    }

    private func cutsBodies() async throws {
        try await found()
        let id = try await store.keep(Fixtures.refusedPost(body: "abcå" + String(repeating: "x", count: 100_000)))
        func excerpt(_ bytes: Int) async throws -> Rejection {
            try #require(
                try await store.rejections(filter(), before: nil, limit: 1, bodyBytesMax: bytes).first)
        }
        // After bytes and not after characters: it is for the reader to leave out half of one.
        #expect(try await excerpt(4).post.body == [0x61, 0x62, 0x63, 0xC3])
        #expect(try await excerpt(5).post.body == Array("abcå".utf8))
        #expect(try await excerpt(0).post.body == [])
        #expect(try await excerpt(4).bodyBytes == 100_005)
        #expect(try await excerpt(1_000_000).post.body.count == 100_005)
        #expect(try await store.rejection(id, account: 1)?.post.body.count == 100_005)
    }

    private func dismisses() async throws {
        try await found()
        let first = try await store.keep(Fixtures.refusedPost())
        let second = try await store.keep(Fixtures.refusedPost())
        let from = Timestamp(milliseconds: 0)
        #expect(try await store.countOpenRejections(account: 1, from: from) == 2)
        #expect(try await store.countOpenRejections(account: 2, from: from) == 0)
        #expect(try await store.dismissRejection(second, account: 2) == false)
        #expect(try await store.dismissRejection(second, account: 1))
        #expect(try await store.dismissRejection(second, account: 1) == false)
        #expect(try await store.rejection(second, account: 1) == nil)
        #expect(try await list() == [first])
        #expect(try await store.append(Fixtures.batch("a@b.se", times: [1], replayOf: second)) == .notOpen)
        #expect(try await store.keep(Fixtures.refusedPost()) > second)
    }

    private func forgetsByNumber() async throws {
        try await found()
        let first = try await store.keep(Fixtures.refusedPost())
        let max = Limits().rejectionsMax
        let store = store
        let ids = try await withThrowingTaskGroup(of: Rejection.ID.self) { group in
            for _ in 0..<max + 20 { group.addTask { try await store.keep(Fixtures.refusedPost()) } }
            return try await group.reduce(into: []) { $0.append($1) }.sorted(by: >)
        }
        #expect(Set(ids).count == max + 20)
        let kept = try await store.rejections(filter(), before: nil, limit: 10_000, bodyBytesMax: 0).map(\.id)
        #expect(kept == Array(ids[..<max]))
        #expect(try await store.rejection(first, account: 1) == nil)
    }

    private func forgetsByAge() async throws {
        try await found()
        let age = Limits().rejectionAge
        let first = try await store.keep(Fixtures.refusedPost())
        let second = try await store.keep(Fixtures.refusedPost(receivedAt: Fixtures.now.advanced(by: .seconds(60))))
        let third = try await store.keep(Fixtures.refusedPost(receivedAt: Fixtures.now.advanced(by: age)))
        #expect(try await list() == [third, second, first])
        let last = try await store.keep(
            Fixtures.refusedPost(receivedAt: Fixtures.now.advanced(by: age + .seconds(30))))
        #expect(try await list() == [last, third, second])
        // A post that is stored forgets too, so that they go when nothing is refused any more.
        let late = Fixtures.now.advanced(by: age + age)
        _ = try await store.append(Fixtures.batch("a@b.se", times: [1], receivedAt: late))
        #expect(try await list() == [last, third])
    }

    private func replaysOnce() async throws {
        try await found()
        let id = try await store.keep(Fixtures.refusedPost())
        let later = Fixtures.now.advanced(by: .seconds(5))
        func replay(_ id: Rejection.ID, key: String = "a@b.se") async throws -> AppendOutcome {
            try await store.append(Fixtures.batch(key, times: [1], receivedAt: later, replayOf: id))
        }
        #expect(try await replay(id + 1, key: "nobody@b.se") == .notOpen)
        let batch = try Fixtures.batch("a@b.se", times: [1])
        let stranger = EventBatch(
            profile: ProfileAddress(
                account: 2, keyspace: 1, key: batch.profile.key, foundingID: batch.profile.foundingID),
            section: 2, receivedAt: later, events: batch.events, data: batch.data, idempotency: nil, replayOf: id)
        #expect(try await store.append(stranger) == .notOpen)
        #expect(try await store.rejection(id, account: 1)?.replayedAt == nil)

        #expect(try await replay(id) == .stored)
        #expect(try await store.rejection(id, account: 1)?.replayedAt == later)
        #expect(try await replay(id) == .notOpen)
        #expect(try await replay(id, key: "nobody@b.se") == .notOpen)
        #expect(try await page(filter("a@b.se")).events.count == 1)
        #expect(try await store.events(filter("nobody@b.se"), after: nil, limit: 1) == nil, "it makes no profile")
        #expect(try await store.usage(account: 1).map(\.events) == [1])
    }

    private func replaysIdempotently() async throws {
        try await found()
        let id = try await store.keep(Fixtures.refusedPost())
        let answer = AppendOutcome.duplicate(answer: [])
        let key = Idempotency(key: "k", fingerprint: [1], answer: [])
        let replay = try Fixtures.batch("a@b.se", times: [1], idempotency: key, replayOf: id)
        #expect(try await store.append(replay) == .stored)
        #expect(try await store.append(replay) == answer, "the key is asked before the rejection")
        let other = Idempotency(key: "k2", fingerprint: [1], answer: [])
        let again = try Fixtures.batch("a@b.se", times: [1], idempotency: other, replayOf: id)
        #expect(try await store.append(again) == .notOpen)
        #expect(try await store.outcome(account: 1, of: other, at: Fixtures.now) == nil, "nothing was stored")
    }
}
