import OvationCore
import Testing

/// What became of events, by the minute.
extension StoreContract {
    static let activityChecks: [Check] = [
        Check("what is stored is counted by the minute and the version") { try await $0.countsAccepted() },
        Check("what is refused is counted, kept or not, by the version where that is known") {
            try await $0.countsRefused()
        },
        Check("what is repeated is counted as that, and what is a conflict not at all") {
            try await $0.countsDuplicates()
        },
        Check("a chunk is counted with its refused lines, once") { try await $0.countsChunks() },
        Check("a replay is counted with the events that it stores") { try await $0.countsReplays() },
        Check("posts that come late or by a clock that was set back are counted in their minute") {
            try await $0.countsInAnyOrder()
        },
        Check("posts of many minutes at once are counted each in its own") { try await $0.countsConcurrently() },
        Check("a deletion changes no count") { try await $0.countsStay() },
        Check("minutes that are past their time are forgotten") { try await $0.forgetsCounts() },
    ]

    private static let version = Fixtures.versionID
    private static let first = Activity.minute(of: Fixtures.now)

    private func minute(_ number: Int64, _ seconds: Int64 = 0) -> Timestamp {
        Fixtures.now.advanced(by: .seconds(number * 60 + seconds))
    }

    /// By minutes since the first one.
    private func activity(account: Int64 = 1, _ range: ClosedRange<Int64> = 0...100_000) async throws -> Activity {
        let first = StoreContract.first
        var activity = try await store.activity(
            account: account, in: first + range.lowerBound...first + range.upperBound)
        activity.minutes = Dictionary(uniqueKeysWithValues: activity.minutes.map { ($0.key - first, $0.value) })
        return activity
    }

    private func refusal(_ events: Int, at time: Timestamp = Fixtures.now, section: Int64 = 2) -> RefusedPost {
        var post = Fixtures.refusedPost(section: section, receivedAt: time)
        post.eventCount = events
        return post
    }

    private func chunk(
        _ times: [Int64], refused: Int, at time: Timestamp = Fixtures.now, idempotency: Idempotency? = nil
    ) throws -> EventChunk {
        let key = Array("chunk@b.se".utf8)
        return EventChunk(
            account: 1, section: 2, receivedAt: time,
            profiles: times.isEmpty
                ? []
                : [
                    EventChunk.Profile(
                        keyspace: 1, key: 0..<key.count, foundingID: ProfileID(4711), rowsEnd: times.count)
                ],
            keys: times.isEmpty ? [] : key,
            rows: times.map {
                EventChunk.Row(
                    eventTime: Timestamp(milliseconds: $0), version: StoreContract.version, data: 0..<2)
            }, data: times.isEmpty ? [] : Array("{}".utf8), idempotency: idempotency, refused: refused)
    }

