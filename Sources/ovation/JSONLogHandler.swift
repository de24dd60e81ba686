import Logging
import OvationCore
import OvationServer
import OvationWire

/// How the log is written.
enum LogFormat: String {
    case text
    /// For programs that collect logs.
    case json
}

/// Writes each entry of the log as one JSON object in one line, on standard error: `time`, `level`, `message`, and a
/// member for each value of the metadata.
struct JSONLogHandler: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info

    subscript(metadataKey key: String) -> Logger.MetadataValue? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let metadata = metadata.merging(event.metadata ?? [:]) { $1 }
        StandardError.write(jsonLine: JSONLogHandler.line(event, metadata, at: WallClock.system.now()))
    }

    private static func line(_ event: LogEvent, _ metadata: Logger.Metadata, at time: Timestamp) -> JSONValue {
        var members = [
            JSONValue.Member("time", .string(time.rfc3339)), .init("level", .string(event.level.rawValue)),
            .init("message", .string(event.message.description)),
        ]
        if let error = event.error { members.append(.init("error", .string("\(error)"))) }
        let taken = Set(members.map(\.name))
        // A reader may take the first or the last of two members with one name.
        for (name, value) in metadata.sorted(by: { $0.key < $1.key }) where !taken.contains(name) {
            members.append(.init(name, json(value)))
        }
        return .object(members)
    }

    private static func json(_ value: Logger.MetadataValue) -> JSONValue {
        switch value {
        case .string(let text): .string(text)
        case .stringConvertible(let value): .string(value.description)
        case .array(let values): .array(values.map(json))
        case .dictionary(let members):
            .object(members.sorted { $0.key < $1.key }.map { JSONValue.Member($0.key, json($0.value)) })
        }
    }
}
