// swift-tools-version: 6.3
import PackageDescription

/// The same for every Swift target. Warnings are errors, because a tolerated warning is never read again.
let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
    .enableUpcomingFeature("ImmutableWeakCaptures"),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "ovation",
    platforms: [.macOS(.v15)],
    products: [.executable(name: "ovation", targets: ["ovation"])],
    dependencies: [
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", exact: "2.1.1"),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
        .package(url: "https://github.com/vapor/jwt-kit", exact: "5.7.1"),
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-async-algorithms", exact: "1.1.4"),
        .package(url: "https://github.com/apple/swift-configuration", exact: "1.4.0", traits: [.defaults, "YAML"]),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", exact: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", exact: "1.35.2"),
        .package(url: "https://github.com/apple/swift-system", exact: "1.8.1"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
    ],
    targets: [
        // Values and rules. No input or output, no import of anything but the standard library.
        .target(
            name: "OvationCore",
            exclude: ["DESIGN.md"],
            swiftSettings: settings
        ),
        // JSON, paths and times as they cross the wire; shared by the server and by clients.
        .target(
            name: "OvationWire",
            dependencies: ["OvationCore", .product(name: "HTTPTypes", package: "swift-http-types")],
            swiftSettings: settings
        ),
        // The data model as a YAML file, to and from what crosses the wire.
        .target(
            name: "OvationModelFile",
            dependencies: ["OvationCore", "OvationWire", .product(name: "Yams", package: "Yams")],
            swiftSettings: settings
        ),
        // The HTTP client library of the system.
        .systemLibrary(
            name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"]), .brew(["curl"])]),
        // The API from the other side: tokens, calls, pages, uploads and downloads. It neither prints nor reads settings.
        .target(
            name: "OvationClient",
            dependencies: [
                "CCurl", "OvationCore", "OvationWire",
                .product(name: "HTTPTypes", package: "swift-http-types"),
            ],
            swiftSettings: settings
        ),
        // simdjson behind a C header.
        .target(
            name: "CSimdjson",
            linkerSettings: [.linkedLibrary("simdjson"), .linkedLibrary("stdc++")]
        ),
        // Checksums of SQLite's pages, written and checked between SQLite and the file system.
        .target(name: "CPageChecksums", linkerSettings: [.linkedLibrary("sqlite3")]),
        // zlib, as the system has it.
        .systemLibrary(
            name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
        // The memory functions of the C library.
        .target(name: "CMalloc"),
        // Pages of the console as values, templates and files, all in the binary. It does not know where values come from.
        .target(
            name: "OvationConsole",
            dependencies: ["OvationCore", .product(name: "Mustache", package: "swift-mustache")],
            resources: [.embedInCode("Resources")],
            swiftSettings: settings
        ),
        .target(
            name: "OvationServer",
            dependencies: [
                "OvationConsole", "OvationCore", "OvationModelFile", "OvationWire", "CSimdjson", "CZlib",
                .product(name: "AsyncAlgorithms", package: "swift-async-algorithms"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "CryptoExtras", package: "swift-crypto"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "JWTKit", package: "jwt-kit"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOExtras", package: "swift-nio-extras"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            exclude: ["Console/DESIGN.md", "DESIGN.md"],
            swiftSettings: settings
        ),
        // Code that both stores share: values as the text of a column, writes that wait for a commit, and copies by rows.
        .target(
            name: "OvationRows", dependencies: ["OvationCore", .product(name: "Crypto", package: "swift-crypto")],
            swiftSettings: settings),
        .target(
            name: "OvationSQLite",
            dependencies: [
                "CPageChecksums", "OvationCore", "OvationRows",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            exclude: ["DESIGN.md"],
            swiftSettings: settings
        ),
        // The client library of PostgreSQL, as the system has it.
        .systemLibrary(
            name: "CLibpq", pkgConfig: "libpq", providers: [.apt(["libpq-dev"]), .brew(["libpq"])]),
        .target(
            name: "OvationPostgres",
            dependencies: [
                "OvationCore", "OvationRows", "CLibpq",
                .product(name: "Logging", package: "swift-log"),
            ],
            exclude: ["DESIGN.md"],
            swiftSettings: settings
        ),
        // Suites and fixtures that several test targets share.
        .target(
            name: "OvationTesting",
            dependencies: [
                "OvationCore", "OvationWire", "OvationServer", "OvationSQLite",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "ovation",
            dependencies: [
                "CMalloc", "OvationClient", "OvationCore", "OvationModelFile", "OvationPostgres", "OvationRows",
                "OvationServer", "OvationSQLite", "OvationWire",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "SystemPackage", package: "swift-system"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "OvationCoreTests", dependencies: ["OvationCore", "OvationTesting"], swiftSettings: settings),
        .testTarget(
            name: "OvationWireTests", dependencies: ["OvationCore", "OvationWire", "OvationTesting"],
            swiftSettings: settings),
        .testTarget(
            name: "OvationRowsTests", dependencies: ["OvationCore", "OvationRows", "OvationTesting"],
            swiftSettings: settings),
        .testTarget(
            name: "OvationClientTests",
            dependencies: [
                "OvationClient", "OvationCore", "OvationTesting", "OvationWire",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings),
        .testTarget(name: "OvationConsoleTests", dependencies: ["OvationConsole"], swiftSettings: settings),
        .testTarget(
            name: "OvationSQLiteTests",
            dependencies: [
                "OvationCore", "OvationRows", "OvationSQLite", "OvationTesting",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "OvationPostgresTests",
            dependencies: [
                "OvationCore", "OvationPostgres", "OvationRows", "OvationSQLite", "OvationTesting",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "OvationServerTests",
            dependencies: [
                "CZlib", "OvationConsole", "OvationCore", "OvationWire", "OvationServer", "OvationSQLite",
                "OvationTesting",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "CryptoExtras", package: "swift-crypto"),
                .product(name: "JWTKit", package: "jwt-kit"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "TidyTests",
            dependencies: [
                "OvationCore", "OvationWire", .product(name: "HTTPTypes", package: "swift-http-types"),
            ],
            swiftSettings: settings),
    ],
    cxxLanguageStandard: .cxx17
)

// Benchmarks are no part of the product. They measure steps that are not public, so they have to be targets of this package,
// but only if this variable is set.
if Context.environment["OVATION_BENCHMARKS"] != nil {
    // For Benchmarks/Micro, which is a package of its own so that a build of the server does not fetch its dependencies.
    package.products.append(.library(name: "HotPath", targets: ["HotPath"]))
    package.targets += [
        // The ceiling of the HTTP stack, for the benchmark.
        .executableTarget(
            name: "bare-server",
            dependencies: [.product(name: "Hummingbird", package: "hummingbird")],
            path: "Benchmarks/BareServer",
            swiftSettings: settings
        ),
        // The ceilings of the store and of the disk, for the benchmark.
        .executableTarget(
            name: "raw-store",
            dependencies: [
                "OvationCore", "OvationSQLite",
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Benchmarks/RawStore",
            swiftSettings: settings
        ),
        // What PostgreSQL does with the same rows when a small program asks it directly, for the benchmark.
        .executableTarget(
            name: "raw-postgres", dependencies: ["CLibpq"], path: "Benchmarks/RawPostgres", swiftSettings: settings),
        // The parts of a post that are measured one by one: in time by Benchmarks/Micro, in instructions by hot-path.
        .target(
            name: "HotPath",
            dependencies: [
                "OvationCore", "OvationWire", "OvationServer", "OvationSQLite",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
            ],
            path: "Benchmarks/HotPath",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "hot-path", dependencies: ["HotPath"], path: "Benchmarks/HotPathRunner", swiftSettings: settings),
    ]
}

// What Scripts/release tells the linker, which makes the program smaller. Only the root package may have such options.
if let options = Context.environment["OVATION_LINK"] {
    let flags = options.split(separator: " ").map(String.init)
    for target in package.targets where target.name == "ovation" { target.linkerSettings = [.unsafeFlags(flags)] }
}

// `make check` tests a change of Core or Wire in seconds: it builds no server, no store, and none of their dependencies.
if Context.environment["OVATION_CHECK"] != nil {
    let checked = ["OvationCore", "OvationWire", "OvationCoreTests", "OvationWireTests", "TidyTests"]
    package.products = []
    package.targets =
        package.targets.filter { checked.contains($0.name) } + [
            .target(
                name: "OvationTesting", dependencies: ["OvationCore", "OvationWire"],
                sources: ["Fixtures.swift", "TestClock.swift"], swiftSettings: settings)
        ]
}
