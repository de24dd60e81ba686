import OvationCore
import OvationTesting
import Testing

@testable import OvationSQLite

@Suite("SQLiteStore: profiles of several members")
struct MemberTests {
    private let folder: TemporaryFolder
    private var path: String { folder.path + "/ovation.sqlite" }

    init() throws { folder = try TemporaryFolder() }

    @Test(
        "a random life is as a plain model says, with room in memory and without, and the doctor finds it whole",
        arguments: 1...24 as ClosedRange<UInt64>)
    func agrees(seed: UInt64) async throws {
        var stores: [SQLiteStore] = []
        for (number, limits) in [Limits(), SQLiteStoreTests.crowded].enumerated() {
            stores.append(try SQLiteStore(testing: "\(path)-\(number)", limits: limits))
        }
        try await MemberHistory(seed: seed, on: stores).play(steps: 150)
        for store in stores { store.close() }
        for number in 0..<2 {
            let findings = SQLiteDoctor.findings(path: "\(path)-\(number)", isDeep: true)
            #expect(findings.filter { !$0.isGood }.map(\.text) == [], "seed \(seed)")
        }
    }
}
