import Foundation
import OvationCore
import OvationTesting
import Testing

@testable import OvationServer

@Suite("Files that jobs make")
struct JobFileTests {
    private func file(_ folder: TemporaryFolder, _ name: String = "file") throws -> OpenFile {
        try OpenFile(folder.path + "/" + name, JobFiles.writing)
    }

    @Test("a file comes back part by part, however long the parts are")
    func parts() async throws {
        let folder = try TemporaryFolder()
        let file = try file(folder)
        var writer = ResultWriter(file, bytesMax: 1 << 30)
        try await writer.append(frame: Array("head".utf8))
        var wanted: [String] = ["head"]
        for number in 0..<3000 {
            let text = "p\(number) " + String(repeating: "x", count: number == 1500 ? 1_000_000 : number % 90)
            let id = ProfileID(Int64(number) - 1500)
            let members = number % 700 == 0 ? [ProfileID(7), ProfileID(8)] : []
            try await writer.append(Array(text.utf8), beginning: [id] + members)
            try await writer.append(Array("more".utf8), continuing: id)
            wanted.append(text + "more")
        }
        try await writer.append(frame: [])
        wanted.append("")
        try await writer.flush()
        #expect(try file.size == writer.bytes)
        var reader = ResultReader(file)
        var found: [String] = []
        var members: [ProfileID] = []
        while true {
            let parts = try reader.next()
            #expect(parts.count <= Limits.profilesAskedMax)
            if parts.isEmpty { break }
            for part in parts {
                guard part.kind != .member else {
                    #expect(part.bytes.isEmpty)
                    members.append(part.profile)
                    continue
                }
                let text = String(decoding: part.bytes, as: UTF8.self)
                if part.kind == .continuation { found[found.count - 1] += text } else { found.append(text) }
                if part.kind == .beginning { #expect(text.hasPrefix("p\(part.profile.value + 1500) ")) }
            }
        }
        #expect(found == wanted)
        #expect(members == Array(repeating: [ProfileID(7), ProfileID(8)], count: 5).flatMap { $0 })
    }

    @Test("a file that ends in the middle of a part is damaged, and one that would be too long is refused")
    func ends() async throws {
        let folder = try TemporaryFolder()
        let file = try file(folder)
        var writer = ResultWriter(file, bytesMax: 100)
        try await writer.append(Array(repeating: 7, count: 50), beginning: [ProfileID(1)])
        try await writer.flush()
        await #expect(throws: Problem(.limitExceeded, "")) {
            var writer = writer
            try await writer.append(Array(repeating: 7, count: 50), beginning: [ProfileID(2)])
        }
        try file.cut(to: 60)
        var reader = ResultReader(file)
        #expect(throws: Problem(.storeDamaged, "")) { _ = try reader.next() }
    }

    @Test("rows come back in the order of their keys, also where they are more than a run")
    func sorts() async throws {
        let folder = try TemporaryFolder()
        var generator = SystemRandomNumberGenerator()
        let seed = generator.next()
        var random = SplitMix(seed: seed)
        var rows = SortedRows(try file(folder), bytesMax: 1 << 30)
        var wanted: [(key: String, id: Int64, bytes: Int)] = []
        for id in 0..<30_000 {
            let key = "k\(random.next() % 9000)"
            // Longer than the pieces of the merging now and then.
            let count = id % 997 == 0 ? 40_000 : Int(random.next() % 700)
            try await rows.add(
                key: Array(key.utf8), of: ProfileID(Int64(id)), Array(repeating: UInt8(id % 251), count: count))
            wanted.append((key, Int64(id), count))
        }
        wanted.sort {
            $0.key.utf8.elementsEqual($1.key.utf8) ? $0.id < $1.id : $0.key.utf8.lexicographicallyPrecedes($1.key.utf8)
        }
        var merged = try await rows.merged()
        var index = 0
        while let row = try merged.next() {
            guard index < wanted.count else { break }
            let one = wanted[index]
            let isRight =
                row.key.elementsEqual(one.key.utf8) && row.profile.value == one.id && row.bytes.count == one.bytes
                && row.bytes.allSatisfy { $0 == UInt8(one.id % 251) }
            guard isRight else {
                Issue.record("row \(index), seed \(seed)")
                return
            }
            index += 1
        }
        #expect(index == wanted.count, "seed \(seed)")
        #expect(try file(folder).size > 2 * Int64(Limits.sortedRunBytes))
    }

    @Test("a report that would need too much of the disk to be sorted is refused")
    func boundsSorting() async throws {
        let folder = try TemporaryFolder()
        var rows = SortedRows(try file(folder), bytesMax: 40)
        try await rows.add(key: [1], of: ProfileID(1), [1])
        await #expect(throws: Problem(.limitExceeded, "")) {
            var rows = rows
            try await rows.add(key: [1], of: ProfileID(1), Array(repeating: 0, count: 10))
        }
    }

    @Test("hosts of callbacks are names or addresses, with a port or without")
    func hosts() {
        #expect(CallbackHost("Example.COM")?.name == "example.com")
        #expect(CallbackHost("10.0.0.7:8443")?.port == 8443)
        #expect(CallbackHost("[::1]:80")?.name == "[::1]")
        for text in [
            "", "a b", "example.com:", "example.com:0", "example.com:70000", "user@example.com", "[::1", "a/b", "ä.se",
        ] {
            #expect(CallbackHost(text) == nil, "\(text)")
        }
    }

    private struct Deaf: CallbackSender {
        func post(json: [UInt8], to url: String, within patience: Duration) async throws -> Int { 500 }
    }

    @Test(
        "only hosts on the list are called, by the ports that it says",
        arguments: [
            ("https://example.com/x", true), ("http://EXAMPLE.com", true), ("https://example.com:443?x", true),
            ("https://example.com:8443/x", false), ("https://inner.example.com/x", false),
            ("http://10.0.0.7:81/", true),
            ("http://10.0.0.7/", false), ("https://example.com@10.0.0.8/", false), ("ftp://example.com/", false),
            ("https://example.com#@10.0.0.8", false), ("https://example.com\\@10.0.0.8", false),
            ("https://example.com/ x", false), ("//example.com", false),
        ])
    func listed(url: String, isCalled: Bool) throws {
        let hosts = try ["example.com", "10.0.0.7:81"].map { try #require(CallbackHost($0)) }
        let callbacks = Callbacks(hosts: hosts, sender: Deaf())
        let isTaken = (try? callbacks.check(url)) != nil
        #expect(isTaken == isCalled)
    }
}

private struct SplitMix: RandomNumberGenerator {
    var seed: UInt64

    mutating func next() -> UInt64 {
        seed &+= 0x9E37_79B9_7F4A_7C15
        var word = seed
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}
