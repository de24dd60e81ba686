import OvationCore
import Testing

@testable import OvationServer

@Suite("What is logged of refusals")
struct RefusalLogTests {
    @Test("while a store is away there are few lines, which count those left out; anything else has a line each")
    func isSparse() {
        let (lines, start) = (StreamLines(), ContinuousClock.now)
        let log = RefusalLog(lines.logger())
        func note(_ failure: StoreFailure, after milliseconds: Int) {
            log.note(
                Problem(thrown: failure), requestID: "r\(milliseconds)",
                at: start.advanced(by: .milliseconds(milliseconds)))
        }
        let away = StoreFailure(.unavailable, "the database is away")
        for hundreds in 0..<40 { note(away, after: 100 * hundreds) }
        #expect(lines.all.count == 3)
        #expect(lines.all.first?.contains("cause=the database is away code=store_unavailable request_id=r0") == true)
        #expect(lines.all.map { $0.contains("more_since_last") } == [false, true, true])
        #expect(lines.all.last?.contains("more_since_last=19 request_id=r3000") == true, "\(lines.all)")
        // Another reason is told of beside it.
        note(StoreFailure(.full, "no room"), after: 4000)
        for number in 0..<3 { note(StoreFailure(.damaged, "a page"), after: 4001 + number) }
        #expect(lines.all.count == 7)
    }
}
