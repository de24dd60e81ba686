extension Schema {
    static let consentCounts = [
        // How many profiles have a type of consent at a place. It follows from profile_change, as profile_data does. A writer
        // adds to the row of its own slot, so that no two wait for each other; the figure is the sum over the slots.
        """
        CREATE TABLE ovation.consent_count (
            account_id   bigint NOT NULL,
            section      bigint NOT NULL,              -- 0: of the account; -1: suppressions
            place        bigint NOT NULL,              -- number of the field: topic and channel
            type         bigint NOT NULL,
            slot         bigint NOT NULL,
            profiles     bigint NOT NULL,
            PRIMARY KEY (account_id, section, place, type, slot)
        ) WITH (fillfactor = 50)
        """
    ]
}
