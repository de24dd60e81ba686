/// The embedded templates by name.
enum Templates {
    static let all: [(name: String, bytes: [UInt8])] = [
        ("attribute", PackageResources.attribute_mustache),
        ("attribute_form", PackageResources.attribute_form_mustache),
        ("attributes", PackageResources.attributes_mustache),
        ("channels", PackageResources.channels_mustache),
        ("confirm", PackageResources.confirm_mustache),
        ("data_model_tabs", PackageResources.data_model_tabs_mustache),
        ("error_summary", PackageResources.error_summary_mustache),
        ("event_type", PackageResources.event_type_mustache),
        ("event_type_form", PackageResources.event_type_form_mustache),
        ("event_type_preview", PackageResources.event_type_preview_mustache),
        ("event_types", PackageResources.event_types_mustache),
        ("folders", PackageResources.folders_mustache),
        ("history", PackageResources.history_mustache),
        ("history_list", PackageResources.history_list_mustache),
        ("key_form", PackageResources.key_form_mustache),
        ("key_rotate", PackageResources.key_rotate_mustache),
        ("key_secret", PackageResources.key_secret_mustache),
        ("keys", PackageResources.keys_mustache),
        ("keyspaces", PackageResources.keyspaces_mustache),
        ("layout", PackageResources.layout_mustache),
        ("list_pages", PackageResources.list_pages_mustache),
        ("list_window", PackageResources.list_window_mustache),
        ("live", PackageResources.live_mustache),
        ("overview", PackageResources.overview_mustache),
        ("problem", PackageResources.problem_mustache),
        ("proof", PackageResources.proof_mustache),
        ("profile", PackageResources.profile_mustache),
        ("profile_attributes", PackageResources.profile_attributes_mustache),
        ("profile_changes", PackageResources.profile_changes_mustache),
        ("profile_consents", PackageResources.profile_consents_mustache),
        ("profile_merge", PackageResources.profile_merge_mustache),
        ("profile_summary", PackageResources.profile_summary_mustache),
        ("profile_summary_page", PackageResources.profile_summary_page_mustache),
        ("profiles", PackageResources.profiles_mustache),
        ("reference", PackageResources.reference_mustache),
        ("reference_kind", PackageResources.reference_kind_mustache),
        ("rejection", PackageResources.rejection_mustache),
        ("rejection_cause", PackageResources.rejection_cause_mustache),
        ("rejection_cause_act", PackageResources.rejection_cause_act_mustache),
        ("rejection_causes", PackageResources.rejection_causes_mustache),
        ("rejection_check", PackageResources.rejection_check_mustache),
        ("rejection_filter", PackageResources.rejection_filter_mustache),
        ("rejections", PackageResources.rejections_mustache),
        ("sections", PackageResources.sections_mustache),
        ("sign_in", PackageResources.sign_in_mustache),
        ("steps", PackageResources.steps_mustache),
        ("tags", PackageResources.tags_mustache),
        ("time", PackageResources.time_mustache),
        ("topic_move", PackageResources.topic_move_mustache),
        ("topics", PackageResources.topics_mustache),
        ("try", PackageResources.try_mustache),
    ]

    /// What pages and fragments ask for by name.
    static var needed: [String] {
        let pages: [any ConsolePage.Type] = [
            SignInPage.self, ProblemPage.self, ConfirmPage.self, ProofPage.self, OverviewPage.self, EventTypesPage.self,
            EventTypePage.self, EventTypeFormPage.self, AttributesPage.self, AttributePage.self, AttributeFormPage.self,
            TagsPage.self, HistoryPage.self, ProfilesPage.self, ProfilePage.self, ProfileSummaryPage.self,
            ProfileAttributesPage.self, ProfileChangesPage.self, ProfileConsentsPage.self,
            LivePage.self, RejectionsPage.self, RejectionPage.self, RejectionCausesPage.self, RejectionCausePage.self,
            CauseActPage.self, KeysPage.self, KeyFormPage.self,
            RotateKeyPage.self, SecretPage.self, SectionsPage.self, KeyspacesPage.self, ReferencePage.self,
            ChannelsPage.self, FoldersPage.self, TopicsPage.self, TopicMovePage.self, TryPage.self,
        ]
        let fragments: [any ConsoleFragment.Type] = [
            EventTypePreview.self, ProfileSummary.self, RejectionCheck.self,
        ]
        return ["layout"] + pages.map { $0.template } + fragments.map { $0.template }
    }
}
