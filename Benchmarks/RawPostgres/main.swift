// The floors and ceilings of a store in PostgreSQL, for the benchmark: what the same database does with the same rows
// when a small program of libpq asks, with nothing in between.
//
//   raw-postgres unnest TARGET SESSIONS ROWS SECONDS PROFILES    ROWS events in each statement and commit
//   raw-postgres single TARGET SESSIONS SECONDS PROFILES         one event in each
//   raw-postgres newest TARGET SESSIONS SECONDS                  newest fifty of a profile that the store has
//
// TARGET is a connection string to a database in which the server has made its tables. Rows go to a table of their own,
// `raw.event`, which is made like the store's. The last line is `RESULT RATE MEDIAN P99`: steps a second, milliseconds.

import Foundation

let arguments = Array(CommandLine.arguments.dropFirst())
let work = arguments.first.flatMap { Work(rawValue: $0) }
let numbers = arguments.dropFirst(2).compactMap { Double($0) }
guard let work, numbers.count == arguments.count - 2, numbers.allSatisfy({ $0 > 0 }),
    numbers.count == (work == .unnest ? 4 : work == .single ? 3 : 2)
else {
    print("usage: raw-postgres unnest TARGET SESSIONS ROWS SECONDS PROFILES")
    print("       raw-postgres single TARGET SESSIONS SECONDS PROFILES")
    print("       raw-postgres newest TARGET SESSIONS SECONDS")
    exit(2)
}
let assignment = Assignment(
    work: work, target: arguments[1], sessions: Int(numbers[0]), rows: work == .unnest ? Int(numbers[1]) : 1,
    seconds: numbers[work == .unnest ? 2 : 1], profiles: work == .newest ? 1 : Int64(numbers[numbers.count - 1]))
let (milliseconds, seconds) = assignment.run()
let sorted = milliseconds.sorted()
guard !sorted.isEmpty else { fail("no step was done") }
func at(_ share: Double) -> Double { sorted[min(Int(Double(sorted.count) * share), sorted.count - 1)] }
print("RESULT \(Double(sorted.count) / seconds) \(at(0.5)) \(at(0.99))")
