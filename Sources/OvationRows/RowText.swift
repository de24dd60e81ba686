import Foundation
package import OvationCore

/// Values as the text of a column: JSON, with its keys in order, so that equal values are equal texts.
package enum RowText {
    package static func text(of value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    /// - Throws: `unusable` if a newer version, or another program, wrote the row.
    package static func value<Value: Decodable>(_ type: Value.Type, of text: String) throws(StoreFailure) -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(text.utf8))
        } catch {
            throw StoreFailure(.unusable, "this version cannot read a row: \(error)")
        }
    }
}
