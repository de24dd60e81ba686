/// Accounts, the catalogue log and keys.
enum AccountSQL {
    static let accounts = Statement("accounts", "SELECT account_id, name, created_at FROM account ORDER BY account_id")

    static let lastSequences = Statement(
        "last_sequences",
        """
        SELECT account_id, coalesce(
            (SELECT max(sequence) FROM catalogue_log WHERE catalogue_log.account_id = account.account_id), 0),
            key_changes
        FROM account
        """)

    static let definitions = Statement(
        "definitions",
        """
        SELECT account_id, sequence, at, actor, change FROM catalogue_log
        WHERE NOT is_note ORDER BY account_id, sequence
        """)

    static let apiKeys = Statement(
        "api_keys",
        """
        SELECT client_id, account_id, name, role, sections, keyspaces, secret_hash, created_at, revoked_at,
            previous_secret_hash, previous_secret_until, last_used_at, settings_hash
        FROM api_key ORDER BY created_at, client_id
        """)

    static let signingKeys = Statement(
        "signing_keys",
        "SELECT key_id, private_pem, created_at, retired_at FROM signing_key ORDER BY created_at, key_id")

    static let serverSecret = Statement("server_secret", "SELECT value FROM setting WHERE name = 'server_secret'")

    static let makeServerSecret = Statement(
        "make_server_secret",
        "INSERT INTO setting (name, value) VALUES ('server_secret', $1::bytea) ON CONFLICT DO NOTHING")

    /// Servers that share the database listen, and every change sends them a notice in the same transaction.
    static let listen = Statement("listen", "LISTEN ovation_definitions")
    static let tell = Statement("tell", "SELECT pg_notify('ovation_definitions', '')")
    static let isThere = Statement("is_there", "SELECT 1::bigint")

    static let snapshot = Statement("snapshot", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    // MARK: The log

    static let lastSequence = Statement(
        "last_sequence", "SELECT coalesce(max(sequence), 0) FROM catalogue_log WHERE account_id = $1::bigint")

    /// The entries of the log from a number on.
    static let entries = Statement(
        "entries",
        """
        SELECT account_id, sequence, at, actor, change FROM catalogue_log
        WHERE account_id = $1::bigint AND sequence >= $2::bigint AND NOT is_note ORDER BY sequence LIMIT $3::bigint
        """)

    static let insertEntries = Statement(
        "insert_entries",
        """
        INSERT INTO catalogue_log (account_id, sequence, number, at, actor, is_note, change)
        SELECT $1::bigint, sequence, number, at, actor, false, change
        FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::text[])
            AS entry (sequence, number, at, actor, change)
        """)

    static let keyChanges = Statement("key_changes", "SELECT key_changes FROM account WHERE account_id = $1::bigint")

    static let noteKeyChange = Statement(
        "note_key_change", "UPDATE account SET key_changes = key_changes + $2::bigint WHERE account_id = $1::bigint")

    // MARK: Changes

    static let insertAccount = Statement(
        "insert_account",
        """
        INSERT INTO account (account_id, name, created_at) VALUES ($1::bigint, $2::text, $3::bigint)
        ON CONFLICT DO NOTHING
        """)

    static let saveAPIKey = Statement(
        "save_api_key",
        """
        INSERT INTO api_key (client_id, account_id, name, role, sections, keyspaces, secret_hash, created_at, revoked_at,
            previous_secret_hash, previous_secret_until, last_used_at, settings_hash)
        VALUES ($1::text, $2::bigint, $3::text, $4::text, $5::text, $6::text, $7::bytea, $8::bigint, $9::bigint,
            $10::bytea, $11::bigint, $12::bigint, $13::bytea)
        ON CONFLICT (client_id) DO UPDATE SET
            account_id = excluded.account_id, name = excluded.name, role = excluded.role,
            sections = excluded.sections, keyspaces = excluded.keyspaces, secret_hash = excluded.secret_hash,
            created_at = excluded.created_at, revoked_at = excluded.revoked_at,
            previous_secret_hash = excluded.previous_secret_hash,
            previous_secret_until = excluded.previous_secret_until, last_used_at = excluded.last_used_at,
            settings_hash = excluded.settings_hash
        """)

    static let noteKeyUses = Statement(
        "note_key_uses",
        """
        UPDATE api_key SET last_used_at = greatest(api_key.last_used_at, used.at)
        FROM unnest($2::text[], $3::bigint[]) AS used (client_id, at)
        WHERE api_key.client_id = used.client_id AND api_key.account_id = $1::bigint
        """)

    static let saveSigningKey = Statement(
        "save_signing_key",
        """
        INSERT INTO signing_key (key_id, private_pem, created_at, retired_at)
        VALUES ($1::text, $2::text, $3::bigint, $4::bigint)
        ON CONFLICT (key_id) DO UPDATE SET
            private_pem = excluded.private_pem, created_at = excluded.created_at, retired_at = excluded.retired_at
        """)
}
