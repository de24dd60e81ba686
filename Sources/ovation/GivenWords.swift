import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// What a command was given besides files. Swift reads words that are not UTF-8 with other letters in the place of what
/// it cannot read, and a profile key or a secret would be another one.
enum GivenWords {
    /// - Throws: for an argument, or a setting in the environment, that is not UTF-8. Never shows it: it may be secret.
    static func verify() throws {
        for (index, word) in arguments.enumerated() where String(validating: word, as: UTF8.self) == nil {
            throw CommandFailure("Argument \(index) is not UTF-8. Is the terminal, or the script, in another encoding?")
        }
        for name in settings {
            guard let value = getenv(name) else { continue }
            let bytes = UnsafeRawBufferPointer(start: value, count: strlen(value))
            guard String(validating: bytes, as: UTF8.self) == nil else { continue }
            throw CommandFailure("\(name) in the environment is not UTF-8.")
        }
    }

    /// Of the server and of the client commands.
    private static var settings: [String] {
        let names = Settings.Key.allCases.map(\.variable) + ["OVATION_CLIENT_SECRET"]
        return names + names.map(SettingText.fileVariable) + ["OVATION_CONFIG", "OVATION_URL", "OVATION_CLIENT_ID"]
    }

    private static var arguments: [[UInt8]] {
        (0..<Int(CommandLine.argc)).compactMap { index in
            CommandLine.unsafeArgv[index].map { Array(UnsafeRawBufferPointer(start: $0, count: strlen($0))) }
        }
    }
}
