extension Schema {
    static let consentCounts = """
        -- How many profiles have a type of consent at a place. It follows from profile_change, as profile_data does, so that
        -- nobody has to count. A row can have 0.
        CREATE TABLE consent_count (
            account_id   INTEGER NOT NULL,
            section      INTEGER NOT NULL,             -- 0: of the account; -1: suppressions
            place        INTEGER NOT NULL,             -- number of the field: topic and channel
            type         INTEGER NOT NULL,
            profiles     INTEGER NOT NULL,
            PRIMARY KEY (account_id, section, place, type)
        ) STRICT, WITHOUT ROWID;
        """
}
