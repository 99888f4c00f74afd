// swift-tools-version: 6.2
import PackageDescription

/// The one list of flags; every Swift target uses it.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
]

/// Kernels are measured and tested optimised, also in debug builds, where `-O0` would make them a hundred times slower.
let kernels: [CSetting] = [.unsafeFlags(["-O2"], .when(configuration: .debug))]

extension Target.Dependency {
    static let nioCore = product(name: "NIOCore", package: "swift-nio")
    static let nioPosix = product(name: "NIOPosix", package: "swift-nio")
    static let nioFoundation = product(name: "NIOFoundationCompat", package: "swift-nio")
    static let nioHTTP1 = product(name: "NIOHTTP1", package: "swift-nio")
    static let nioTLS = product(name: "NIOTLS", package: "swift-nio")
    static let nioSSL = product(name: "NIOSSL", package: "swift-nio-ssl")
    static let x509 = product(name: "X509", package: "swift-certificates")
    static let asn1 = product(name: "SwiftASN1", package: "swift-asn1")
    static let nioConcurrency = product(name: "NIOConcurrencyHelpers", package: "swift-nio")
    static let crypto = product(name: "Crypto", package: "swift-crypto")
    static let logging = product(name: "Logging", package: "swift-log")
    static let metrics = product(name: "Metrics", package: "swift-metrics")
    static let coreMetrics = product(name: "CoreMetrics", package: "swift-metrics")
    static let signals = product(name: "UnixSignals", package: "swift-service-lifecycle")
    static let system = product(name: "SystemPackage", package: "swift-system")
    static let lifecycle = product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
    static let grdb = product(name: "GRDB", package: "GRDB.swift")
    static let protobuf = product(name: "SwiftProtobuf", package: "swift-protobuf")
    static let hummingbirdCore = product(name: "HummingbirdCore", package: "hummingbird")
    static let nioHTTPTypes = product(name: "NIOHTTPTypes", package: "swift-nio-extras")
    static let hummingbird = product(name: "Hummingbird", package: "hummingbird")
    static let arguments = product(name: "ArgumentParser", package: "swift-argument-parser")
    static let httpClient = product(name: "AsyncHTTPClient", package: "async-http-client")
    static let configuration = product(name: "Configuration", package: "swift-configuration")
    static let httpTypes = product(name: "HTTPTypes", package: "swift-http-types")
}

/// A library target whose folder and tests carry its name.
func module(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = []) -> Target {
    .testTarget(
        name: name + "Tests",
        dependencies: [.byName(name: name), "LatticeTesting"] + dependencies,
        exclude: exclude,
        swiftSettings: strict
    )
}

