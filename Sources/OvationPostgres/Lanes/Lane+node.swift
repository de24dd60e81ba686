import Foundation
import OvationCore
import OvationRows

/// Posts that a lane stores on its node by itself. See rule 26 of DESIGN.md.
extension Lane {
    /// - Returns: false: nothing is stored, and the posts go through the coordinator.
    func commitOnNode(_ posts: [QueuedWrite]) -> Bool {
        let start = ContinuousClock.now
        guard isSpread, posts.allSatisfy(\.isForNode), let newest = posts.map(\.receivedAt).max(),
            // Old refused posts are removed on the coordinator.
            !memory.isTimeToForget(at: newest), let group = groupOnNode(posts)
        else { return false }
        do throws(PostgresFailure) {
            try group.run()
            way.succeed()
            answer(group, since: start)
            fold(group.slot, at: newest)
            return true
        } catch {
            if error.isInDoubt { return lookUpOnNode(group, because: error, since: start) }
            cleanUpOnNode(after: error)
            return false
        }
    }

    private func groupOnNode(_ posts: [QueuedWrite]) -> GroupTransaction? {
        guard let coordinator = connection else { return nil }
        do throws(PostgresFailure) {
            if writer.mustReadShards() { writer.note(try ShardMap.read(coordinator)) }
        } catch {
            // The coordinator is asked again in a moment.
            return nil
        }
        guard let (node, shards) = writer.ownNode(of: number), let slot = shards.slot(of: slot, on: node.number) else {
            return nil
        }
        do throws(PostgresFailure) {
            guard let own = try way.open(to: node, of: coordinator) else { return nil }
            return GroupTransaction(
                posts, on: own, slot: slot, isSpread: true, memory, limits,
                node: GroupTransaction.Node(
                    coordinator: coordinator, number: node.number, name: node.name, shards: shards))
        } catch {
            failWay(to: node, error)
            return nil
        }
    }

    private func cleanUpOnNode(after failure: PostgresFailure) {
        // A new connection to the coordinator asks first whether the node answers.
        if failure.isConnectionLost {
            way.fail()
            return close()
        }
        way.rollBack()
        switch failure {
        case _ where failure.isOfMovedShard:
            guard let coordinator = connection, let shards = try? ShardMap.read(coordinator) else { return }
            // It is not moved, and not as expected either: it has several places, or the node knows others.
            if let (node, known) = writer.ownNode(of: number), known == shards { failWay(to: node, failure) }
            writer.note(shards)
        case _ where failure.isLockTimeout: way.rest(for: NodeWay.pause)
        case _ where failure.isThroughCoordinator || failure.isWorthRepeating || failure.isAboutData: break
        // What is refused then says why.
        case _ where failure.isDiskFull: break
        default:
            if let (node, _) = writer.ownNode(of: number) { failWay(to: node, failure) }
        }
    }

    private func failWay(to node: ShardMap.Node, _ failure: PostgresFailure) {
        way.fail()
        writer.noteNoWay(to: node, failure)
    }

    /// As for a group that was stored through the coordinator: see rule 7 of DESIGN.md.
    /// - Returns: false: it is not stored, and never will be.
    private func lookUpOnNode(
        _ group: GroupTransaction, because failure: PostgresFailure, since start: ContinuousClock.Instant
    ) -> Bool {
        let sign = way.sign
        way.close()
        var (failure, budget) = (failure, RetryBudget(patience: limits.databasePatience))
        while let pause = budget.pause(after: failure, triesMax: Lane.tries) {
            Thread.sleep(forTimeInterval: pause / .seconds(1))
            do throws(PostgresFailure) {
                let own = try way.openAgain()
                try own.run([
                    Command(Locks.endSession) { $0.add(sign) }, Command(Locks.awaitEnd) { $0.add(sign) },
                ])
                guard try group.isStored(on: own) else { return false }
                try group.proveOnNode(on: own)
                answer(group, since: start)
                return true
            } catch {
                way.close()
                failure = error
            }
        }
        close()
        give(up: group.posts, because: failure, isInDoubt: true)
        return true
    }

    /// The group is stored, whatever the result of this.
    private func fold(_ slot: Int64, at newest: Timestamp) {
        let oldest = Activity.minute(of: memory.forgetting.time(newest)) - Int64(Limits.activityMinutesKept)
        do throws(PostgresFailure) {
            try way.fold(slot: slot, before: oldest)
        } catch {
            error.isConnectionLost ? way.close() : way.rollBack()
        }
    }
}

extension QueuedWrite {
    /// Whether it needs nothing that only the coordinator has, but its numbers.
    var isForNode: Bool {
        guard case .append(let batch, _) = self else { return false }
        return batch.idempotency == nil && batch.replayOf == nil && !batch.events.isEmpty
    }
}
