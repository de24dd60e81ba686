import OvationCore
import OvationRows
import Testing

@testable import OvationPostgres

/// The pool by itself: no database, no thread, and time is a number.
@Suite("ConnectionPool")
struct ConnectionPoolTests {
    private static let start = ContinuousClock.now
    private var pool = ConnectionPool<Int>(slots: 2, waitingMax: 3, patience: .seconds(2))

    private func at(_ milliseconds: Int) -> ContinuousClock.Instant {
        Self.start.advanced(by: .milliseconds(milliseconds))
    }

    /// Both slots connected and asleep.
    private static func ready() -> ConnectionPoolTests {
        var tests = ConnectionPoolTests()
        for slot in 0...1 {
            #expect(tests.pool.next(for: slot, at: tests.at(0)) == .connect)
            tests.pool.didConnect(slot)
            #expect(tests.pool.next(for: slot, at: tests.at(0)) == .sleep(until: nil))
        }
        return tests
    }

    @Test("work is leased to a slot that sleeps, in the order in which it came")
    func leases() {
        var tests = Self.ready()
        #expect(tests.pool.offer(1, at: at(0)) == nil)
        #expect(tests.pool.offer(2, at: at(0)) == nil)
        guard let first = tests.pool.wakeOne(), let second = tests.pool.wakeOne() else {
            Issue.record("both slots could take something")
            return
        }
        #expect(first != second)
        #expect(tests.pool.wakeOne() == nil)
        #expect(tests.pool.next(for: first, at: at(1)) == .work)
        #expect(tests.pool.takeFirst() == 1)
        #expect(tests.pool.next(for: second, at: at(1)) == .work)
        #expect(tests.pool.takeFirst() == 2)
        #expect(tests.pool.next(for: first, at: at(2)) == .sleep(until: nil))
    }

    @Test("a slot takes as much as its owner wants")
    func takesMany() {
        var tests = Self.ready()
        for number in 1...3 { _ = tests.pool.offer(number, at: at(0)) }
        #expect(tests.pool.next(for: 0, at: at(0)) == .work)
        #expect(tests.pool.take { $0 < 3 ? .take : .end } == [1, 2])
        #expect(tests.pool.take { _ in .take } == [3])
        #expect(tests.pool.takeFirst() == nil)
    }

