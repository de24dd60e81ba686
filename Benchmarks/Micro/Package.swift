// swift-tools-version: 6.1
import PackageDescription

// A package of its own, so that a build of the server never fetches what only its benchmarks use. Without traits the
// benchmark library counts no allocations; its columns for them would read 0.
let package = Package(
    name: "micro-benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "ovation", path: "../.."),
        .package(url: "https://github.com/ordo-one/benchmark", from: "1.38.1", traits: []),
    ],
    targets: [
        .executableTarget(
            name: "Parts",
            dependencies: [
                .product(name: "HotPath", package: "ovation"), .product(name: "Benchmark", package: "benchmark"),
            ],
            // The library's plugin looks for benchmarks in a folder of this name and nowhere else.
            path: "Benchmarks/Parts",
            plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")])
    ]
)
