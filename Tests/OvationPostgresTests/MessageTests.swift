import OvationCore
import OvationRows
import Testing

@testable import OvationPostgres

@Suite("What is said of the database")
struct MessageTests {
    @Test("what lasts is said at first, when its reason changes, and after times that double")
    func isSparse() {
        let start = ContinuousClock.now
        var notice = SparseNotice()
        var said: [Int] = []
        // Twice a second, for half a minute.
        for half in 0..<60 where notice.isDue("nobody is there", at: start.advanced(by: .milliseconds(500 * half))) {
            said.append(half)
        }
        #expect(said == [0, 2, 6, 14, 30])
        let later = start.advanced(by: .seconds(31))
        let answers = [
            ("another reason", 0), ("another reason", 999), ("another reason", 1000), ("nobody is there", 1000),
        ].map { reason, after in notice.isDue(reason, at: later.advanced(by: .milliseconds(after))) }
        #expect(answers == [true, false, true, true])
        // Once it is long over, another one is told of as the first was.
        let another = later.advanced(by: .seconds(600))
        #expect(
            [0, 999, 1000, 2999, 3000].map {
                notice.isDue("nobody is there", at: another.advanced(by: .milliseconds($0)))
            }
                == [true, false, true, false, true])
    }

    @Test("what libpq says in several lines becomes one, without its questions")
    func isOneLine() {
        let text = """
            connection to server at "a", port 1 failed: Connection refused
            \tIs the server running on that host and accepting TCP/IP connections?
            connection to server at "b", port 2 failed: FATAL:  the database system is starting up

            """
        #expect(
            PostgresConnection.oneLine(text)
                == #"connection to server at "a", port 1 failed: Connection refused; "#
                + #"connection to server at "b", port 2 failed: FATAL:  the database system is starting up"#)
    }

    @Test(
        "the troubles of all addresses are found, and none in what a statement was refused with",
        arguments: [
            (
                PostgresFailure(
                    connection: #"server at "a" failed: Connection refused; server at "b" failed: session is read-only"#
                ),
                [.onlyReads, .nobodyListens]
            ),
            (PostgresFailure(connection: "FATAL:  the database system is starting up"), [.startingOrStopping]),
            (
                PostgresFailure(connection: #"connection to server on socket "/x" failed: No such file or directory"#),
                [.nobodyListens]
            ),
            (PostgresFailure(connection: "das Datenbanksystem startet"), []),
            (PostgresFailure(state: "XX000", message: "Connection refused"), []),
        ] as [(PostgresFailure, [ConnectionTrouble])])
    func troubles(failure: PostgresFailure, expected: [ConnectionTrouble]) {
        #expect(failure.troubles == expected)
    }

    @Test(
        "a failure comes with what to do about it, by its code or by the words of a connection that was not made",
        arguments: [
            (PostgresFailure(state: "53100", message: "no room"), "53100: no room; the disk"),
            (PostgresFailure(connection: "FATAL:  sorry, too many clients already"), "raise max_connections"),
            (PostgresFailure(connection: #"FATAL:  password authentication failed for user "a""#), "passfile"),
            (PostgresFailure(state: "XX000", message: "password authentication failed"), "XX000: password"),
        ])
    func advises(failure: PostgresFailure, expected: String) {
        #expect(failure.advised.contains(expected))
        #expect(StoreFailure(failure).message == failure.advised)
        #expect(failure.state != "XX000" || failure.advised == failure.description)
    }
}
