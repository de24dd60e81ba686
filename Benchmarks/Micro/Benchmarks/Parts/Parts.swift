import Benchmark
import Foundation
import HotPath

/// Each part of a post by itself. Names are what Benchmarks/Micro/report.py looks for; what the figures mean stands in
/// Benchmarks/README.md.
let benchmarks: @Sendable () -> Void = {
    Benchmark.defaultConfiguration = .init(
        metrics: [.throughput, .wallClock, .cpuTotal], warmupIterations: 50, scalingFactor: .kilo,
        maxDuration: .seconds(3), maxIterations: 100_000)

    Benchmark("decode-1") { (benchmark: Benchmark, hotPath: HotPath) in
        for _ in benchmark.scaledIterations { blackHole(hotPath.decodeSingle()) }
    } setup: {
        try await HotPath(Credentials())
    }

    Benchmark("decode-100") { (benchmark: Benchmark, hotPath: HotPath) in
        for _ in 0..<10 { blackHole(hotPath.decodeHundred()) }
    } setup: {
        try await HotPath(Credentials())
    }

    for (name, times) in [("foundation", FoundationReading.Times.byFoundation), ("foundation-times-by-hand", .byHand)] {
        Benchmark(name + "-1") { (benchmark: Benchmark, reading: FoundationReading) in
            let body = Data(Article.body.utf8)
            for _ in 0..<100 { blackHole(try reading.read(body)) }
        } setup: {
            FoundationReading(times: times)
        }
        Benchmark(name + "-100") { (benchmark: Benchmark, reading: FoundationReading) in
            blackHole(try reading.read(Data(Article.hundred.utf8)))
        } setup: {
            FoundationReading(times: times)
        }
    }

    Benchmark("timestamp") { (benchmark: Benchmark, hotPath: HotPath) in
        for _ in benchmark.scaledIterations { blackHole(hotPath.readTimestamp()) }
    } setup: {
        try await HotPath(Credentials())
    }

    Benchmark("path") { (benchmark: Benchmark, hotPath: HotPath) in
        for _ in benchmark.scaledIterations { blackHole(try hotPath.readPath()) }
    } setup: {
        try await HotPath(Credentials())
    }

    Benchmark("token") { (benchmark: Benchmark, hotPath: HotPath) async in
        for _ in benchmark.scaledIterations { blackHole(await hotPath.checkToken()) }
    } setup: {
        try await HotPath(Credentials())
    }

    Benchmark("post") { (benchmark: Benchmark, hotPath: HotPath) async throws in
        for _ in benchmark.scaledIterations { blackHole(try await hotPath.post()) }
    } setup: {
        try await HotPath(Credentials())
    }

    for posts in [1, 64] {
        Benchmark("append-\(posts)") { (benchmark: Benchmark, appends: Appends) async throws in
            try await appends.append(atOnce: posts)
        } setup: {
            let folder = FileManager.default.temporaryDirectory.path + "/ovation-micro-" + UUID().uuidString
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            return try await Appends(path: folder + "/ovation.sqlite", profiles: 100_000)
        }
    }
}
