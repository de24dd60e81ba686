import OvationCore
import OvationTesting
import Testing

@Suite("Forgetting")
struct ForgettingTests {
    private static let start = ContinuousClock.now
    private static let day = Duration.seconds(86_400)

    /// Of a process that began at the fixtures' time.
    private func begin(noted: Timestamp? = Fixtures.now) -> Forgetting {
        var forgetting = Forgetting(noted: noted, limits: Limits(), at: Self.start)
        _ = forgetting.time(noted ?? Fixtures.now, at: Self.start)
        return forgetting
    }

    /// The time in seconds after the fixtures', when the clock shows so many and so many have passed.
    private func time(_ forgetting: inout Forgetting, shows: Int, after passed: Int) -> Int {
        let time = forgetting.time(
            Fixtures.now.advanced(by: .seconds(shows)), at: Self.start.advanced(by: .seconds(passed)))
        return Int(time.milliseconds - Fixtures.now.milliseconds) / 1000
    }

    @Test("goes by the clock as long as that goes on, is put right by minutes, or goes back")
    func followsClock() {
        var forgetting = begin()
        for (shows, passed) in [
            (10, 10), (3600, 3600), (3700, 3610), (7100, 3620), (4000, 3650), (-86_400, 3660), (9, 3670),
        ] {
            #expect(time(&forgetting, shows: shows, after: passed) <= shows)
        }
        forgetting = begin()
        #expect(time(&forgetting, shows: 7200, after: 7200) == 7200)
        #expect(time(&forgetting, shows: 7200 + 3599, after: 7200) == 7200 + 3599)
        #expect(time(&forgetting, shows: -500, after: 7300) == -500)
    }

    @Test("goes on as before while the clock is ahead, and with the clock when it is back")
    func doubtsJumps() {
        var forgetting = begin()
        let month = 30 * 86_400
        #expect(time(&forgetting, shows: month, after: 10) == 10)
        #expect(time(&forgetting, shows: month + 90, after: 100) == 100)
        #expect(time(&forgetting, shows: 120, after: 120) == 120)
        // Each jump is doubted from its own beginning, however many there are.
        for hour in 1..<60 {
            let ahead = hour.isMultiple(of: 2) ? month : 2 * month
            #expect(time(&forgetting, shows: ahead + hour * 3600, after: hour * 3600) == hour * 3600)
        }
    }

    @Test("believes a clock that has stayed ahead for hours, and not a second before")
    func believesAtLast() {
        var forgetting = begin()
        let (month, wait) = (30 * 86_400, 6 * 3600)
        #expect(time(&forgetting, shows: month, after: 0) == 0)
        #expect(time(&forgetting, shows: month + wait - 1, after: wait - 1) == wait - 1)
        #expect(time(&forgetting, shows: month + wait, after: wait) == month + wait)
        #expect(time(&forgetting, shows: month + wait + 5, after: wait + 5) == month + wait + 5)
    }

    @Test("doubts the clock of a start by what was noted before, and believes that of the first one")
    func doubtsStarts() {
        var first = Forgetting(noted: nil, limits: Limits(), at: Self.start)
        #expect(time(&first, shows: 90 * 86_400, after: 0) == 90 * 86_400)
        var next = Forgetting(noted: Fixtures.now, limits: Limits(), at: Self.start)
        #expect(time(&next, shows: 3600, after: 0) == 3600, "as after a short stop")
        next = Forgetting(noted: Fixtures.now, limits: Limits(), at: Self.start)
        #expect(time(&next, shows: 3601, after: 0) == 0, "as after a long one")
        #expect(time(&next, shows: 3601 + 6 * 3600, after: 6 * 3600) == 3601 + 6 * 3600)
    }

    @Test("notes the believed time now and then, and one that went back at once")
    func notes() {
        var forgetting = begin()
        func note(shows: Int, after passed: Int) -> Int? {
            forgetting.noteIfDue(
                Fixtures.now.advanced(by: .seconds(shows)), at: Self.start.advanced(by: .seconds(passed))
            ).map { Int($0.milliseconds - Fixtures.now.milliseconds) / 1000 }
        }
        #expect(note(shows: 599, after: 599) == nil)
        #expect(note(shows: 600, after: 600) == 600)
        #expect(note(shows: 30 * 86_400, after: 1100) == nil)
        #expect(note(shows: 30 * 86_400, after: 1200) == 1200, "not what the clock shows")
        #expect(note(shows: 100, after: 1201) == 100)
    }
}