    private func countsAccepted() async throws {
        try await store.found(accounts: [1, 2])
        #expect(try await activity() == Activity(since: Fixtures.now))
        _ = try await store.append(Fixtures.batch("a@b.se", times: [1, 2], receivedAt: minute(0, 59)))
        _ = try await store.append(Fixtures.batch("c@d.se", times: [3], version: 12, receivedAt: minute(0)))
        _ = try await store.append(Fixtures.batch("a@b.se", times: [4], receivedAt: minute(0)))
        _ = try await store.append(Fixtures.batch("a@b.se", times: [], receivedAt: minute(0)))
        let both: [Activity.Subject: Activity.Counts] = [
            .version(StoreContract.version): Activity.Counts(accepted: 3), .version(12): Activity.Counts(accepted: 1),
        ]
        #expect(
            try await activity()
                == Activity(since: Fixtures.now, minutes: [0: Activity.Counts(accepted: 4)], subjects: both))
        // The minute has ended for one of the versions, and not for the other.
        _ = try await store.append(Fixtures.batch("a@b.se", times: [5, 6], receivedAt: minute(1)))
        let later = try await activity()
        #expect(later.minutes == [0: Activity.Counts(accepted: 4), 1: Activity.Counts(accepted: 2)])
        #expect(later.subjects[.version(StoreContract.version)] == Activity.Counts(accepted: 5))
        #expect(try await activity(1...1).minutes == [1: Activity.Counts(accepted: 2)])
        #expect(try await activity(1...1).subjects == [.version(StoreContract.version): Activity.Counts(accepted: 2)])
        #expect(try await activity(0...0).subjects == both)
        #expect(try await activity(2...9) == Activity(since: Fixtures.now))
        #expect(try await activity(account: 2) == Activity(since: Fixtures.now))
        let events = try await store.usage(account: 1).reduce(0) { $0 + $1.events }
        #expect(later.minutes.values.reduce(0) { $0 + Int($1.accepted) } == events, "as many as are stored")
    }

    private func countsRefused() async throws {
        try await found()
        _ = try await store.keep(refusal(3), versions: [StoreContract.version: 2])
        _ = try await store.keep(refusal(0, section: 3))
        try await store.count(
            CountedEvents(
                account: 1, section: 2, receivedAt: minute(0), outcome: .refused, events: 5,
                versions: [12: 4]))
        try await store.count(
            CountedEvents(account: 1, section: 2, receivedAt: minute(2), outcome: .refused, events: 7))
        let activity = try await activity()
        #expect(activity.minutes == [0: Activity.Counts(refused: 9), 2: Activity.Counts(refused: 7)])
        #expect(
            activity.subjects == [
                .version(StoreContract.version): Activity.Counts(refused: 2), .version(12): Activity.Counts(refused: 4),
                .section(2): Activity.Counts(refused: 1 + 1 + 7), .section(3): Activity.Counts(refused: 1),
            ])
        let filter = RejectionFilter(account: 1, section: nil, receivedFrom: Timestamp(milliseconds: 0))
        #expect(try await store.rejections(filter, before: nil, limit: 10, bodyBytesMax: 0).count == 2)
    }

    private func countsDuplicates() async throws {
        try await found()
        let key = Idempotency(key: "k", fingerprint: [1], answer: [7])
        for number in 0..<4 {
            _ = try await store.append(
                Fixtures.batch("a@b.se", times: [1, 2], receivedAt: minute(Int64(number)), idempotency: key))
        }
        let other = Idempotency(key: "k", fingerprint: [2], answer: [7])
        #expect(try await store.append(Fixtures.batch("a@b.se", times: [3], idempotency: other)) == .conflict)
        try await store.count(
            CountedEvents(
                account: 1, section: 2, receivedAt: minute(0), outcome: .duplicate, events: 2,
                versions: [StoreContract.version: 2]))
        let activity = try await activity()
        let repeated = Activity.Counts(duplicates: 2)
        #expect(
            activity.minutes == [0: Activity.Counts(accepted: 2, duplicates: 2), 1: repeated, 2: repeated, 3: repeated])
        #expect(
            activity.subjects == [.version(StoreContract.version): Activity.Counts(accepted: 2, duplicates: 8)])
    }

    private func countsChunks() async throws {
        try await found()
        let key = Idempotency(key: "k", fingerprint: [1], answer: [7])
        for number in 0..<2 {
            _ = try await store.append(chunk([1, 2, 3], refused: 4, at: minute(Int64(number)), idempotency: key))
        }
        _ = try await store.append(chunk([], refused: 5, at: minute(2)))
        let activity = try await activity()
        #expect(
            activity.minutes == [
                0: Activity.Counts(accepted: 3, refused: 4), 1: Activity.Counts(duplicates: 3),
                2: Activity.Counts(refused: 5),
            ])
        #expect(
            activity.subjects == [
                .version(StoreContract.version): Activity.Counts(accepted: 3, duplicates: 3),
                .section(2): Activity.Counts(refused: 9),
            ])
    }

    private func countsReplays() async throws {
        try await found()
        let id = try await store.keep(refusal(1))
        let replay = try Fixtures.batch("a@b.se", times: [1], receivedAt: minute(1), replayOf: id)
        #expect(try await store.append(replay) == .stored)
        #expect(try await store.append(replay) == .notOpen)
        #expect(try await activity().minutes == [0: Activity.Counts(refused: 1), 1: Activity.Counts(accepted: 1)])
    }

    private func countsInAnyOrder() async throws {
        try await found()
        var expected: [Int64: Activity.Counts] = [:]
        for (number, place) in [3, 2, 3, 90, 2, 3, 0, 0, 91, 3].enumerated() {
            _ = try await store.append(
                Fixtures.batch("a@b.se", times: [Int64(number)], receivedAt: minute(Int64(place))))
            expected[Int64(place), default: Activity.Counts()].accepted += 1
            #expect(try await activity().minutes == expected)
        }
    }

    private func countsConcurrently() async throws {
        try await found()
        let store = store
        var expected: [Int64: Activity.Counts] = [:]
        var batches: [EventBatch] = []
        for number in 0..<120 {
            let place = Int64(number % 3)
            let isRepeated = number % 5 == 0
            let key = Idempotency(key: "k\(number)", fingerprint: [1], answer: [])
            let batch = try Fixtures.batch(
                "p\(number % 11)@b.se", times: Array(repeating: 1, count: number % 4 + 1),
                version: Int64(11 + number % 2), receivedAt: minute(place), idempotency: isRepeated ? key : nil)
            batches.append(batch)
            expected[place, default: Activity.Counts()].accepted += Int64(batch.events.count)
            guard isRepeated else { continue }
            batches.append(batch)
            expected[place, default: Activity.Counts()].duplicates += Int64(batch.events.count)
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for batch in batches { group.addTask { _ = try await store.append(batch) } }
            try await group.waitForAll()
        }
        let activity = try await activity()
        #expect(activity.minutes == expected)
        #expect(
            activity.subjects.values.reduce(0) { $0 + $1.accepted } == expected.values.reduce(0) { $0 + $1.accepted })
        #expect(Set(activity.subjects.keys) == [.version(11), .version(12)])
    }

    private func countsStay() async throws {
        try await store.foundWithDefinitions()
        _ = try await store.append(Fixtures.batch("a@b.se", times: [1, 2, 3]))
        let deletion = try await store.deleteEvents(
            filter("a@b.se"), id: nil, recordedAs: { _ in Act(.eventsDeleted, subject: "", detail: "") },
            at: Fixtures.now, by: "me")
        #expect(deletion?.count == 3)
        #expect(try await activity().minutes == [0: Activity.Counts(accepted: 3)])
        _ = try await store.append(Fixtures.batch("a@b.se", times: [4]))
        #expect(try await activity().minutes == [0: Activity.Counts(accepted: 4)])
        #expect(try await store.usage(account: 1).map(\.events) == [1])
    }

    private func forgetsCounts() async throws {
        try await found()
        func count(at number: Int64) async throws {
            try await store.count(
                CountedEvents(account: 1, section: 2, receivedAt: minute(number), outcome: .refused, events: 1))
        }
        let kept = Int64(Limits.activityMinutesKept)
        for number in 0..<3 { try await count(at: Int64(number)) }
        for number in 0..<Int64(Limits.activityForgottenMax) {
            let versions = [number + 1: 1]
            try await store.count(
                CountedEvents(
                    account: 1, section: 2, receivedAt: minute(3), outcome: .refused, events: 1, versions: versions))
        }
        try await count(at: kept + 1)
        // What one commit leaves is gone with the next ones.
        try await count(at: kept + 1)
        #expect(try await activity().minutes.keys.sorted() == [1, 2, 3, kept + 1])
        for _ in 0..<3 { try await count(at: kept + 4) }
        #expect(try await activity().minutes.keys.sorted() == [kept + 1, kept + 4])
        #expect(try await activity().minutes.values.map(\.refused).sorted() == [2, 3])
    }
}
