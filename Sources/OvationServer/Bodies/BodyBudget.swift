import OvationCore
import Synchronization

extension Limits {
    /// ``bodiesBytesMax``, or the memory of one body of the largest size: a buffer has up to twice the size of its
    /// content.
    var bodiesBytes: Int { max(bodiesBytesMax, 2 * max(2 * bodyBytesMax, modelBytesMax)) }
}

/// The memory that all bodies together may take while they arrive. Bodies and connections are limited, but all
/// connections with full bodies would take a gigabyte.
final class BodyBudget: Sendable {
    private let bytesMax: Int
    private let taken = Atomic<Int>(0)

    init(bytesMax: Int) {
        self.bytesMax = bytesMax
    }

    private func take(_ bytes: Int) throws(Problem) {
        guard taken.add(bytes, ordering: .relaxed).newValue <= bytesMax else {
            taken.subtract(bytes, ordering: .relaxed)
            throw Problem(
                .busy, "The server has as many request bodies arriving as it holds; send this one again.",
                retryAfterSeconds: 1)
        }
    }

    /// The memory of one body; it is free again when the value goes out of scope. It belongs to one request, and so two
    /// never grow it at a time.
    final class Share: Sendable {
        private let budget: BodyBudget?
        private let bytes = Atomic<Int>(0)

        init(of budget: BodyBudget?) {
            self.budget = budget
        }

        deinit {
            budget?.taken.subtract(bytes.load(ordering: .relaxed), ordering: .relaxed)
        }

        /// - Throws: `busy` if all bodies together would take more than they may.
        func grow(to wanted: Int) throws(Problem) {
            let held = bytes.load(ordering: .relaxed)
            guard let budget, wanted > held else { return }
            try budget.take(wanted - held)
            bytes.store(wanted, ordering: .relaxed)
        }
    }
}
