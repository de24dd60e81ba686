import OvationCore

/// Examines the extension Citus, if it is there: whether the tables are spread, and what that means for acknowledged
/// events.
extension PostgresDoctor {
    static func citus(
        _ connection: PostgresConnection, _ target: ConnectionTarget, hasTables: Bool
    ) throws -> [Finding] {
        let facts = try connection.run(CitusSQL.facts)
        let version = "Citus \(facts.text(0, 0))"
        let (nodes, inactive) = (facts.int64(0, 2), facts.int64(0, 3))
        // Without nodes, Citus does not call it a coordinator.
        guard facts.bool(0, 1) || nodes == 0 else {
            return [
                Finding(isGood: false, text: "\(version): this is a node and not the coordinator; name the coordinator")
            ]
        }
        var findings = [
            Finding(
                isGood: nodes > 0,
                text: nodes > 0
                    ? "\(version): the coordinator of \(nodes) nodes"
                    : "\(version) knows no nodes; name each with SELECT citus_add_node('host', 5432)")
        ]
        if inactive > 0 {
            findings.append(
                Finding(
                    isGood: false,
                    text:
                        "\(inactive) nodes are switched off; switch them on with SELECT citus_activate_node('host', 5432)"
                ))
        }
        // Each takes so long at most, also where the node is frozen.
        let health = try connection.run(
            [Command(Session.writingNodes), Command(CitusSQL.health)], patience: .seconds(60))[1]
        findings += away(health)
        let tables = hasTables ? try PostgresDistribution.tables(connection) : []
        findings.append(spread(tables, nodes: nodes))
        guard tables.contains(where: { $0.method == "h" }) else { return findings }
        findings += ways(health, try ShardMap.read(connection), of: connection, target)
        findings.append(
            Finding(
                isGood: facts.bool(0, 4),
                text: facts.bool(0, 4)
                    ? "the user may end what nodes have prepared"
                    : "the user may not end what nodes have prepared: as a superuser, GRANT EXECUTE ON FUNCTION "
                        + "recover_prepared_transactions() TO \(facts.text(0, 5))"))
        let seconds = facts.int64(0, 7) / 1000
        findings.append(
            Finding(
                isGood: seconds <= 10,
                text: "citus.recover_2pc_interval is \(facts.text(0, 6))"
                    + (seconds <= 10
                        ? ""
                        : ": what a node had prepared when it went stays unseen and locked for as long after its return; "
                            + "set it to 5s on the coordinator")))
        return findings
    }

    private static func spread(_ tables: [PostgresDistribution.Found], nodes: Int64) -> Finding {
        let open = tables.filter { !$0.isInPlace }.map(\.name)
        if tables.isEmpty {
            return Finding(isGood: true, text: "no tables are there yet; 'ovation serve' makes them, and spreads them")
        }
        guard open.isEmpty else {
            return Finding(
                isGood: !tables.contains { $0.method == "h" },
                text:
                    "not spread over the nodes: \(open.joined(separator: ", ")); stop the servers and run 'ovation store "
                    + "distribute'")
        }
        let shards = tables.filter { $0.method == "h" }.map { "\($0.name) in \($0.shards) shards" }
        let others = tables.filter { $0.method != "h" }.count
        return Finding(
            isGood: true,
            text: "spread by profile: \(shards.joined(separator: ", ")); \(others) tables on the coordinator")
    }

    /// Of nodes that answer the coordinator, whether they can be reached from here too.
    private static func ways(
        _ rows: PostgresResult, _ shards: ShardMap?, of coordinator: PostgresConnection, _ target: ConnectionTarget
    ) -> [Finding] {
        let answering = Set((0..<rows.count).filter { rows.bool($0, 2) }.map { rows.int64($0, 3) })
        return (shards?.nodes ?? []).filter { answering.contains($0.number) }.map { node in
            let way = NodeWay(target, limits: Limits())
            defer { way.close() }
            do throws(PostgresFailure) {
                _ = try way.open(to: node, of: coordinator)
                return Finding(isGood: true, text: "the node \(node.name) takes posts from this machine")
            } catch {
                // It is slower, and nothing is wrong.
                return Finding(
                    isGood: true,
                    text:
                        "posts to the node \(node.name) go through the coordinator, which is slower: from this machine it "
                        + "cannot be reached: \(error.advised)")
            }
        }
    }

    /// Nodes that do not answer the coordinator.
    private static func away(_ rows: PostgresResult) -> [Finding] {
        (0..<rows.count).filter { !rows.bool($0, 2) }.map { row in
            Finding(
                isGood: false,
                text:
                    "the node \(rows.text(row, 0)):\(rows.int64(row, 1)) does not answer the coordinator; profiles that "
                    + "it has can be neither read nor written")
        }
    }
}
