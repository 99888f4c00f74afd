// swift-tools-version: 6.2
import PackageDescription

/// The flags of the root package, so that what is measured is written under the same rules.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
]

/// A package of its own: it takes `Lattica` and `Inference` as any other program would, and builds nothing of Lattice
/// but those.
let package = Package(
    name: "lattice-benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "lattice", path: ".."),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    ],
    targets: [
        .executableTarget(
            name: "rpc-bench",
            dependencies: [
                .product(name: "Lattica", package: "lattice"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "engine-bench",
            dependencies: [.product(name: "Inference", package: "lattice")],
            swiftSettings: strict
        ),
    ]
)
