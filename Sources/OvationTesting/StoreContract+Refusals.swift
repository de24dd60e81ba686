public import OvationCore
public import Testing

/// What a store refuses whatever is asked of it, because it has no room or is closed.
extension StoreContract {
    /// Each wants a store with limits of its own.
    public static let refusals = [
        Refusal("posts when as many wait as may", of: [.post, .change, .refusedPost]) { $0.writerQueueMax = 0 },
        Refusal("posts when those that wait would be too large together", of: [.post, .change, .refusedPost]) {
            $0.writerQueueBytesMax = 10
        },
        // A flood of refused posts leaves three quarters of the queue to those that are stored.
        Refusal("refused posts beyond their quarter of the queue", of: [.refusedPost]) { $0.writerQueueMax = 3 },
        Refusal("refused posts beyond their quarter of the queue's bytes", of: [.refusedPost]) {
            $0.writerQueueBytesMax = 500
        },
        Refusal("reads when as many wait as may", of: [.read]) { $0.readerQueueMax = 0 },
    ]

    public enum Request: CaseIterable, Sendable {
        case post, change, refusedPost, read
    }

    public struct Refusal: Sendable, CustomTestStringConvertible {
        public let testDescription: String
        private let requests: [Request]
        private let narrow: @Sendable (inout Limits) -> Void

        init(_ name: String, of requests: [Request], _ narrow: @escaping @Sendable (inout Limits) -> Void) {
            testDescription = name
            self.requests = requests
            self.narrow = narrow
        }

        public func narrowing(_ limits: Limits) -> Limits {
            var limits = limits
            narrow(&limits)
            return limits
        }

        public func run(on store: any Store) async {
            await StoreContract.expect(.busy, of: store, to: requests)
        }
    }

    /// Nothing that is asked of a closed store is done.
    public static func expectClosed(_ store: any Store) async {
        await expect(.closed, of: store, to: Request.allCases)
    }

    private static func expect(_ code: StoreFailure.Code, of store: any Store, to requests: [Request]) async {
        for request in requests {
            await #expect(throws: StoreFailure(code, ""), "\(request)") {
                switch request {
                case .post:
                    _ = try await store.append(Fixtures.batch("a@b.se", times: [1], data: #"{"n":12345}"#))
                case .change: _ = try await store.change(Fixtures.lock("a@b.se"))
                case .refusedPost: _ = try await store.keep(Fixtures.refusedPost())
                case .read: _ = try await store.load()
                }
            }
        }
    }
}
