import OvationTesting
import Testing

@testable import OvationCore

@Suite("Erasures")
struct ErasureTests {
    @Test("an id is 32 hexadecimal digits in the form of a UUID, and nothing else")
    func ids() {
        let text = "8e03978e-40d5-43e8-bc93-6894a57f9324"
        #expect(ErasureID(text)?.text == text)
        for bad in [
            "", "8e03978e40d543e8bc936894a57f9324", text.uppercased(), text + "0", " " + text, String(text.dropLast()),
            "8e03978e-40d5-43e8-bc93-6894a57f932g", "8e03978e-40d543e8--bc93-6894a57f9324",
        ] { #expect(ErasureID(bad) == nil, "\(bad)") }
    }

    @Test("ids that chance gives can be read, and differ")
    func randomIDs() {
        struct Zeros: RandomNumberGenerator { func next() -> UInt64 { 0 } }
        var zeros = Zeros()
        #expect(ErasureID(using: &zeros).text == "00000000-0000-0000-0000-000000000000")
        var random = SeededGenerator(seed: 3)
        let ids = (0..<100).map { _ in ErasureID(using: &random) }
        #expect(Set(ids).count == 100 && ids.allSatisfy { ErasureID($0.text) == $0 })
    }
}
