import OvationCore
import OvationTesting
import Testing

@Suite("How long events are kept")
struct RetentionTests {
    @Test(
        "days and years are read as they are written",
        arguments: [
            ("P1D", "1 day"), ("P90D", "90 days"), ("P1Y", "1 year"), ("P100Y", "100 years"), ("P36600D", "36600 days"),
        ])
    func reads(text: String, words: String) throws {
        let retention = try #require(Retention(text))
        #expect(retention.text == text && retention.words == words)
    }

    @Test(
        "everything else is none",
        arguments: [
            "", "P", "D", "PD", "P0D", "P01D", "P-1D", "P1M", "P1W", "p1d", "1D", "P1.5Y", "P1Y2D", "PT1D", " P1D",
            "P1D ",
            "P101Y", "P36601D", "P99999999999999999999D", "P٣D",
        ])
    func refuses(text: String) { #expect(Retention(text) == nil) }

    @Test(
        "a year ago is the same date, and the day after a leap day that was not there",
        arguments: [
            ("P1D", "2026-03-01T12:00:00.000Z", "2026-02-28T12:00:00.000Z"),
            ("P1Y", "2026-11-27T09:30:00.123Z", "2025-11-27T09:30:00.123Z"),
            ("P1Y", "2024-02-29T00:00:00.000Z", "2023-03-01T00:00:00.000Z"),
            ("P4Y", "2024-02-29T23:59:59.999Z", "2020-02-29T23:59:59.999Z"),
            ("P100Y", "2026-01-01T00:00:00.000Z", "1926-01-01T00:00:00.000Z"),
        ])
    func ends(text: String, now: String, end: String) throws {
        let retention = try #require(Retention(text))
        #expect(retention.end(at: try #require(Timestamp(rfc3339: now))).rfc3339 == end)
    }

    @Test("a model that says nothing leaves a retention as it is; it sets one, and takes it away")
    func plans() throws {
        var catalogue = try Fixtures.catalogue()
        var random = SeededGenerator(seed: 1)
        let steps: [(Model.Retention, Retention?, Int)] = [
            (.asItIs, nil, 0), (.value(Retention(2, .years)), Retention(2, .years), 1),
            (.asItIs, Retention(2, .years), 0), (.value(Retention(2, .years)), Retention(2, .years), 0),
            (.value(nil), nil, 1),
        ]
        for (wanted, expected, changes) in steps {
            var model = try Fixtures.model()
            model.sections[0].eventTypes[0].retention = wanted
            let plan = try catalogue.plan(toReach: model, at: Fixtures.now, using: &random)
            #expect(plan.changes.count == changes, "\(plan.steps)")
            catalogue = try catalogue.applying(plan.changes, at: Fixtures.now, by: "me").catalogue
            #expect(catalogue.eventTypes.last?.retention == expected)
        }
    }
}
