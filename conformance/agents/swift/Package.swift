// swift-tools-version:5.5
import Foundation
import PackageDescription

// A checkout of socket.io-client-swift.
let client = ProcessInfo.processInfo.environment["SIOPROBE_SWIFT_CLIENT"] ?? ""

let package = Package(
    name: "agent",
    platforms: [.macOS(.v10_15)],
    dependencies: [.package(name: "SocketIO", path: client)],
    targets: [.executableTarget(name: "agent", dependencies: [.product(name: "SocketIO", package: "SocketIO")])]
)
