import OvationCore
import Testing

@testable import OvationServer

@Suite("How an import makes way for requests")
struct ImportPaceTests {
    /// Parts that take what their rows take, each at a number of requests a second, with the pauses behind them.
    private func go(_ pace: inout ImportPace, parts: Int, row: Duration, rate: Double) -> Double {
        var (working, all) = (Duration.zero, Duration.zero)
        var pause = Duration.zero
        for _ in 0..<parts {
            let duration = row * pace.rows
            let elapsed = duration + pause
            (working, all) = (working + duration, all + elapsed)
            let requests = Int64((rate * (elapsed / .seconds(1))).rounded())
            pause = pace.note(pace.rows, in: duration, elapsed: elapsed, requests: requests)
        }
        return working / all
    }

    @Test("beside no requests, and beside few, an import has all of the time, and a commit of rows is short")
    func isAlone() {
        for rate in [0.0, 20, 45] {
            var pace = ImportPace()
            #expect(go(&pace, parts: 50, row: .microseconds(100), rate: rate) == 1)
            #expect(pace.rows == 200)
        }
        // Rows that take a batch of less than that are done in whole batches.
        var pace = ImportPace()
        #expect(go(&pace, parts: 50, row: .microseconds(10), rate: 0) == 1)
        #expect(pace.rows == Limits.importBatchRows)
    }

    @Test("beside many requests, rows take a fifth of the time, and a few milliseconds at once")
    func isBesideMany() {
        var pace = ImportPace()
        _ = go(&pace, parts: 50, row: .microseconds(40), rate: 5000)
        let share = go(&pace, parts: 50, row: .microseconds(40), rate: 5000)
        #expect(abs(share - 0.2) < 0.01)
        #expect(pace.rows == 100)
    }

    @Test("between few requests and many, the pause is the longer the more there are")
    func isBesideSome() {
        var shares: [Double] = []
        for rate in [100.0, 200, 400, 800] {
            var pace = ImportPace()
            _ = go(&pace, parts: 200, row: .microseconds(40), rate: rate)
            shares.append(go(&pace, parts: 200, row: .microseconds(40), rate: rate))
        }
        #expect(shares == shares.sorted(by: >) && shares[0] > 0.45 && shares[3] < 0.22, "\(shares)")
    }

    @Test("one question how far an import is, is no reason to go slower")
    func isAsked() {
        var pace = ImportPace()
        _ = go(&pace, parts: 20, row: .microseconds(40), rate: 0)
        #expect(pace.note(pace.rows, in: .milliseconds(20), elapsed: .milliseconds(20), requests: 1) == .zero)
        #expect(pace.rows >= 500)
    }

    @Test("parts become larger again when requests are over")
    func isAloneAgain() {
        var pace = ImportPace()
        _ = go(&pace, parts: 50, row: .microseconds(40), rate: 5000)
        _ = go(&pace, parts: 200, row: .microseconds(40), rate: 0)
        #expect(pace.rows == 500)
        #expect(go(&pace, parts: 10, row: .microseconds(40), rate: 0) == 1)
    }

    @Test("a part is at least a few rows, at most a batch, and no pause is long")
    func hasBounds() {
        var pace = ImportPace()
        let pause = pace.note(1000, in: .seconds(60), elapsed: .seconds(60), requests: 1_000_000)
        #expect(pause == ImportPace.pauseMax && pace.rows == ImportPace.rowsMin.many)
        // Rows that took no time do not make the next part a batch at once.
        _ = pace.note(8, in: .zero, elapsed: .milliseconds(1), requests: 100)
        #expect(pace.rows == 16)
        // The end of a batch says little.
        _ = pace.note(1, in: .milliseconds(1), elapsed: .milliseconds(1), requests: 100)
        #expect(pace.rows == 16)
        for _ in 0..<20 { _ = pace.note(pace.rows, in: .zero, elapsed: .milliseconds(1), requests: 100) }
        #expect(pace.rows == Limits.importBatchRows)
    }
}
