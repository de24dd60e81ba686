import OvationCore
import Testing

@testable import OvationServer

@Suite("Counters of versions")
struct EventTypeMetricsTests {
    private static let first: EventVersion.ID = 1_000_001

    @Test("versions beyond the limit are counted together, and stay there")
    func bounded() {
        let metrics = ServerMetrics()
        let versions = (0..<EventVersion.ID(Limits.countedVersionsMax + 2)).map { Self.first + $0 }
        for version in versions { metrics.countAccepted([version: 1]) }
        metrics.countAccepted([versions[0]: 4, versions[Limits.countedVersionsMax]: 1])
        let figures = metrics.current
        let counted = Dictionary(uniqueKeysWithValues: figures.versions.counted.map { ($0.version, $0.events) })
        #expect(Set(counted.keys) == Set(versions.prefix(Limits.countedVersionsMax)))
        #expect(counted[versions[0]] == 5 && counted[versions[1]] == 1)
        #expect(figures.versions.others == 3)
        #expect(figures.eventsAccepted == Int64(Limits.countedVersionsMax) + 7)
    }

    @Test("versions whose ids end alike are counted apart")
    func collisions() {
        var counts = VersionCounts()
        let versions = (0..<EventVersion.ID(Limits.countedVersionsMax)).map { 511 + $0 * 4096 }
        for (index, version) in versions.enumerated() { counts.add(index + 1, to: version) }
        for version in versions { counts.add(1000, to: version) }
        let counted = counts.counted.sorted { $0.version < $1.version }
        #expect(counted.map(\.version) == versions)
        #expect(counted.map(\.events) == versions.indices.map { Int64($0) + 1001 })
    }

    @Test("events of a post are counted by the version of each")
    func rows() {
        let metrics = ServerMetrics()
        let versions = [1, 1, 2, 1, 3, 3].map { Self.first + $0 }
        metrics.countAccepted(
            versions.map { EventBatch.Row(eventTime: Timestamp(milliseconds: 0), version: $0, dataEnd: 0) })
        let counted = metrics.current.versions.counted.sorted { $0.version < $1.version }
        #expect(counted.map(\.version) == [1, 2, 3].map { Self.first + $0 })
        #expect(counted.map(\.events) == [3, 1, 2])
        #expect(metrics.current.eventsAccepted == 6)
    }
}
