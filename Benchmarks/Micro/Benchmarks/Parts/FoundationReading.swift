import Foundation
import HotPath

/// The same reading and checking, as one would write it with Foundation's decoder and a type for each body: the
/// opponent of the server's own.
///
/// It has it easier. The event type is known when the program is compiled, where the server learns it from its
/// definitions; and it ends with values, where the server ends with the bytes to store.
struct FoundationReading {
    /// Who reads the times. Foundation's own parser takes most of the time, so there is a figure without it.
    enum Times {
        case byFoundation
        case byHand
    }

    private struct Post: Decodable {
        let items: [Item]
    }

    private struct Item: Decodable {
        let eventTime: String
        let versionID: Int64
        let data: Transaction

        enum CodingKeys: String, CodingKey {
            case eventTime = "event_time"
            case versionID = "version_id"
            case data
        }
    }

    private struct Transaction: Decodable {
        let myNumberField: Int64?
        let myNumberWithDecimalField: Double?
        let myTextField: String?
        let myTrueFalseField: Bool?
        let source: String?

        enum CodingKeys: String, CodingKey {
            case myNumberField, myNumberWithDecimalField, myTextField, myTrueFalseField, source
        }

        private struct AnyKey: CodingKey {
            let stringValue: String
            var intValue: Int? { nil }
            init(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { nil }
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            myNumberField = try container.decodeIfPresent(Int64.self, forKey: .myNumberField)
            myNumberWithDecimalField = try container.decodeIfPresent(Double.self, forKey: .myNumberWithDecimalField)
            myTextField = try container.decodeIfPresent(String.self, forKey: .myTextField)
            myTrueFalseField = try container.decodeIfPresent(Bool.self, forKey: .myTrueFalseField)
            source = try container.decodeIfPresent(String.self, forKey: .source)
            for key in try decoder.container(keyedBy: AnyKey.self).allKeys
            where CodingKeys(stringValue: key.stringValue) == nil {
                throw Refusal()
            }
        }
    }

    private struct Refusal: Error {}

    let times: Times
    private let decoder = JSONDecoder()
    private let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
    private let versions: Set<Int64> = [2_565_266]
    private let timeRange = Int64(0)...1_800_000_000_000

    init(times: Times) {
        self.times = times
    }

    /// - Returns: how many events the body has, all of them right.
    func read(_ body: Data) throws -> Int {
        let post = try decoder.decode(Post.self, from: body)
        guard !post.items.isEmpty, post.items.count <= 1000 else { throw Refusal() }
        for item in post.items {
            guard let time = try milliseconds(item.eventTime), timeRange.contains(time),
                versions.contains(item.versionID), fits(item.data.myTextField), fits(item.data.source)
            else { throw Refusal() }
        }
        return post.items.count
    }

    private func milliseconds(_ text: String) throws -> Int64? {
        switch times {
        case .byFoundation: Int64(try style.parse(text).timeIntervalSince1970 * 1000)
        case .byHand: HotPath.milliseconds(text)
        }
    }

    private func fits(_ text: String?) -> Bool {
        guard let text else { return true }
        return text.utf8.count <= 10_000 || text.unicodeScalars.count <= 10_000
    }
}