    @Test("what waits is bounded, and what comes then is refused at once")
    func isBounded() {
        var tests = Self.ready()
        for number in 1...3 { #expect(tests.pool.offer(number, at: at(0)) == nil) }
        #expect(tests.pool.offer(4, at: at(0)) == .busy)
        #expect(tests.pool.next(for: 0, at: at(0)) == .work)
        #expect(tests.pool.takeFirst() == 1)
        #expect(tests.pool.offer(4, at: at(0)) == nil)
    }

    @Test("a broken connection is made again at once, and then after times that double up to two seconds")
    func backsOff() {
        var tests = Self.ready()
        var now = 0
        tests.pool.didFail(0, why: "gone", at: at(now), spread: 0.5)
        var waits: [Int] = []
        for _ in 0..<9 {
            while tests.pool.next(for: 0, at: at(now)) != .connect { now += 1 }
            tests.pool.didFail(0, why: "gone", at: at(now), spread: 0.5)
            guard case .sleep(let until?) = tests.pool.next(for: 0, at: at(now)) else { continue }
            waits.append(Int((until - at(now)) / .milliseconds(1)))
        }
        #expect(waits == [50, 100, 200, 400, 800, 1600, 2000, 2000, 2000])
    }

    @Test("many that lost one database spread their times")
    func spreads() {
        #expect(ConnectionPool<Int>.backOff(after: 3, spread: 0) == .milliseconds(150))
        #expect(ConnectionPool<Int>.backOff(after: 3, spread: 1) == .milliseconds(250))
        #expect(ConnectionPool<Int>.backOff(after: 0, spread: 1) == .zero)
    }

    @Test("while one connection stands, the pool is not away and work goes on")
    func survivesOne() {
        var tests = Self.ready()
        #expect(tests.pool.didFail(0, why: "gone", at: at(0), spread: 0.5) == false)
        #expect(!tests.pool.isAway)
        #expect(tests.pool.offer(1, at: at(5000)) == nil)
        #expect(tests.pool.wakeOne() == 1)
        #expect(tests.pool.didConnect(0) == false, "it never was away")
    }

    @Test("without any connection work waits for a while and is then given up, and what comes later is refused at once")
    func givesUp() {
        var tests = Self.ready()
        _ = tests.pool.offer(1, at: at(-9000))
        tests.pool.didFail(0, why: "first", at: at(0), spread: 0.5)
        #expect(tests.pool.didFail(1, why: "second", at: at(10), spread: 0.5) == true)
        #expect(tests.pool.isAway)
        #expect(tests.pool.wakeOne() == nil)
        #expect(tests.pool.offer(2, at: at(1000)) == nil)
        // What came before the connection went has waited since it went.
        #expect(tests.pool.takeExpired(at: at(2009)) == [])
        #expect(tests.pool.takeExpired(at: at(2010)) == [1])
        #expect(tests.pool.offer(3, at: at(2011)) == .away("second"))
        #expect(tests.pool.takeExpired(at: at(3000)) == [2])
        while tests.pool.next(for: 1, at: at(9000)) != .connect {}
        #expect(tests.pool.didConnect(1) == true, "it was away until now")
        #expect(tests.pool.offer(3, at: at(9000)) == nil)
        #expect(tests.pool.next(for: 1, at: at(9000)) == .work)
    }

    @Test("what is suspected is away though its connections look well, until one is made anew")
    func isSuspected() {
        var tests = Self.ready()
        // One works, the other sleeps.
        _ = tests.pool.offer(1, at: at(0))
        let working = tests.pool.wakeOne() ?? 0
        let sleeping = 1 - working
        #expect(tests.pool.next(for: working, at: at(0)) == .work && tests.pool.takeFirst() == 1)
        _ = tests.pool.offer(2, at: at(0))
        #expect(tests.pool.suspect(why: "frozen", at: at(10)) == [sleeping])
        #expect(tests.pool.suspect(why: "again", at: at(11)) == [], "it is away already")
        #expect(tests.pool.isAway && tests.pool.refusal(at: at(2009)) == nil)
        #expect(tests.pool.takeExpired(at: at(2010)) == [2])
        #expect(tests.pool.offer(3, at: at(2010)) == .away("frozen") && tests.pool.refusal(at: at(2010)) == "frozen")
        // Neither takes work before it is connected anew, and then both do.
        #expect(tests.pool.next(for: sleeping, at: at(2011)) == .connect)
        #expect(tests.pool.next(for: working, at: at(2012)) == .connect)
        #expect(tests.pool.didConnect(sleeping) == true)
        #expect(tests.pool.offer(4, at: at(2013)) == nil)
        #expect(tests.pool.next(for: sleeping, at: at(2013)) == .work)
        tests.pool.didConnect(working)
        #expect(tests.pool.next(for: working, at: at(2014)) == .work)
    }

    @Test("when somebody else has a connection again, it is tried at once, and what comes meanwhile may wait")
    func hurries() {
        var tests = Self.ready()
        for _ in 0..<8 {
            tests.pool.didFail(0, why: "gone", at: at(0), spread: 0.5)
            tests.pool.didFail(1, why: "gone", at: at(0), spread: 0.5)
            _ = tests.pool.next(for: 0, at: at(0))
        }
        _ = tests.pool.didFail(0, why: "gone", at: at(5000), spread: 0.5)
        #expect(tests.pool.next(for: 0, at: at(5000)) != .connect)
        #expect(tests.pool.offer(1, at: at(5000)) == .away("gone"))
        #expect(tests.pool.hurry(at: at(5001)).contains(0))
        #expect(tests.pool.next(for: 0, at: at(5001)) == .connect)
        #expect(tests.pool.offer(1, at: at(5001)) == nil)
        #expect(tests.pool.takeExpired(at: at(7000)) == [])
        #expect(tests.pool.takeExpired(at: at(7001)) == [1])
    }

    @Test("after it was closed nothing comes in, what waits is done, and the threads end")
    func closes() {
        var tests = Self.ready()
        _ = tests.pool.offer(1, at: at(0))
        tests.pool.close()
        #expect(tests.pool.offer(2, at: at(0)) == .closed)
        #expect(tests.pool.next(for: 0, at: at(0)) == .work)
        #expect(tests.pool.takeFirst() == 1)
        #expect(tests.pool.next(for: 0, at: at(0)) == .end)
        #expect(tests.pool.next(for: 1, at: at(0)) == .end)
        var broken = Self.ready()
        _ = broken.pool.offer(1, at: at(0))
        broken.pool.didFail(0, why: "gone", at: at(0), spread: 0.5)
        broken.pool.close()
        #expect(broken.pool.next(for: 0, at: at(0)) == .end)
        #expect(broken.pool.takeAll() == [1])
    }
}

@Suite("Values on their way to PostgreSQL")
struct ArgumentsTests {
    @Test("numbers, texts and lists have PostgreSQL's binary form")
    func encodes() {
        var arguments = Arguments()
        arguments.add(Int64(-2))
        arguments.add("å")
        arguments.add(nil as Int64?)
        arguments.add([Int64(1)])
        arguments.add([] as [String])
        arguments.add(true)
        arguments.add([] as [UInt8])
        let values = arguments.values.map { range in range.map { Array(arguments.bytes[$0]) } }
        #expect(values[0] == [255, 255, 255, 255, 255, 255, 255, 254])
        #expect(values[1] == [0xC3, 0xA5])
        #expect(values[2] == nil)
        #expect(
            values[3] == [
                0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 20, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 1,
            ])
        #expect(values[4] == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 25])
        #expect(values[5] == [1])
        #expect(values[6] == [])
    }

