// The ceilings below the HTTP server, for the benchmark: how fast the store takes the same rows without HTTP, and how
// fast SQLite appends them to a table that has nothing else to keep.
//
//   raw-store store       FILE POSTERS ITEMS SECONDS [PROFILES]     the store, from POSTERS tasks at once
//   raw-store append-only FILE POSTERS ITEMS SECONDS [PROFILES]     one plain table, POSTERS posts in each transaction
//
// FILE is made and must not be there yet. The last line is `RESULT RATE MEDIAN P99`: posts a second, milliseconds.

import Foundation

let arguments = Array(CommandLine.arguments.dropFirst())
guard arguments.count >= 5, ["store", "append-only"].contains(arguments[0]), let posters = Int(arguments[2]),
    let items = Int(arguments[3]),
    let seconds = Double(arguments[4]), posters > 0, items > 0, seconds > 0,
    !FileManager.default.fileExists(atPath: arguments[1])
else {
    print("usage: raw-store store|append-only NEW-FILE POSTERS ITEMS SECONDS [PROFILES]")
    exit(2)
}
let load = Load(
    file: arguments[1], posters: posters, items: items, duration: .seconds(seconds),
    profiles: arguments.dropFirst(5).first.flatMap { UInt64($0) } ?? 1_000_000)
let figures =
    if arguments[0] == "store" {
        try await load.runStore()
    } else {
        try load.runAppendOnly()
    }
print("RESULT \(figures.rate) \(figures.milliseconds(at: 0.5)) \(figures.milliseconds(at: 0.99))")
