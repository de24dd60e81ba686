extension Schema {
    static let mappedValues = """
        -- Attributes that admins have mapped keyspaces to. The default ones that are mapped in every account are not here.
        CREATE TABLE mapped_attribute (
            account_id   INTEGER NOT NULL,
            attribute    INTEGER NOT NULL,
            key_format   TEXT NOT NULL,                -- how its values are written as keys
            PRIMARY KEY (account_id, attribute)
        ) STRICT, WITHOUT ROWID;

        -- The values that members hold of mapped attributes, in their normal form. It follows from profile_change, as
        -- profile_data does, and is where profiles are looked for by a value.
        CREATE TABLE profile_value (
            account_id   INTEGER NOT NULL,
            attribute    INTEGER NOT NULL,
            value        TEXT NOT NULL,
            profile_id   INTEGER NOT NULL,             -- the member
            PRIMARY KEY (account_id, attribute, value, profile_id)
        ) STRICT, WITHOUT ROWID;
        """

    static let mappingStates = """
        -- MappingState: 0: all values are there; 1: they are being made; 2: they are being removed.
        ALTER TABLE mapped_attribute ADD COLUMN state INTEGER NOT NULL DEFAULT 0;
        """
}
