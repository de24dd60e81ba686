import Foundation
import OvationCore
import OvationWire

/// Reads a file, or standard input for `-`.
enum InputFile {
    static func read(_ path: String) throws -> Data {
        if path == "-" {
            do {
                return try FileHandle.standardInput.readToEnd() ?? Data()
            } catch {
                throw CommandFailure("Standard input cannot be read: \(error.localizedDescription)")
            }
        }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CommandFailure("\(path) cannot be read.")
        }
        return data
    }

    /// What a person wrote into a file, or into standard input.
    static func text(of data: Data, _ path: String) throws -> String {
        do {
            return try WrittenText.read(Array(data))
        } catch {
            throw CommandFailure("\(path): \(error.detail)")
        }
    }
}
