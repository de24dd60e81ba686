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
