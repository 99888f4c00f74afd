import Foundation
import Inference

/// What the name of a GGUF file tells: the model's name, its quantisation, and which file of several it is.
struct ModelFileName: Hashable, Sendable {
    /// The name of the file, without a folder.
    let file: String
    /// The name without the ending, the numbers of a split, and the quantisation.
    let name: String
    /// The quantisation as the file's name has it, such as `Q4_K_M` or `q8_0`.
    let quantization: String?
    /// Which file of a split model it is, from 1.
    let number: Int
    /// How many files the model has.
    let count: Int

    /// The most files of a model; the reader of GGUF accepts as many.
    private static let countLimit = 512

    /// Takes the name of a file apart; `nil` if it is not that of a GGUF file.
    init?(_ file: String) {
        guard file.lowercased().hasSuffix(".gguf"), !file.hasPrefix("."), !file.contains("/"), file == file.printable,
            file.utf8.count <= 200
        else { return nil }
        self.file = file
        var stem = file.dropLast(5)
        if let split = Self.split(stem) {
            (stem, number, count) = split
        } else {
            (number, count) = (1, 1)
        }
        if let mark = stem.lastIndex(where: { $0 == "-" || $0 == "." }), mark > stem.startIndex,
            Quantization(stem[stem.index(after: mark)...]) != nil
        {
            name = String(stem[..<mark])
            quantization = String(stem[stem.index(after: mark)...])
        } else {
            name = String(stem)
            quantization = nil
        }
    }

    /// The names of all files of the model.
    var files: [String] { (1...count).map(file(number:)) }

    private func file(number: Int) -> String {
        guard count > 1 else { return file }
        let tail = "-00001-of-00001.gguf".count
        return file.dropLast(tail) + "-\(Self.padded(number))-of-\(Self.padded(count)).gguf"
    }

    /// The name under which the model is kept when no other is given.
    var modelName: ModelName? {
        var text = name.replacing(" ", with: "-")
        if let quantization { text += ":" + quantization }
        return try? ModelName(text).complete
    }

    private static func padded(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
    }

    /// Takes `-00001-of-00003` off the end.
    private static func split(_ stem: Substring) -> (stem: Substring, number: Int, count: Int)? {
        let tail = "-00001-of-00001".count
        guard stem.count > tail else { return nil }
        let numbers = stem.suffix(tail)
        guard let number = Int(numbers.dropFirst().prefix(5)), let count = Int(numbers.suffix(5)),
            numbers == "-\(padded(number))-of-\(padded(count))", 2...countLimit ~= count, 1...count ~= number
        else { return nil }
        return (stem.dropLast(tail), number, count)
    }
}

/// The usual name of how a file's weights are stored.
struct Quantization: Hashable, Sendable {
    /// Such as `Q4_K_M`.
    let label: String

    /// Reads a label in either case; `nil` if it is none.
    init?(_ text: some StringProtocol) {
        let label = text.uppercased()
        let isPlain = ["F16", "FP16", "F32", "FP32", "BF16", "MXFP4", "NVFP4"].contains(label)
        guard isPlain || Self.isNumbered(label) else { return nil }
        self.label = label
    }

    /// Whether the embedded engine can read weights that are stored so.
    var isSupported: Bool {
        label == "IQ4_NL" || !(label.hasPrefix("I") || label.hasPrefix("T") || label.contains("FP4"))
    }

    /// How gladly it is taken when nobody says which: small and good first.
    var preference: Int {
        let order = ["Q4_K_M", "Q4_K_S", "Q5_K_M", "Q4_0", "Q8_0", "Q6_K", "Q5_K_S", "Q4_1", "Q5_0", "Q5_1"]
        guard isSupported else { return order.count + 2 }
        return order.firstIndex(of: label) ?? order.count + (label.hasPrefix("Q") ? 0 : 1)
    }

    /// `Q4_0`, `Q4_K_M`, `IQ3_XXS`, `TQ1_0`: a letter or two, a digit, and what comes after an underscore.
    private static func isNumbered(_ label: String) -> Bool {
        var rest = label[...]
        if rest.hasPrefix("I") || rest.hasPrefix("T") { rest = rest.dropFirst() }
        guard rest.hasPrefix("Q") else { return false }
        rest = rest.dropFirst()
        guard let digit = rest.first?.wholeNumberValue, 1...8 ~= digit else { return false }
        rest = rest.dropFirst()
        return rest.hasPrefix("_")
            && rest.dropFirst().allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
    }
}
