import OvationCore
import OvationWire

/// Who changes what a profile holds, in which section and through which keyspace.
struct ChangePlace {
    let caller: Identity
    let section: Section
    let keyspace: Keyspace

    init(_ call: Call, as caller: Identity) throws(Problem) {
        self.caller = caller
        section = try caller.section(call.path.section())
        keyspace = try caller.keyspaceForWriting(call.path.keyspace())
    }

    var target: ProfileTarget {
        ProfileTarget(
            catalogue: caller.account.catalogue, section: section, keyspace: keyspace, callerIsAdmin: caller.isAdmin)
    }

    /// What sets and clears fields in the section; nothing where there is nothing to do.
    func update(_ edits: [ProfileEdit]) -> [ProfileChange.Operation] {
        edits.isEmpty ? [] : [.update(section: section.number, edits)]
    }
}