    @Test("the end of a range of keys comes right after all that begin so")
    func endsRange() {
        #expect("a".firstNotBeginningSo == "b")
        #expect("a\u{10FFFF}".firstNotBeginningSo == "b")
        #expect("\u{D7FF}".firstNotBeginningSo == "\u{E000}")
        #expect("\u{10FFFF}".firstNotBeginningSo == nil)
        #expect("".firstNotBeginningSo == nil)
    }

    @Test(
        "a connection string is shown without its password",
        arguments: [
            ("postgres://me:s3cret@db:5433/events?sslmode=require", "postgres://me@db:5433/events"),
            ("host=db password=s3cret dbname=events user=me", "postgres://me@db/events"),
            ("postgresql://me:s3cret@one:1,two:2/events", "postgres://me@one:1,two:2/events"),
            ("service=ovation password=s3cret", "postgres:///?service=ovation"),
        ])
    func hidesPassword(text: String, shown: String) throws {
        let target = try ConnectionTarget(text)
        #expect("\(target)" == shown)
        #expect(target.value(of: "password") == "s3cret")
        #expect(target.value(of: "client_encoding") == "UTF8")
    }

    @Test("a machine that confirms nothing is given up after three seconds, unless the operator says otherwise")
    func givesUpSilentMachines() throws {
        #expect(try ConnectionTarget("host=a").value(of: "tcp_user_timeout") == "3000")
        #expect(try ConnectionTarget("host=a tcp_user_timeout=60000").value(of: "tcp_user_timeout") == "60000")
    }

    @Test("of several hosts the one that takes writes is meant, unless the operator says otherwise")
    func picksPrimary() throws {
        #expect(try ConnectionTarget("host=a,b").value(of: "target_session_attrs") == "read-write")
        #expect(try ConnectionTarget("host=a,b target_session_attrs=any").value(of: "target_session_attrs") == "any")
        #expect(try ConnectionTarget("host=a").value(of: "target_session_attrs") == nil)
    }

    @Test("what cannot be read is not repeated, since it may hold a password")
    func refusesText() {
        for text in ["postgres://me:s3cret@db/events?pass=s3cret", "host=db s3cret", "postgres://me:s3%zzcret@db/x"] {
            do throws(StoreFailure) {
                _ = try ConnectionTarget(text)
                Issue.record("\(text) is no connection string")
            } catch {
                #expect(error.code == .unusable && !error.message.contains("cret@") && !error.message.contains("s3"))
            }
        }
    }
}
