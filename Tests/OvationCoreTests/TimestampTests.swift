import OvationCore
import OvationTesting
import Testing

@Suite("Timestamp")
struct TimestampTests {
    @Test(
        "reads RFC 3339 in every form that clients send",
        arguments: [
            ("2020-10-14T09:43:34.471Z", 1_602_668_614_471), ("2021-05-20T10:00:00+00:00", 1_621_504_800_000),
            ("2021-05-20T12:30:00.5+02:30", 1_621_504_800_500), ("1970-01-01T00:00:00Z", 0),
            ("1969-12-31T23:59:59.999Z", -1), ("2000-02-29T00:00:00Z", 951_782_400_000),
            ("2021-05-20t10:00:00z", 1_621_504_800_000), ("2021-05-20 10:00:00Z", 1_621_504_800_000),
            ("2021-05-20T10:00:00.123456789Z", 1_621_504_800_123), ("2016-12-31T23:59:60Z", 1_483_228_799_999),
            ("2021-05-20T10:00:00-00:00", 1_621_504_800_000), ("0001-01-01T00:00:00Z", -62_135_596_800_000),
            ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
        ])
    func reads(text: String, milliseconds: Int) {
        #expect(Timestamp(rfc3339: text)?.milliseconds == Int64(milliseconds))
    }

    @Test(
        "refuses what is no such date",
        arguments: [
            "", "2021-05-20", "2021-05-20T10:00:00", "2021-05-20T10:00Z", "2021-02-29T00:00:00Z",
            "2021-13-01T00:00:00Z", "2021-00-01T00:00:00Z", "2021-01-32T00:00:00Z", "2021-01-01T24:00:00Z",
            "2021-01-01T00:60:00Z", "2021-01-01T00:00:61Z", "2021-01-01T00:00:00.Z", "2021-01-01T00:00:00+1:00",
            "2021-01-01T00:00:00+0100", "2021-01-01T00:00:00+24:00", "2021-01-01T00:00:00Z ", "21-01-01T00:00:00Z",
            "1621504800", "2021-01-01T00:00:00ZZ", "１９７０-01-01T00:00:00Z", "-021-01-01T00:00:00Z",
            "9999-12-31T23:59:59-00:01", "0000-01-01T00:00:00+00:01",
        ])
    func refuses(text: String) {
        #expect(Timestamp(rfc3339: text) == nil)
    }

    @Test("the usual form is read like the same time with one more digit, right or wrong")
    func readsUsualForm() {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededGenerator(seed: seed)
        let alphabet = Array("0123456789-:.TZtz+ /\u{0}\u{7F}å".utf8)
        var taken = 0
        for _ in 0..<50_000 {
            var text = Array("2020-10-14T09:43:34.471Z".utf8)
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                text[Int.random(in: 0..<23, using: &random)] = alphabet.randomElement(using: &random)!
            }
            let longer = text.dropLast() + Array("0Z".utf8)
            let read = text.withUnsafeBufferPointer { Timestamp(rfc3339: $0) }
            if read != nil { taken += 1 }
            #expect(
                read == Array(longer).withUnsafeBufferPointer { Timestamp(rfc3339: $0) },
                "seed \(seed): \(String(decoding: text, as: UTF8.self))")
        }
        #expect(taken > 10_000 && taken < 49_000, "seed \(seed): \(taken)")
    }

    @Test("prints what it reads, over the whole calendar")
    func roundTrips() {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededGenerator(seed: seed)
        for _ in 0..<20_000 {
            let time = Timestamp(
                milliseconds: .random(in: -62_135_596_800_000...253_402_300_799_999, using: &random))
            #expect(Timestamp(rfc3339: time.rfc3339) == time, "seed \(seed)")
        }
        #expect(Timestamp(milliseconds: 1_610_021_876_054).rfc3339 == "2021-01-07T12:17:56.054Z")
    }
}
