import OvationCore
import Testing

@testable import OvationServer

@Suite("Counters of versions")
struct EventTypeMetricsTests {
    @Test("versions beyond the limit are counted together, and stay there")
    func bounded() throws {
        let metrics = ServerMetrics()
        for version in 1...Limits.countedVersionsMax + 2 {
            metrics.countAccepted([try #require(EventVersion.ID(exactly: version)): 1])
        }
        metrics.countAccepted([1: 4, EventVersion.ID(Limits.countedVersionsMax + 1): 1])
        let figures = metrics.current
        #expect(figures.versions.count == Limits.countedVersionsMax)
        #expect(figures.versions[1] == 5 && figures.otherVersions == 3)
        #expect(figures.eventsAccepted == Int64(Limits.countedVersionsMax) + 7)
    }
}
