import Foundation
import Inference
import LatticeTesting
import Testing

@testable import lattice

@Suite struct `The store of models` {
    @Test func `finds the model that comes with Lattice by its name`() throws {
        let store = ModelStore(folder: "/nonexistent")
        for name in ["lattice-tiny", "lattice-tiny:q8_0", "Lattice-Tiny"] {
            #expect(try store.path(for: name) == DefaultModel.path())
        }
        #expect(store.models().map(\.name) == ["lattice-tiny:q8_0"])
        #expect(try store.model("lattice-tiny").summary().fault == nil)
    }

    @Test func `takes a path for a path`() throws {
        let store = ModelStore(folder: "/nonexistent")
        let path = try DefaultModel.path()
        #expect(try store.path(for: path) == path)
        for text in ["/no/such.gguf", "./such.gguf", "such.gguf", "~/such"] {
            #expect { try store.path(for: text) } throws: { "\($0)".contains("there is no file") }
        }
    }

    @Test func `lists files that somebody put there, those of a split as one`() throws {
        try withTemporaryDirectory { folder in
            for number in 0..<2 {
                let bytes = GGUFBytes.file(split: (number, 2))
                try Data(bytes).write(to: URL(filePath: "\(folder)/big-q4_0-0000\(number + 1)-of-00002.gguf"))
            }
            try Data(GGUFBytes.file()).write(to: URL(filePath: folder + "/small.gguf"))
            try Data("no model".utf8).write(to: URL(filePath: folder + "/broken.gguf"))
            try Data("text".utf8).write(to: URL(filePath: folder + "/notes.txt"))
            let store = ModelStore(folder: folder)
            #expect(
                store.models().map(\.name) == ["big:q4_0", "broken:latest", "small:latest", "lattice-tiny:q8_0"]
            )
            #expect(try store.model("big").summary().shards == 2)
            let rows = store.models().map(ModelRow.init)
            #expect(rows[1].cells.joined().contains("cannot be read"))
            try store.remove(store.model("big"))
            try store.remove(store.model("broken"))
            #expect(store.models().map(\.name) == ["small:latest", "lattice-tiny:q8_0"])
        }
    }

    @Test func `asks which of several is meant, and says what there is`() throws {
        try withTemporaryDirectory { folder in
            for name in ["some-q4_0.gguf", "some-q8_0.gguf"] {
                try Data(GGUFBytes.file()).write(to: URL(filePath: folder + "/" + name))
            }
            let store = ModelStore(folder: folder)
            #expect { try store.model("some") } throws: { "\($0)".contains("some:q4_0, some:q8_0") }
            #expect(try store.model("SOME:Q8_0").name == "some:q8_0")
            #expect { try store.model("sone:q8_0") } throws: { "\($0)".contains("Did you mean some:q8_0") }
            #expect { try store.model("org/other") } throws: { "\($0)".contains("lattice pull org/other") }
            #expect { try store.model("zebra") } throws: { "\($0)".contains("lattice-tiny:q8_0") }
        }
    }

    @Test func `keeps the model that comes with Lattice`() throws {
        let store = ModelStore(folder: "/nonexistent")
        #expect { try store.remove(store.model("lattice-tiny")) } throws: { "\($0)".contains("cannot be removed") }
    }

    @Test func `believes no manifest that leads out of its folder`() throws {
        try withTemporaryDirectory { folder in
            let summary = ModelSummary(of: try GGUFFile(path: DefaultModel.path()))
            for (name, file) in [("evil:latest", "../../etc/passwd"), ("other:latest", "a.gguf")] {
                let manifest = ModelManifest(
                    name: name,
                    source: "",
                    pulledAt: "",
                    fingerprint: "",
                    files: [.init(name: file, source: "", size: 1, sha256: "")],
                    summary: summary
                )
                try FileManager.default.createDirectory(
                    atPath: folder + "/evil+latest",
                    withIntermediateDirectories: true
                )
                try JSONEncoder().encode(manifest).write(to: URL(filePath: folder + "/evil+latest/manifest.json"))
                #expect(ModelStore(folder: folder).models().map(\.name) == ["lattice-tiny:q8_0"])
            }
        }
    }

    @Test(arguments: [
        "", ":", "a:", ":b", "a:b:c", "a/b/c", "/a", "a/", "..", "../a", "a/..", ".a", "-a", "a b", "a\u{0}", "ä",
        "a+b",
        String(repeating: "a", count: 97),
    ])
    func `has no such names`(text: String) {
        #expect(throws: ModelName.Fault.self) { try ModelName(text) }
    }

    @Test func `gives each name a folder of its own`() throws {
        let names = ["a", "a:b", "a/b", "a/b:c", "a.b:c", "a-b:latest"]
        #expect(Set(try names.map { try ModelName($0).folder }).count == names.count)
        #expect(try ModelName("a/b:c").folder == "a+b+c" && ModelName("a").folder == "a+latest")
    }

    @Test func `lies where LATTICE_MODELS says, or in the data folder`() async throws {
        let given = try await Settings(flags: ["models": "~/m", "data.dir": "/d"], file: nil)
        #expect(ModelStore(settings: given).folder == NSHomeDirectory() + "/m")
        let usual = try await Settings(flags: ["data.dir": "/d"], file: nil)
        #expect(ModelStore(settings: usual).folder == "/d/models")
    }
}

@Suite struct `Numbers for people` {
    @Test(arguments: [
        (0, "0 B"), (999, "999 B"), (1000, "1.00 kB"), (5_649_120, "5.65 MB"), (999_499_999, "999 MB"),
        (999_500_000, "1.00 GB"), (Int.max, "9223 PB"),
    ])
    func `have three digits and a unit`(count: Int, text: String) {
        #expect(ByteText.of(count) == text)
    }

    @Test func `of weights`() {
        #expect(
            CountText.of(1_100_048_384) == "1.10 B" && CountText.of(5_200_000) == "5.20 M" && CountText.of(42) == "42"
        )
        #expect(CountText.whole(131_072) == "131,072" && CountText.whole(12) == "12")
    }

    @Test(arguments: 10...120) func `stand in a table that is as narrow as the terminal`(width: Int) {
        var table = TextTable(["NAME", "SIZE", "LONG HEADING"], right: [1])
        table.add(["organization/a-long-name-of-a-model:Q4_K_M", "1.23 GB", "x"])
        table.add(["模型", "1 B", "y"])
        let lines = table.text(width: width).split(separator: "\n")
        #expect(lines.count == 3)
        if width >= 17 { #expect(lines.allSatisfy { String($0).columns <= width }) }
        #expect(table.text(width: nil).contains("organization/a-long-name-of-a-model:Q4_K_M  1.23 GB  x"))
    }
}
