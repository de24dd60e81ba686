import OvationServer
import ServiceLifecycle

/// Where requests come in: at host and port, or at sockets that are handed over instead; and at a Unix socket besides.
struct Entrances: Sendable {
    let settings: Settings
    private let handed: [HandedSocket.Address]

    init(_ settings: Settings, _ handed: [HandedSocket]) {
        self.settings = settings
        self.handed = handed.map(\.address)
    }

    var areHanded: Bool { !handed.isEmpty }

    /// Listeners with requests of the main one. Each may hold as many connections as the settings say.
    var count: Int { max(1, handed.count) + (settings.unixSocket == nil ? 0 : 1) }

    /// Ports that this process takes itself, with the words for them.
    var ports: [(port: Int, option: String)] {
        (areHanded ? [] : [(settings.port, "--port")]) + (settings.adminPort.map { [($0, "--admin-port")] } ?? [])
    }

    /// Of the address that is shown.
    var host: String { firstHanded?.host ?? settings.host }

    /// Of the first one of TCP that is handed over; nil where there is none.
    var handedPort: Int? { firstHanded?.port }

    private var firstHanded: (host: String, port: Int)? {
        for case .tcp(let host, let port) in handed { return (host, port) }
        return nil
    }

    var unixSockets: [String] {
        handed.compactMap { if case .unix(let path) = $0 { path } else { nil } }
            + (settings.unixSocket.map { [$0] } ?? [])
    }
}

/// Services that begin and stop at the same time, so that one that takes its time to stop takes none from the others.
struct Together: Service {
    let services: [any Service]

    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for service in services { group.addTask { try await service.run() } }
            try await group.waitForAll()
        }
    }
}
