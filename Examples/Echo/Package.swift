// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "echo",
    platforms: [.macOS(.v15)],
    dependencies: [
        // In a package of your own: .package(url: "https://…/lattice", from: "…")
        .package(name: "lattice", path: "../..")
    ],
    targets: [
        .executableTarget(name: "echo", dependencies: [.product(name: "Lattica", package: "lattice")])
    ]
)
