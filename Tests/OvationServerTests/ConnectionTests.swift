import NIOCore
import OvationCore
import OvationTesting
import Testing

@testable import OvationServer

@Suite("What a connection is allowed")
struct ConnectionTests {
    private func at(_ seconds: Int64) -> NIODeadline { .uptimeNanoseconds(1) + .seconds(seconds) }

    @Test("a reader has to take a little of what waits, in each span of time")
    func answers() {
        var limits = Limits()
        limits.answerTimeout = .seconds(60)
        var reader = SlowReader(limits: limits)
        #expect(reader.begin(waiting: 100_000, at: at(0)) == .seconds(60))
        #expect(reader.look(waiting: 100_000, at: at(59)) == .seconds(1), "not yet")
        #expect(reader.look(waiting: 100_000 - Limits.answerBytesMin, at: at(60)) == .seconds(60))
        #expect(reader.look(waiting: 100_001 - 2 * Limits.answerBytesMin, at: at(120)) == nil, "a byte too few")
    }

    @Test("a client that takes enough for more to be written may go on, however much waits then")
    func drained() {
        var reader = SlowReader(limits: Limits())
        _ = reader.begin(waiting: 70_000, at: at(0))
        reader.noteDrained()
        #expect(reader.look(waiting: 90_000, at: at(60)) != nil)
        #expect(reader.look(waiting: 90_000, at: at(120)) == nil)
    }

    @Test("readers of exports have more time, and have to take more in it")
    func streams() {
        var reader = SlowReader(limits: Limits())
        reader.stream(true)
        reader.write(300_000)
        #expect(reader.begin(waiting: 300_000, at: at(0)) == .seconds(300))
        #expect(reader.look(waiting: 300_000, at: at(60)) == .seconds(240))
        // He took as many as he has to, and as many more were written.
        reader.write(Limits.exportBytesMin)
        #expect(reader.look(waiting: 300_000, at: at(300)) == .seconds(300))
        reader.write(Limits.exportBytesMin)
        // That something drained is not enough here.
        reader.noteDrained()
        #expect(reader.look(waiting: 300_001, at: at(600)) == nil)
    }

    @Test("a key has its share of the places, and all keys together have all")
    func slots() throws {
        let slots = WorkSlots(3, share: 2, of: "things")
        func key(_ id: String) -> APIKey {
            APIKey(
                clientID: id, account: 1, name: id, role: .integration, sections: nil, keyspaces: nil, secretHash: [],
                createdAt: Fixtures.now)
        }
        var held = [try slots.take(for: key("a")), try slots.take(for: key("a"))]
        #expect(throws: Problem(.busy, "")) { try slots.take(for: key("a")) }
        held.append(try slots.take(for: key("b")))
        #expect(throws: Problem(.busy, "")) { try slots.take(for: key("c")) }
        held.removeFirst()
        held.append(try slots.take(for: key("c")))
        #expect(throws: Problem(.busy, "")) { try slots.take(for: key("a")) }
        held.removeAll()
        held = [try slots.take(for: key("a")), try slots.take(for: key("a"))]
        #expect(held.count == 2)
    }
}
