import Foundation
package import OvationCore

/// The texts that rejections are grouped and filtered by, as columns beside the refused post.
package enum RejectionText {
    /// Words between spaces, so that one of them is found by ` word `. They have no spaces: codes and discriminators.
    package static func text(of words: [String]) -> String {
        words.isEmpty ? "" : " " + words.map { $0.isEmpty ? none : $0 }.joined(separator: " ") + " "
    }

    package static func words(of text: String) -> [String] {
        text.split(separator: " ").map { $0 == none ? "" : String($0) }
    }

    /// The pattern to look for in such a text. nil: no text contains it, as it cannot be a word.
    package static func searched(_ word: String) -> String {
        word.contains(" ") || word == none ? "\u{1}" : " \(word) "
    }

    /// Stands for an unknown event type; it is not a discriminator.
    private static let none = "-"

    /// Runs of ids: `65-67 129`.
    package static func text(of runs: [ClosedRange<Int64>]) -> String {
        runs.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
            .joined(separator: " ")
    }

    package static func runs(of text: String) -> [ClosedRange<Int64>] {
        text.split(separator: " ").compactMap { run in
            let ends = run.split(separator: "-").compactMap { Int64($0) }
            guard let first = ends.first, let last = ends.last, first <= last else { return nil }
            return first...last
        }
    }

    /// The event types of a refused post that was kept before they were stored, read from its body.
    package static func eventTypes(
        of errors: [ItemError], body: [UInt8], in catalogue: Catalogue?, section: Int64
    ) -> [String] {
        guard let catalogue else { return [] }
        // A body that cannot be read has no items that an error could be about.
        let object = errors.contains { $0.index != nil } ? try? JSONSerialization.jsonObject(with: Data(body)) : nil
        let items = (object as? [String: Any])?["items"] as? [Any] ?? []
        return RefusedPost.eventTypes(of: errors, in: catalogue, section: section) { index in
            guard items.indices.contains(index), let version = (items[index] as? [String: Any])?["version_id"] else {
                return nil
            }
            return (version as? String).flatMap { Int64($0) } ?? version as? Int64
        }
    }
}

extension [ClosedRange<Int64>] {
    /// Adds an id, which must be higher than all before it.
    package mutating func append(id: Int64) {
        if let last, last.upperBound == id - 1 {
            self[count - 1] = last.lowerBound...id
        } else {
            append(id...id)
        }
    }
}

/// The stored form of a rejection's cause.
package struct RejectionMarks: Sendable {
    package let cause: String
    package let itemCodes: String
    package let eventTypes: String

    package init(_ post: RefusedPost) {
        cause = post.cause.id.rawValue
        itemCodes = RejectionText.text(of: post.itemCodes.map(\.rawValue))
        eventTypes = RejectionText.text(of: post.eventTypes)
    }
}
