import Logging
import OvationCore
import Synchronization

/// What a read needs, where Citus spreads the tables.
enum ReadPlace: Sendable {
    case coordinator
    /// The node of this profile, by its founding id, and the coordinator.
    case profile(Int64)
    /// Any nodes, and the coordinator.
    case nodes
}

/// Reads on separate threads, each with a connection: a slow query never blocks a thread that handles requests, and
/// never waits for a commit. They ask the server that writes, so they see every acknowledged commit.
///
/// If the tables are spread, each node has threads of its own: those of a node that is away or frozen wait for it, and no
/// others do. What needs no node has threads of its own, too, and so has what needs several.
final class PostgresReader: Sendable {
    private struct State {
        var shards: ShardMap?
        var nodes: [Int64: ReadPool] = [:]
        var isClosed = false
    }

    private let state: SharedState
    /// On one machine, for everything.
    private let coordinator: ReadPool
    /// nil: everything is on one machine.
    private let several: ReadPool?
    private let makePool: @Sendable (LanePlace, _ pass: ReadPool.Pass?) -> ReadPool

    /// Threads of pools look at it, which do not know the reader.
    private final class SharedState: Sendable {
        let value: Mutex<State>

        init(_ state: State) { value = Mutex(state) }

        var shards: ShardMap? { value.withLock { $0.shards } }
    }

    /// - Parameter shards: nil: everything is on one machine.
    init(_ target: ConnectionTarget, shards: ShardMap?, limits: Limits, outage: Outage, logger: Logger) {
        let state = SharedState(State(shards: shards))
        let makePool = { @Sendable (place: LanePlace, pass: ReadPool.Pass?) in
            let threads = place == .any || place == .coordinator ? limits.databaseReaders : limits.nodeReaders
            return ReadPool(
                target, for: place, threads: max(threads, 1), limits: limits, outage: outage, logger: logger,
                shards: { state.shards }, pass: pass)
        }
        (self.state, self.makePool) = (state, makePool)
        coordinator = makePool(shards == nil ? .any : .coordinator, nil)
        several = shards.map { _ in makePool(.nodes, nil) }
        addPools()
    }

    /// Nodes of the store.
    private var nodes: [(node: ShardMap.Node, pool: ReadPool)] {
        state.value.withLock { state in
            (state.shards?.nodes ?? []).compactMap { node in state.nodes[node.number].map { (node, $0) } }
        }
    }

    /// Shards were moved. A pool of a node that was removed stays; nobody asks it any more.
    func note(_ shards: ShardMap) {
        state.value.withLock { $0.shards = shards }
        addPools()
    }

    private func addPools() {
        state.value.withLock { state in
            guard !state.isClosed else { return }
            for node in state.shards?.nodes ?? [] where state.nodes[node.number] == nil {
                state.nodes[node.number] = makePool(.node(node.number)) { [self] in enqueue($0, needing: $1) }
            }
        }
    }

    /// Sees every commit that was acknowledged before the call. It writes nothing, so it may run twice.
    func read<Value: Sendable>(
        _ place: ReadPlace, _ query: @escaping @Sendable (PostgresConnection) throws -> Value
    ) async throws(StoreFailure) -> Value {
        let result: Result<Value, StoreFailure> = await withUnsafeContinuation { continuation in
            read(place, query) { continuation.resume(returning: $0) }
        }
        return try result.get()
    }

    /// The same, for somebody who does not wait.
    /// - Parameter reply: called once, on the thread of the read.
    func read<Value: Sendable>(
        _ place: ReadPlace, _ query: @escaping @Sendable (PostgresConnection) throws -> Value,
        reply: @escaping @Sendable (Result<Value, StoreFailure>) -> Void
    ) {
        let read = Read(
            run: { connection in
                do {
                    reply(.success(try query(connection)))
                } catch let failure as PostgresFailure where failure.mayRunAgain {
                    return failure
                } catch let failure as PostgresFailure {
                    reply(.failure(StoreFailure(failure)))
                } catch {
                    reply(.failure(error as? StoreFailure ?? StoreFailure(.unavailable, "\(error)")))
                }
                return nil
            },
            fail: { reply(.failure($0)) })
        enqueue(read, at: place)
    }

    private func enqueue(_ read: Read, at place: ReadPlace) {
        switch place {
        case .coordinator: coordinator.enqueue(read)
        case .profile(let id):
            let pool = state.value.withLock { state in state.shards.flatMap { state.nodes[$0.node(of: id)] } }
            (pool ?? several ?? coordinator).enqueue(read)
        case .nodes: enqueue(read, needing: nil)
        }
    }

    /// - Parameter profiles: of whose nodes it reads; nil: of all nodes.
    private func enqueue(_ read: Read, needing profiles: [Int64]?) {
        let shards = state.shards
        let needed = profiles.flatMap { profiles in shards.map { shards in Set(profiles.map { shards.node(of: $0) }) } }
        let pools = nodes.filter { needed?.contains($0.node.number) ?? true }.map(\.pool)
        if let why = pools.lazy.compactMap(\.refusal).first { return read.fail(PostgresWriter.away(why)) }
        (several ?? coordinator).enqueue(read)
    }

    // MARK: Health

    /// Nodes that do not answer, by host and port, and whether none is left that does.
    var missingNodes: (names: [String], isAll: Bool) {
        let nodes = nodes
        let missing = nodes.filter(\.pool.isAway).map(\.node.name)
        return (missing, !nodes.isEmpty && missing.count == nodes.count)
    }

    /// Bytes of the databases on the nodes, when they last answered.
    var bytesOnNodes: Int64 { nodes.reduce(0) { $0 + $1.pool.bytesOnDisk } }

    /// Ends when the reads under way have ended; waiting reads are refused. Blocks.
    func close() {
        let nodes = state.value.withLock { state in
            state.isClosed = true
            return Array(state.nodes.values)
        }
        for pool in nodes + [several].compactMap({ $0 }) + [coordinator] { pool.close() }
    }
}

extension PostgresFailure {
    fileprivate var mayRunAgain: Bool { isConnectionLost || isWorthRepeating || isNodeAway || isOfOtherNodes }
}