let package = Package(
    name: "lattice",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "lattice", targets: ["lattice"]),
        .library(
            name: "Lattica",
            targets: ["Lattica", "LatticaRPC", "LatticaProtocols", "LatticaConnection", "LatticaCore", "Multiformats"]
        ),
        .library(name: "Inference", targets: ["Inference"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: [.defaults, "YAML"]),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    ],
    targets: [
        // Lattica: peers, streams, calls. Knows nothing of AI or money.
        module("Multiformats"),
        module("LatticaCore", ["Multiformats", .nioCore, .nioConcurrency, .crypto]),
        module(
            "LatticaConnection",
            [
                "LatticaCore", "Multiformats", .nioCore, .nioPosix, .nioConcurrency, .nioTLS,
                .nioSSL, .x509, .asn1, .crypto, .logging, .metrics,
            ]
        ),
        module("LatticaProtocols", ["LatticaCore", "Multiformats", .nioCore, .nioConcurrency, .logging]),
        // The compressions of Lattica's RPC dialect.
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .systemLibrary(name: "CLZ4", pkgConfig: "liblz4", providers: [.apt(["liblz4-dev"])]),
        .systemLibrary(name: "CBrotli", pkgConfig: "libbrotlienc", providers: [.apt(["libbrotli-dev"])]),
        module(
            "LatticaRPC",
            [
                "LatticaCore", "Multiformats", "CZlib", "CZstd", "CLZ4", "CBrotli", .nioCore, .nioConcurrency, .logging,
                .metrics,
            ]
        ),
        // Where addresses of the form /dnsaddr lead to.
        .systemLibrary(name: "CAres", pkgConfig: "libcares", providers: [.apt(["libc-ares-dev"])]),
        module(
            "Lattica",
            [
                "CAres", "LatticaRPC", "LatticaProtocols", "LatticaConnection", "LatticaCore", "Multiformats", .nioCore,
                .nioPosix, .nioConcurrency, .logging, .metrics, .lifecycle,
            ]
        ),

        // The ledger: money and registration.
        .systemLibrary(name: "CSecp256k1", pkgConfig: "libsecp256k1", providers: [.apt(["libsecp256k1-dev"])]),
        module("Ledger", ["CSecp256k1", .crypto]),
        module("LedgerEmbedded", ["Ledger", .grdb, .crypto, .logging, .nioConcurrency]),
        module("LedgerEVM", ["Ledger", .grdb, .httpClient, .nioCore, .nioHTTP1, .nioConcurrency, .logging]),

        // What Nexus and nodes promised, on disk.
        module("Durability", [.grdb, .nioConcurrency]),

        // What Nexus and nodes say to each other.
        module("NodeAPI", ["Ledger", "LatticaCore", "LatticaRPC", "Multiformats", .protobuf]),

        // Nodes.
        .target(name: "InferenceKernels", cSettings: kernels),
        module("Inference", ["InferenceKernels", .logging, .nioConcurrency, .crypto]),
        module("EngineAdapters", ["Inference", .httpClient, .nioCore, .nioHTTP1, .nioConcurrency, .crypto]),
        module(
            "NodeHost",
            [
                "NodeAPI", "Inference", "Durability", "Lattica", "LatticaRPC", "LatticaCore", "Multiformats", "Ledger",
                .nioCore, .nioConcurrency,
                .grdb, .crypto, .logging, .lifecycle, .protobuf,
            ]
        ),

        // Nexus, the kernel, and its HTTP face.
        module(
            "Nexus",
            [
                "NodeAPI", "Durability", "Lattica", "LatticaRPC", "LatticaCore", "Multiformats", "Ledger", .nioCore,
                .nioConcurrency,
                .grdb, .crypto,
                .logging, .metrics, .lifecycle, .protobuf,
            ]
        ),
        .target(
            name: "NexusHTTP",
            dependencies: [
                "Nexus", "Ledger", .hummingbird, .hummingbirdCore, .nioHTTPTypes, .httpTypes, .nioCore, .nioConcurrency,
                .logging, .metrics, .coreMetrics, .lifecycle,
            ],
            resources: [.embedInCode("Site")],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "lattice",
            dependencies: [
                "NexusHTTP", "Nexus", "NodeHost", "NodeAPI", "EngineAdapters", "Inference", "Lattica", "LatticaRPC",
                "LatticaProtocols",
                "LatticaConnection", "LatticaCore", "Multiformats", "Ledger", "LedgerEmbedded", "LedgerEVM",
                .grdb, .arguments,
                .configuration, .httpClient, .logging, .metrics,
                .lifecycle, .signals, .system, .protobuf, .nioCore, .nioPosix, .nioConcurrency, .nioFoundation,
                .nioHTTP1,
            ],
            swiftSettings: strict
        ),

        // Speaks to foreign libp2p peers in interop tests.
        .executableTarget(
            name: "interop-peer",
            dependencies: [
                "Lattica", "LatticaConnection", "LatticaCore", "LatticaProtocols", "LatticaRPC", "Multiformats",
                .nioCore,
                .nioConcurrency, .logging,
            ],
            path: "Interop/Peer",
            swiftSettings: strict
        ),

        // Tests.
        .target(
            name: "LatticeTesting",
            dependencies: ["LatticaConnection", "LatticaCore", "Multiformats", .nioCore, .nioPosix, .nioConcurrency],
            path: "Tests/LatticeTesting",
            swiftSettings: strict
        ),
        .target(
            name: "LedgerConformance",
            dependencies: ["Ledger", "LedgerEmbedded", "LatticeTesting", .nioConcurrency, .crypto],
            path: "Tests/LedgerConformance",
            swiftSettings: strict
        ),
        tests("Multiformats"),
        tests("LatticaCore", ["Multiformats", .nioCore, .nioConcurrency, .crypto]),
        tests(
            "LatticaConnection",
            [
                "LatticaCore", "Multiformats", .nioCore, .nioPosix, .nioConcurrency, .nioSSL, .x509, .asn1, .crypto,
                .logging,
            ]
        ),
        tests("LatticaProtocols", ["LatticaCore", "Multiformats", .nioCore]),
        tests("LatticaRPC", ["LatticaCore", "Multiformats", .nioCore, .nioConcurrency, .logging]),
        tests(
            "Lattica",
            [
                "LatticaConnection", "LatticaProtocols", "LatticaRPC", "LatticaCore", "Multiformats", .nioCore,
                .nioPosix, .nioConcurrency, .logging,
            ]
        ),
        .testTarget(
            name: "FuzzTests",
            dependencies: [
                "LatticeTesting", "LatticaConnection", "LatticaProtocols", "LatticaRPC", "LatticaCore", "Multiformats",
                .nioCore,
            ],
            exclude: ["Corpus"],
            swiftSettings: strict
        ),
        tests("Durability", [.grdb, .nioConcurrency]),
        tests("Ledger", [.crypto], exclude: ["Vectors"]),
        tests("LedgerEmbedded", ["Ledger", "LedgerConformance", .grdb, .crypto, .nioConcurrency]),
        tests(
            "LedgerEVM",
            [
                "Ledger", "LedgerEmbedded", "LedgerConformance", .grdb, .logging, .nioCore, .nioHTTP1, .nioPosix,
                .nioConcurrency, .crypto,
            ],
            exclude: ["Vectors"]
        ),
        tests("Inference", ["InferenceKernels"], exclude: ["Vectors", "Template/Vectors"]),
        tests("EngineAdapters", ["Inference", .nioCore, .nioHTTP1, .nioPosix, .nioConcurrency], exclude: ["Vectors"]),
        tests(
            "NodeHost",
            [
                .nioConcurrency, "NodeAPI", "Inference", "Lattica", "LatticaRPC", "LatticaCore", "Multiformats",
                "Ledger", "LedgerEmbedded", .crypto, .nioCore, .logging, .protobuf,
            ]
        ),
        tests(
            "Nexus",
            [
                "NodeAPI", "Lattica", "LatticaRPC", "LatticaCore", "Multiformats", "Ledger", "LedgerEmbedded", .crypto,
                .nioConcurrency,
                .nioCore, .logging, .protobuf,
            ]
        ),
        tests(
            "NexusHTTP",
            [
                "Nexus", "Ledger", .hummingbird, .httpTypes, .nioCore, .nioPosix, .nioConcurrency, .logging, .metrics,
                .coreMetrics, .lifecycle,
            ]
        ),
        tests(
            "lattice",
            [
                "Nexus", "NexusHTTP", "Inference", "Ledger", "LedgerEmbedded", "Lattica", "LatticaRPC",
                "LatticaProtocols", "LatticaConnection", "LatticaCore", "Multiformats", .arguments, .nioCore,
                .nioConcurrency, .logging, .lifecycle,
            ]
        ),
    ]
)
