import Foundation

/// Settings as people and files write them: with a line end after a secret that `echo` or an editor put there, with a byte
/// order mark, or with nothing at all where a variable was set to nothing.
enum SettingText {
    /// Without blanks, line ends and byte order marks at its ends.
    static func trimmed(_ text: String) -> String {
        let isOuter = { (scalar: Unicode.Scalar) in scalar.properties.isWhitespace || scalar == "\u{FEFF}" }
        let scalars = text.unicodeScalars
        guard let first = scalars.firstIndex(where: { !isOuter($0) }),
            let last = scalars.lastIndex(where: { !isOuter($0) })
        else { return "" }
        return String(scalars[first...last])
    }

    /// - Returns: nil for one that says nothing.
    /// - Throws: for what nobody can have meant, by its name and without what it is.
    static func cleaned(_ text: String?, _ name: String) throws -> String? {
        guard let text = text.map(trimmed), !text.isEmpty else { return nil }
        let isInvisible = text.unicodeScalars.contains {
            $0.properties.generalCategory == .control || $0 == "\u{FEFF}"
        }
        guard !isInvisible else {
            throw CommandFailure("\(name) has a line end or another character in it that is not seen. Remove it.")
        }
        return text
    }

    /// A client id or a client secret.
    static func credential(_ text: String?, _ name: String) throws -> String? {
        guard let text = try cleaned(text, name) else { return nil }
        guard
            !text.unicodeScalars.contains(where: {
                $0.properties.isWhitespace || $0.properties.generalCategory == .format
            })
        else { throw CommandFailure("\(name) has a blank or an invisible character in it. Remove it.") }
        return text
    }

    /// What was typed for a flag: that of an unset variable is a mistake, and not the default.
    static func flag(_ text: String?, _ name: String) throws -> String? {
        guard let text else { return nil }
        guard let value = try cleaned(text, name) else {
            throw CommandFailure("\(name) is empty. Give a value, or leave it out.")
        }
        return value
    }

    /// Variables that are set to something.
    static func environment() -> [String: String] {
        ProcessInfo.processInfo.environment.compactMapValues { value in
            let value = trimmed(value)
            return value.isEmpty ? nil : value
        }
    }

    /// A setting of the environment that can hold a secret: the variable, or the text of the file that the variable with
    /// `_FILE` at its end names. Orchestrators hand over secrets as files, which no list of processes shows.
    static func secret(_ name: String) throws -> String? {
        let (environment, fileName) = (environment(), fileVariable(name))
        guard let path = environment[fileName] else { return environment[name] }
        guard environment[name] == nil else {
            throw CommandFailure("\(name) and \(fileName) are both set. Unset one of them.")
        }
        let data: Data?
        do {
            let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: try self.path(path, fileName)))
            data = try file.read(upToCount: secretBytesMax + 1)
        } catch {
            throw CommandFailure(
                "\(fileName) names \(path), which cannot be read. Is the path right, and may you read it?")
        }
        guard let data, data.count <= secretBytesMax else {
            throw CommandFailure("\(fileName) names \(path), which is empty or larger than a secret.")
        }
        let text = trimmed(try InputFile.text(of: data, "\(path) (\(fileName))"))
        guard !text.isEmpty else { throw CommandFailure("\(fileName) names \(path), which is empty.") }
        return text
    }

    static func fileVariable(_ name: String) -> String { name + "_FILE" }

    /// No secret and no connection string is longer; a path by mistake may lead to a file without an end.
    private static let secretBytesMax = 64 * 1024

    /// The path of a file. A shell puts the home folder in place of `~` only at the beginning of a word.
    static func path(_ text: String, _ name: String) throws -> String {
        guard text.hasPrefix("~") else { return text }
        guard text == "~" || text.hasPrefix("~/"), let home = environment()["HOME"] else {
            throw CommandFailure(
                "\(name) begins with '~', but the home folder is unknown. Write the whole path.")
        }
        return home + text.dropFirst()
    }
}
