import OvationCore
import Testing

@testable import OvationServer

@Suite("How an import makes way for requests")
struct ImportPaceTests {
    @Test("a server that answers nobody gives an import all of its time")
    func isAlone() {
        var pace = ImportPace()
        for duration in [1, 40, 5000] {
            #expect(pace.note(Limits.importBatchRows, in: .milliseconds(duration), requests: 0) == .zero)
            #expect(pace.rows == Limits.importBatchRows)
        }
    }

    @Test("beside many requests, rows take a fifth of the time, and a few milliseconds at once")
    func isBesideMany() {
        var pace = ImportPace()
        // A thousand rows take 40 ms, so a hundred take 4 ms.
        #expect(pace.note(1000, in: .milliseconds(40), requests: 30) == .milliseconds(160))
        #expect(pace.rows == 100)
        #expect(pace.note(100, in: .milliseconds(4), requests: 8) == .milliseconds(16))
        #expect(pace.rows == 100)
        // The end of a batch.
        #expect(pace.note(3, in: .milliseconds(1), requests: 8) == .milliseconds(4))
        #expect(pace.rows == 100)
    }

    @Test("the pause is as long as there are requests to make way for")
    func isBesideFew() {
        var pace = ImportPace()
        #expect(pace.note(100, in: .milliseconds(4), requests: 2) == .milliseconds(4))
        #expect(pace.note(100, in: .milliseconds(4), requests: 1) == .milliseconds(2))
    }

    @Test("parts become larger again, step by step, when requests are over")
    func isAloneAgain() {
        var pace = ImportPace()
        _ = pace.note(1000, in: .milliseconds(400), requests: 10)
        var rows: [Int] = []
        for _ in 0..<8 {
            rows.append(pace.rows)
            #expect(pace.note(pace.rows, in: .milliseconds(4), requests: 0) == .zero)
        }
        #expect(rows == [10, 20, 40, 80, 160, 320, 640, 1000])
    }

    @Test("a part is at least a few rows, at most a batch, and no pause is long")
    func hasBounds() {
        var pace = ImportPace()
        #expect(pace.note(1, in: .seconds(60), requests: 1000) == ImportPace.pauseMax)
        #expect(pace.rows == ImportPace.rowsMin)
        // Rows that took no time do not make the next part a batch at once.
        _ = pace.note(8, in: .zero, requests: 1)
        #expect(pace.rows == 16)
        for _ in 0..<20 { _ = pace.note(pace.rows, in: .zero, requests: 1) }
        #expect(pace.rows == Limits.importBatchRows)
    }
}
