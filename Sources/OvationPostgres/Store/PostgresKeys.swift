public import OvationCore

/// Reads the keys of a store that servers may be connected to, and nothing else.
public enum PostgresKeys {
    private static let patience = Duration.seconds(10)

    /// Blocks.
    /// - Throws: with a sentence for the operator.
    public static func read(connection text: String) throws(StoreFailure) -> StoreContents {
        let target = try ConnectionTarget(text)
        do {
            return try AccountRows.load(Session.open(target, for: .reading, patience: patience))
        } catch let error as PostgresFailure {
            throw failure(StoreFailure(error), target)
        } catch {
            throw failure(error as? StoreFailure ?? StoreFailure(.unusable, "\(error)"), target)
        }
    }

    private static func failure(_ failure: StoreFailure, _ target: ConnectionTarget) -> StoreFailure {
        StoreFailure(failure.code, "\(target): \(failure.message)")
    }
}
