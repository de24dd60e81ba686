public import OvationCore
import Testing

/// Clocks that are set wrong, and right again.
extension StoreContract {
    /// Limits under which a clock is doubted as a server doubts it.
    public static func doubting(_ limits: Limits) -> Limits {
        var limits = limits
        limits.clockJumpMax = .seconds(3500)
        return limits
    }

    /// What is past its age by a wrong clock is there again with the right one, also over starts.
    /// - Parameter serve: opens the store at a time of the clock, with ``doubting(_:)`` limits, for as long as some work
    ///   takes.
    public static func survivesClockJump(
        _ serve: (Timestamp, (any Store) async throws -> Void) async throws -> Void
    ) async throws {
        let month = Fixtures.now.advanced(by: .seconds(30 * 86_400))
        func keep(_ store: any Store, at time: Timestamp) async throws {
            for _ in 0..<3 { _ = try await store.keep(Fixtures.refusedPost(receivedAt: time)) }
        }
        func post(_ key: String, at time: Timestamp, on store: any Store) async throws -> AppendOutcome {
            let key = Idempotency(key: key, fingerprint: [1], answer: [7])
            return try await store.append(Fixtures.batch("a@b.se", times: [1], receivedAt: time, idempotency: key))
        }
        func kept(_ store: any Store) async throws -> Int {
            let filter = RejectionFilter(account: 1, section: nil, receivedFrom: Timestamp(milliseconds: 0))
            return try await store.rejections(filter, before: nil, limit: 1000, bodyBytesMax: 0).count
        }
        try await serve(Fixtures.now) { store in
            try await store.found()
            try await keep(store, at: Fixtures.now)
            #expect(try await post("first", at: Fixtures.now, on: store) == .stored)
            // While it runs.
            try await keep(store, at: month)
            #expect(try await kept(store) == 6)
            #expect(try await post("second", at: month, on: store) == .stored)
            #expect(try await post("first", at: month, on: store) == .duplicate(answer: [7]))
            #expect(try await kept(store) == 6)
        }
        // Twice, since the first start has the wrong time in what it stores.
        for number in 0..<2 {
            try await serve(month.advanced(by: .seconds(100))) { store in
                let now = month.advanced(by: .seconds(200))
                #expect(try await post("start \(number)", at: now, on: store) == .stored)
                #expect(try await post("first", at: now, on: store) == .duplicate(answer: [7]))
                try await keep(store, at: now)
            }
        }
        try await serve(Fixtures.now.advanced(by: .seconds(300))) { store in
            let now = Fixtures.now.advanced(by: .seconds(400))
            #expect(try await kept(store) == 12)
            try await keep(store, at: now)
            #expect(try await post("first", at: now, on: store) == .duplicate(answer: [7]))
            #expect(try await kept(store) == 15)
            #expect(
                try await store.outcome(
                    account: 1, of: Idempotency(key: "first", fingerprint: [1], answer: []), at: now)
                    == .duplicate(answer: [7]))
        }
    }
}
