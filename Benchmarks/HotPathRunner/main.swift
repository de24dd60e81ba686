// Runs one part of the hot path a number of times, for a program that counts instructions: see Scripts/instructions.
//
//   hot-path operations                          prints their names
//   hot-path credentials                         prints a new signing key with a token, for the file below
//   hot-path run OPERATION COUNT FILE FOLDER     does the work and prints a sum over its results

import Dispatch
import Foundation
import HotPath

/// The program waits for its one task like this and not by `await`: an asynchronous main parks its first thread in a
/// way that valgrind 3.19 does not survive.
func wait(for work: @escaping @Sendable () async throws -> String) {
    let done = DispatchSemaphore(value: 0)
    // Detached, since a task of the main actor would wait for the thread that waits for it.
    Task.detached {
        do {
            print(try await work())
        } catch {
            print(error)
            exit(1)
        }
        done.signal()
    }
    done.wait()
}

let words = Array(CommandLine.arguments.dropFirst())
switch words.first {
case "operations" where words.count == 1:
    for operation in Operation.allCases { print(operation.rawValue) }
case "credentials" where words.count == 1:
    wait { try await Credentials().text }
case "run" where words.count == 5:
    guard let operation = Operation(rawValue: words[1]), let count = Int(words[2]),
        let credentials = Credentials(text: try String(contentsOfFile: words[3], encoding: .utf8))
    else { fatalError("not an operation, a number and a file of credentials: \(words)") }
    let folder = words[4]
    wait { String(try await operation.run(count, with: credentials, in: folder)) }
default:
    fatalError("usage: hot-path operations | credentials | run OPERATION COUNT FILE FOLDER")
}
