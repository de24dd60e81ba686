import OvationCore

/// What both ceilings are asked to do: the posts of the benchmark, as rows.
struct Load: Sendable {
    let file: String
    /// Posts that wait at once, as connections do.
    let posters: Int
    let items: Int
    let duration: Duration
    let profiles: UInt64

    /// The article's event, as the server stores it.
    static let data = Array(
        """
        {"myNumberField":27183,"myNumberWithDecimalField":213.21,"myTextField":"some transaction",\
        "myTrueFalseField":false,"source":"some web shop"}
        """.utf8)
    static let version: EventVersion.ID = 2_565_266
    /// 2025-01-01, from which the times of events spread over a year.
    static let firstTime: Int64 = 1_735_689_600_000
    static let year: UInt64 = 365 * 86_400_000
}

/// How many posts there were, and how long each waited for its commit.
struct Figures: Sendable {
    private let sorted: [Float]
    let rate: Double

    /// - Parameter milliseconds: of each post.
    init(milliseconds: [Float], elapsed: Duration) {
        sorted = milliseconds.sorted()
        rate = Double(milliseconds.count) / (elapsed / .seconds(1))
    }

    func milliseconds(at share: Double) -> Float {
        guard !sorted.isEmpty else { return 0 }
        return sorted[min(Int(Double(sorted.count) * share), sorted.count - 1)]
    }
}

/// SplitMix64: cheap enough to vanish beside what is measured, and the same posts in each run.
struct Dice: RandomNumberGenerator {
    private var state: UInt64

    init(seed: Int) {
        state = UInt64(seed) &* 0xD134_2543_DE82_EF95
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return Dice.mixed(state)
    }

    static func mixed(_ value: UInt64) -> UInt64 {
        var word = value
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}
