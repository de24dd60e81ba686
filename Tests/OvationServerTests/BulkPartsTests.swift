import NIOCore
import OvationCore
import OvationTesting
import Testing

@testable import OvationServer

@Suite("Parts of a bulk upload")
struct BulkPartsTests {
    /// Lines as text, chunk by chunk.
    private func cut(_ text: String, into parts: [Int], lines: Int = 3, bytes: Int = 40, line: Int = 60) -> [[String]] {
        var cutter = LineCutter(linesMax: lines, bytesMax: bytes, lineBytesMax: line)
        var chunks: [LineChunk] = []
        var rest = ByteBuffer(string: text)
        for length in parts + [rest.readableBytes] {
            guard var part = rest.readSlice(length: min(length, rest.readableBytes)) else { continue }
            while let chunk = cutter.take(from: &part) { chunks.append(chunk) }
        }
        chunks += cutter.takeRest()
        #expect(chunks.map(\.number) == Array(1..<chunks.count + 1))
        var next = 1
        for chunk in chunks {
            #expect(chunk.firstLine == next)
            next = chunk.lastLine + 1
        }
        return chunks.map { chunk in
            chunk.lines.enumerated().map { index, range in
                chunk.tooLong.contains(index) ? "too long" : String(decoding: chunk.bytes[range], as: UTF8.self)
            }
        }
    }

    @Test("chunks are cut by number of lines and by bytes, and a line of any size has one")
    func cuts() {
        #expect(cut("a\nb\nc\nd\n", into: []) == [["a", "b", "c"], ["d"]])
        #expect(cut("a\nb\nc", into: []) == [["a", "b", "c"]])
        let long = String(repeating: "x", count: 50)
        #expect(cut("a\n\(long)\nb\n", into: []) == [["a"], [long], ["b"]])
        #expect(cut("\(long)\(long)\nb\n\(long)\(long)", into: []) == [["too long", "b", "too long"]])
        #expect(cut("\u{FEFF}a\n\u{FEFF}b", into: []) == [["a", "\u{FEFF}b"]])
        #expect(cut("", into: []) == [])
    }

    @Test("where a chunk ends does not depend on how the bytes arrive")
    func isDeterministic() {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededGenerator(seed: seed)
        for _ in 0..<500 {
            let lines = (0..<Int.random(in: 0...20, using: &random)).map { _ in
                String(repeating: "y", count: Int.random(in: 0...70, using: &random))
            }
            let text = lines.joined(separator: "\n")
            let whole = cut(text, into: [])
            let parts = (0..<30).map { _ in Int.random(in: 0...40, using: &random) }
            #expect(cut(text, into: parts) == whole, "seed \(seed)")
        }
    }

    @Test("a key that is plainly right has the same normal form as every key")
    func keysAgree() {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededGenerator(seed: seed)
        let alphabet = Array("aZ09@.+- é\u{7F}0123456789".unicodeScalars)
        var plain = 0
        for _ in 0..<50_000 {
            var raw = ""
            for _ in 0..<Int.random(in: 0...12, using: &random) {
                raw.unicodeScalars.append(alphabet[Int.random(in: 0..<alphabet.count, using: &random)])
            }
            for format in KeyFormat.allCases {
                var bytes: [UInt8] = [1]
                let isPlain = Array(raw.utf8).withUnsafeBufferPointer {
                    ProfileKey.append(plain: $0, format: format, to: &bytes)
                }
                guard isPlain else {
                    #expect(bytes == [1])
                    continue
                }
                plain += 1
                let key = try? ProfileKey(raw, format: format)
                #expect(Array(bytes.dropFirst()) == key.map { Array($0.text.utf8) }, "seed \(seed): \(raw)")
            }
        }
        #expect(plain > 1000)
    }

    @Test("a table of profiles finds each again, and groups its events")
    func groups() throws {
        var table = ProfileTable(profilesMax: 1000)
        var rows: [EventChunk.Row] = []
        var owners: [Int32] = []
        for number in 0..<1000 {
            let keyspace = number % 2
            let key = try ProfileKey("key \(number % 250)", format: .text)
            owners.append(Int32(table.count(key, keyspace: keyspace)))
            rows.append(
                EventChunk.Row(eventTime: Fixtures.now, version: Int64(number), data: number..<number + 1))
        }
        let (profiles, sorted) = table.grouped(rows, owners: owners, keyspaces: [7, 9], account: 1)
        #expect(profiles.count == 250 && profiles.last?.rowsEnd == 1000)
        #expect(profiles.map(\.foundingID.value) == profiles.map(\.foundingID.value).sorted())
        var start = 0
        for profile in profiles {
            let numbers = sorted[start..<profile.rowsEnd].map(\.version)
            let key = String(decoding: table.keys[profile.key], as: UTF8.self)
            #expect(numbers == numbers.sorted() && numbers.count == 4)
            #expect(numbers.allSatisfy { "key \($0 % 250)" == key && profile.keyspace == ($0 % 2 == 0 ? 7 : 9) })
            let founding = ProfileID.founding(
                account: 1, keyspace: profile.keyspace, key: try ProfileKey(key, format: .text))
            #expect(profile.foundingID == founding)
            start = profile.rowsEnd
        }
    }
}
