import Foundation
import LatticaCore
import LatticeTesting
import Testing

@Suite struct `Key file` {
    @Test func `is made once, for its owner only, and read from then on`() throws {
        try withTemporaryDirectory { folder in
            let path = folder + "/p2p.key"
            let made = try Keypair.load(orCreateAt: path)
            #expect(try Keypair.load(orCreateAt: path).peerID == made.peerID)
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["p2p.key"])
            #expect([UInt8](try Data(contentsOf: URL(filePath: path))) == made.protobuf)
        }
    }

    @Test(arguments: [0o644, 0o640, 0o604, 0o620]) func `is refused when others may use it`(mode: Int) throws {
        try withTemporaryDirectory { folder in
            let path = folder + "/p2p.key"
            _ = try Keypair.load(orCreateAt: path)
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
            let refusal = KeyFileError.readableByOthers(path: path, mode: UInt32(mode))
            #expect(throws: refusal) { try Keypair.load(orCreateAt: path) }
            #expect(refusal.description.contains("chmod 600"))
        }
    }

    @Test(arguments: [0, 10, 68, 1000, 100_000]) func `is refused when it holds no key`(length: Int) throws {
        try withTemporaryDirectory { folder in
            let path = folder + "/p2p.key"
            let content = Data(repeating: 8, count: length)
            #expect(
                FileManager.default.createFile(
                    atPath: path,
                    contents: content,
                    attributes: [.posixPermissions: 0o600]
                )
            )
            #expect(throws: KeyFileError.self) { try Keypair.load(orCreateAt: path) }
            let kept = try Data(contentsOf: URL(filePath: path))
            #expect(kept == content)
        }
    }

    @Test func `is not a folder, and needs one`() throws {
        try withTemporaryDirectory { folder in
            #expect(throws: KeyFileError.notAFile(path: folder)) { try Keypair.load(orCreateAt: folder) }
            #expect(throws: KeyFileError.system(path: folder + "/a/key", operation: "create", code: 2)) {
                try Keypair.load(orCreateAt: folder + "/a/key")
            }
        }
    }

    @Test func `made by several at once is one`() async throws {
        try await withTemporaryDirectory { folder in
            let ids = try await withThrowingTaskGroup(of: PeerID.self) { group in
                for _ in 0..<16 {
                    group.addTask { try Keypair.load(orCreateAt: folder + "/p2p.key").peerID }
                }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(ids.count == 1)
        }
    }
}
