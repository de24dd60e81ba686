import Foundation
import OvationClient
import OvationCore
import Synchronization

/// How far an import or an export is, told on standard error: as one line that changes on a terminal, and as a line
/// now and then elsewhere.
final class TransferProgress: Sendable {
    private struct State {
        var done = 0
        var total: Int?
        var events = 0
        /// Events that took no time of this run.
        var skipped = 0
        /// What was there before this run began.
        var before = 0
        var note = ""
    }

    private let state = Mutex(State())
    private let start = ContinuousClock.now
    private let isQuiet: Bool
    private let isTerminal = StandardError.isTerminal
    private let unit: String

    /// - Parameters:
    ///   - total: of whatever ``advance(to:)`` counts; nil where it is not known.
    ///   - unit: what is counted for people: lines or events.
    init(total: Int?, unit: String, isQuiet: Bool) {
        self.unit = unit
        self.isQuiet = isQuiet
        state.withLock { $0.total = total }
    }

    /// - Parameter before: what was counted before this run began.
    func expect(_ total: Int?, after before: Int = 0) {
        state.withLock {
            $0.total = total
            $0.before = before
        }
    }

    func advance(to done: Int) {
        state.withLock { $0.done = done }
    }

    func advance(by count: Int) {
        state.withLock { $0.done += count }
    }

    func count(_ events: Int, skipped: Int = 0) {
        state.withLock {
            $0.events = events
            $0.skipped = skipped
        }
    }

    func count(adding count: Int) {
        state.withLock { $0.events += count }
    }

    /// Something to say beside the figures, such as that the connection is tried again.
    func note(_ text: String) {
        state.withLock { $0.note = text }
        if !isTerminal, !isQuiet, !text.isEmpty { StandardError.writeLine(text) }
    }

    /// That a transfer broke, and is tried again.
    func note(_ failure: ClientFailure, _ seconds: Int) {
        note("\(failure.reason); trying again in \(seconds) s")
    }

    /// What is under way, beside the figures.
    func remark(_ text: String) {
        state.withLock { $0.note = text }
    }

    /// Runs some work and tells how far it is meanwhile.
    func whileShowing<Value: Sendable>(
        _ work: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        guard !isQuiet else { return try await work() }
        defer { if isTerminal { StandardError.overwrite("") } }
        return try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await work() }
            group.addTask {
                let pause: Duration = self.isTerminal ? .milliseconds(200) : .seconds(10)
                while (try? await Task.sleep(for: pause)) != nil { self.show() }
                return nil
            }
            defer { group.cancelAll() }
            while let value = try await group.next() {
                if let value { return value }
            }
            throw CancellationError()
        }
    }

    private func show() {
        let line = state.withLock { text($0) }
        if isTerminal { StandardError.overwrite(line) } else { StandardError.writeLine(line) }
    }

    private func text(_ state: State) -> String {
        let seconds = max(0.001, (ContinuousClock.now - start) / .seconds(1))
        let rate = Double(state.events - state.skipped - state.before) / seconds
        var parts: [String] = []
        if let total = state.total, total > 0 {
            let share = min(1, Double(state.done) / Double(total))
            if isTerminal {
                let filled = Int(share * 24)
                parts.append(
                    "[" + String(repeating: "#", count: filled) + String(repeating: ".", count: 24 - filled) + "]")
            }
            parts.append("\(Int(share * 100)) %")
        }
        parts.append("\(Figures.grouped(state.events)) \(unit)")
        parts.append("\(Figures.grouped(Int(rate)))/s")
        if let total = state.total, state.done > 0, state.done < total {
            let left = seconds / Double(state.done) * Double(total - state.done)
            parts.append("\(Figures.time(Int(left))) left")
        }
        if !state.note.isEmpty { parts.append(state.note) }
        return parts.joined(separator: "  ")
    }
}

/// Numbers as people read them.
enum Figures {
    /// `1,234,567`
    static func grouped(_ number: Int) -> String {
        var digits = String(number.magnitude)
        var groups: [Substring] = []
        while digits.count > 3 {
            groups.insert(Substring(digits.suffix(3)), at: 0)
            digits.removeLast(3)
        }
        return (number < 0 ? "-" : "") + ([Substring(digits)] + groups).joined(separator: ",")
    }

    /// `1 event`, `1,234 events`
    static func count(_ number: Int, of singular: String) -> String {
        "\(grouped(number)) \(singular)" + (number == 1 ? "" : "s")
    }

    /// `1:02:03` or `2:03`
    static func time(_ seconds: Int) -> String {
        func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60)
        return hours > 0 ? "\(hours):\(two(minutes)):\(two(seconds % 60))" : "\(minutes):\(two(seconds % 60))"
    }
}
