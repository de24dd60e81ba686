import HTTPTypes
import OvationCore

// Profiles that are deleted with all that was stored of them, and the receipts of that.
extension Endpoint {
    static let erasures: [Endpoint] = [deleteProfile, lockProfile, getErasure, listErasures]

    public static let deleteProfile = Endpoint(
        EndpointSpec(
            "deleteProfile", .delete, "/audience/keyspaces/{keyspace}/profiles/{key}", .token, .profiles,
            "Delete a profile with all that was stored of it",
            "In every section: events, attributes, tags, history and refused posts. No call finds any of it when this one "
                + "is answered, and it cannot be undone. The header `Erasure-Id` names the receipt. A body is ignored.",
            parameters: [.preferValidateOnlyToErase], answers: [.done], isPrivate: true))

    public static let lockProfile = Endpoint(
        EndpointSpec(
            "lockProfile", .put, "/audience/keyspaces/{keyspace}/profiles/{key}/locks", .token, .profiles,
            "Lock a profile for good",
            "All that was stored of it is removed, as when it is deleted, and none of its keys takes anything any more: events, "
                + "attributes and tags of them are answered 410. The server keeps a keyed hash of each key, by which it knows "
                + "the key again. It cannot be undone. The header `Erasure-Id` names the receipt; a profile that was locked "
                + "before has none. A body is ignored.",
            parameters: [.preferValidateOnlyToErase], answers: [.done], isPrivate: true))

    public static let getErasure = Endpoint(
        EndpointSpec(
            "getErasure", .get, "/audience/erasures/{erasure_id}", .token, .profiles,
            "The receipt of a deleted profile",
            "How much was removed, and when nothing was left. It has no personal data and is kept for good.",
            answers: [.ok(Bodies.Erasure.self)], isPrivate: true))

    public static let listErasures = Endpoint(
        EndpointSpec(
            "listErasures", .get, "/audience/erasures", .admin, .profiles, "The receipts of deleted profiles",
            "The newest first.", parameters: [.limit(Limits.erasuresPageMax, default: 50), .erasureCursor],
            answers: [.ok(Bodies.Erasures.self)], isPrivate: true))
}

extension Parameter {
    static let erasureCursor = query("cursor", "The next_cursor of the page before.", .string(example: "d7k2q"))
}
