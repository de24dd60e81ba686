/// Keeps a spreadsheet from calculating texts as formulas.
///
/// It is unknown which spreadsheet opens the file, and where it begins a cell: in many countries a semicolon separates
/// cells, and then quotes in the middle of a cell mean nothing, and each line end begins a row. So the guard is in
/// every place where a cell can begin.
///
/// Apostrophes that stand there already are counted too. So ``unguarded(_:)`` gives back each text exactly as it was.
package enum FormulaGuard {
    private static let apostrophe = UInt8(ascii: "'")

    /// With an apostrophe before each beginning of a formula; nil if there is none.
    package static func guarded(_ text: [UInt8]) -> [UInt8]? {
        var result: [UInt8] = []
        var end = 0
        for place in places(text) {
            result += text[end..<place.start]
            result.append(apostrophe)
            end = place.start
        }
        return end == 0 && result.isEmpty ? nil : result + text[end...]
    }

    /// Without the apostrophes that ``guarded(_:)`` adds; nil if there is none.
    package static func unguarded(_ text: [UInt8]) -> [UInt8]? {
        var result: [UInt8] = []
        var end = 0
        for place in places(text) where place.hasApostrophe {
            result += text[end..<place.start]
            end = place.start + 1
        }
        return end == 0 ? nil : result + text[end...]
    }

    /// Where a formula begins, with the apostrophes before it.
    private static func places(_ text: [UInt8]) -> [(start: Int, hasApostrophe: Bool)] {
        var places: [(start: Int, hasApostrophe: Bool)] = []
        var isStart = true
        var index = 0
        while index < text.count {
            let start = index
            if isStart { while index < text.count, text[index] == apostrophe { index += 1 } }
            guard index < text.count else { break }
            let byte = text[index]
            if isStart && beginsFormula(text, index) || start == 0 && (byte == 0x09 || byte == 0x0D) {
                places.append((start, index > start))
            }
            isStart = separators.contains(byte) || (isStart && index == start && isPassedOver(text, index))
            index += 1
        }
        return places
    }

    /// Comma, semicolon, tab, line feed, carriage return.
    package static let separators: [UInt8] = [0x2C, 0x3B, 0x09, 0x0A, 0x0D]

    /// Blanks and quotes, which some leave out where a cell begins.
    package static func isPassedOver(_ text: [UInt8], _ index: Int) -> Bool {
        switch text[index] {
        case UInt8(ascii: " "), UInt8(ascii: "\""): true
        // A no-break space, in its two bytes.
        case 0xC2: index + 1 < text.count && text[index + 1] == 0xA0
        case 0xA0: index > 0 && text[index - 1] == 0xC2
        default: false
        }
    }

    /// `=`, `+`, `-`, `@`, and their full-width forms, which become the same.
    package static func beginsFormula(_ text: [UInt8], _ index: Int) -> Bool {
        switch text[index] {
        case UInt8(ascii: "="), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "@"): true
        case 0xEF:
            index + 2 < text.count && text[index + 1] == 0xBC && [0x9D, 0x8B, 0x8D, 0xA0].contains(text[index + 2])
        default: false
        }
    }
}
