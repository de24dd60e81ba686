import CCurl
import Dispatch
import Synchronization

/// The thread that moves the bytes of all transfers. libcurl is called there and nowhere else, but to wake it.
final class TransferThread: Sendable {
    enum Order: Sendable {
        case start(Transfer)
        /// Its reader has room again.
        case goOn(Transfer)
        case stop(Transfer)
        /// Ends the thread, and all transfers with it.
        case end
    }

    /// libcurl's handle is used on this thread alone, but for waking it, which it allows from any.
    private struct Multi: @unchecked Sendable { let handle: UnsafeMutableRawPointer }

    private struct Desk {
        var orders: [Order] = []
        var isClosed = false
        /// Who waits for the thread's end.
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let desk = Mutex(Desk())
    private let multi: Multi
    private let trusted: String?
    private let connectTimeout: Duration
    private let idleTimeout: Duration

    init(trusting trusted: String?, connectTimeout: Duration, idleTimeout: Duration) {
        self.trusted = trusted
        self.connectTimeout = connectTimeout
        self.idleTimeout = idleTimeout
        // Neither can fail where there is memory.
        curl_global_init(Int(CURL_GLOBAL_DEFAULT))
        multi = Multi(handle: curl_multi_init())
        DispatchQueue(label: "connections").async { self.run() }
    }

    func give(_ order: Order) {
        let isLate = desk.withLock { desk in
            guard !desk.isClosed else { return true }
            desk.orders.append(order)
            curl_multi_wakeup(multi.handle)
            return false
        }
        if isLate, case .start(let transfer) = order { transfer.finish(.failure(CancellationError())) }
    }

    /// Returns when the thread has ended, so that nothing is under way when the process ends.
    func end() async {
        give(.end)
        await withCheckedContinuation { continuation in
            let isClosed = desk.withLock { desk in
                if !desk.isClosed { desk.waiters.append(continuation) }
                return desk.isClosed
            }
            if isClosed { continuation.resume() }
        }
    }

    private func run() {
        ccurl_block_sigpipe()
        var handles: [ObjectIdentifier: CurlHandle] = [:]
        while obey(&handles) {
            var left: CInt = 0
            curl_multi_perform(multi.handle, &left)
            end(&handles)
            for handle in handles.values { handle.transfer.tell() }
            wait(for: handles)
            // A source that waits is asked again. What wakes the thread does not say reliably whether a pipe was closed.
            for handle in handles.values where handle.transfer.awaited != nil { handle.goOn() }
        }
        for handle in handles.values { remove(handle, .failure(CancellationError())) }
        handles = [:]
        let left = desk.withLock { desk in
            defer { desk = Desk(isClosed: true) }
            curl_multi_cleanup(multi.handle)
            return desk
        }
        for case .start(let transfer) in left.orders { transfer.finish(.failure(CancellationError())) }
        for waiter in left.waiters { waiter.resume() }
    }

    /// - Returns: false at the end.
    private func obey(_ handles: inout [ObjectIdentifier: CurlHandle]) -> Bool {
        let orders = desk.withLock { desk in
            defer { desk.orders = [] }
            return desk.orders
        }
        for order in orders {
            switch order {
            case .start(let transfer):
                do throws(ConnectionFailure) {
                    let handle = try CurlHandle(transfer, trusting: trusted, connectTimeout: connectTimeout)
                    handles[ObjectIdentifier(transfer)] = handle
                    curl_multi_add_handle(multi.handle, handle.easy)
                } catch {
                    transfer.finish(.failure(error))
                }
            case .goOn(let transfer): handles[ObjectIdentifier(transfer)]?.goOn()
            case .stop(let transfer):
                guard let handle = handles.removeValue(forKey: ObjectIdentifier(transfer)) else { break }
                remove(handle, .failure(CancellationError()))
            case .end: return false
            }
        }
        return true
    }

    private func remove(_ handle: CurlHandle, _ result: Result<Void, any Error>) {
        curl_multi_remove_handle(multi.handle, handle.easy)
        handle.transfer.finish(result)
    }

    /// Takes away what came to its end, and what takes too long.
    private func end(_ handles: inout [ObjectIdentifier: CurlHandle]) {
        var code = CURLE_OK
        while let easy = ccurl_ended(multi.handle, &code) {
            guard let (key, handle) = handles.first(where: { $0.value.easy == easy }) else { continue }
            handles[key] = nil
            remove(handle, handle.result(code))
        }
        let now = ContinuousClock.now
        for (key, handle) in handles {
            guard let failure = handle.transfer.overtime(at: now, idle: idleTimeout) else { continue }
            handles[key] = nil
            remove(handle, .failure(failure))
        }
    }

    private func wait(for handles: [ObjectIdentifier: CurlHandle]) {
        var awaited = handles.values.compactMap { handle in
            handle.transfer.awaited.map { curl_waitfd(fd: $0, events: Int16(CURL_WAIT_POLLIN), revents: 0) }
        }
        // Clocks are looked at each second.
        let timeout: CInt = handles.isEmpty ? .max : 1000
        curl_multi_poll(multi.handle, &awaited, CUnsignedInt(awaited.count), timeout, nil)
    }
}
