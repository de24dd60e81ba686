import OvationClient
import Testing

@Suite("The ids of events in an export")
struct RecordIDsTests {
    private static func ids(_ text: String, _ format: SectionExport.Format, cutAt cuts: [Int] = []) -> [Int64?] {
        var ids = RecordIDs(format)
        let bytes = Array(text.utf8)
        var start = 0
        for end in cuts + [bytes.count] {
            bytes[start..<end].withUnsafeBytes { ids.take($0) }
            start = end
        }
        return [Int64(ids.count), ids.first, ids.last]
    }

    @Test("lines of JSON have them in a member")
    func lines() {
        let text = (5...9).map { #"{"profile_key":"a","data":{"event_id":"77"},"event_id":"\#($0)"}"# + "\n" }.joined()
        #expect(Self.ids(text, .lines) == [5, 5, 9])
        let cut = text.utf8.count / 5
        #expect(Self.ids(text, .lines, cutAt: [cut, 2 * cut]) == [5, 5, 9])
        #expect(Self.ids("", .lines) == [0, nil, nil])
    }

    @Test("records of CSV begin with them, whatever their texts look like")
    func csv() {
        let text = "\u{FEFF}event_id,data\r\n5,\"a\"\"\r\n77,b\n88,\"\r\n6,\"\"\r\n12,\"1,2\n3,4\"\r\n"
        #expect(Self.ids(text, .csv) == [3, 5, 12])
        for cut in 0...text.utf8.count { #expect(Self.ids(text, .csv, cutAt: [cut]) == [3, 5, 12], "\(cut)") }
        #expect(Self.ids("event_id,data\r\n", .csv) == [0, nil, nil])
    }
}
