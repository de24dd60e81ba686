import HTTPTypes

extension Endpoint {
    static let channels: [Endpoint] = [listChannels, createChannel, changeChannel, removeChannel]

    private static let channelsPath = "/audience/channels"

    public static let listChannels = Endpoint(
        EndpointSpec(
            "listChannels", .get, channelsPath, .token, .channels, "List channels",
            "The built-in ones first, then in the order of their creation.",
            answers: [.ok(Bodies.Channels.self), .unchanged]))

    public static let createChannel = Endpoint(
        EndpointSpec(
            "createChannel", .post, channelsPath, .admin, .channels, "Create a channel",
            "Its discriminator and the keyspace of its addresses are fixed for good.",
            parameters: [.preferValidateOnlyToChange],
            body: .json(Bodies.ChannelRequest.self, "The channel to make."),
            answers: [.created(Bodies.Channel.self), .checked(Bodies.Channel.self)]))

    public static let changeChannel = Endpoint(
        EndpointSpec(
            "changeChannel", .patch, channelsPath + "/{channel}", .admin, .channels, "Rename a channel",
            "The discriminator and the keyspace stay.", parameters: [.preferValidateOnlyToChange],
            body: .json(Bodies.ChannelChange.self, "The new name."), answers: [.ok(Bodies.Channel.self)]))

    public static let removeChannel = Endpoint(
        EndpointSpec(
            "removeChannel", .delete, channelsPath + "/{channel}", .admin, .channels,
            "Hide a channel for good and refuse new consents",
            "Its discriminator is never used again. A built-in channel, and one that has topics of its own, cannot be "
                + "removed.",
            parameters: [.preferValidateOnlyToChange], answers: [.done]))
}

// MARK: - Folders

extension Endpoint {
    static let folders: [Endpoint] = [
        listFolders, listTopicFolders, createFolder, changeFolder, removeFolder, listConsentLists,
        listConsentListTopics,
    ]

    private static let foldersPath = "/v2/audience/sections/{section}/folders"

    public static let listFolders = Endpoint(
        EndpointSpec(
            "listFolders", .get, foldersPath, .token, .topics, "List a section's folders",
            "In the order of their creation.", answers: [.ok(Bodies.Folders.self), .unchanged]))

    public static let listTopicFolders = Endpoint(
        EndpointSpec(
            "listTopicFolders", .get, "/v2/audience/sections/{section}/topic-folders", .token, .topics,
            "List a section's folders, under another path",
            "The same answer as that of `/folders`: the original does not tell its path.",
            answers: [.ok(Bodies.Folders.self), .unchanged]))

    public static let createFolder = Endpoint(
        EndpointSpec(
            "createFolder", .post, foldersPath, .admin, .topics, "Create a folder",
            "Its discriminator is fixed for good.", parameters: [.preferValidateOnlyToChange],
            body: .json(Bodies.FolderRequest.self, "The folder to make."),
            answers: [.created(Bodies.Folder.self), .checked(Bodies.Folder.self)]))

    public static let changeFolder = Endpoint(
        EndpointSpec(
            "changeFolder", .patch, foldersPath + "/{folder}", .admin, .topics, "Change a folder",
            "What is left out stays as it is.", parameters: [.preferValidateOnlyToChange],
            body: .json(Bodies.FolderChange.self, "What to change."), answers: [.ok(Bodies.Folder.self)]))

    public static let removeFolder = Endpoint(
        EndpointSpec(
            "removeFolder", .delete, foldersPath + "/{folder}", .admin, .topics, "Hide a folder for good",
            "Its discriminator is never used again. A folder that has topics cannot be removed.",
            parameters: [.preferValidateOnlyToChange], answers: [.done]))

    public static let listConsentLists = Endpoint(
        EndpointSpec(
            "listConsentLists", .get, "/audience/sections/{section}/consent-lists", .token, .topics,
            "List a section's consent lists", "What the first generation of the API calls folders.",
            answers: [.ok(Bodies.ConsentLists.self), .unchanged]))

    public static let listConsentListTopics = Endpoint(
        EndpointSpec(
            "listConsentListTopics", .get, "/audience/sections/{section}/consent-lists/{consent_list}/topics", .token,
            .topics, "List the topics of a consent list", "As the first generation of the API shows them.",
            answers: [.ok(Bodies.ConsentListTopics.self), .unchanged]))
}

// MARK: - Topics

extension Endpoint {
    static let topics: [Endpoint] = [listTopics, createTopic, changeTopic, removeTopic, listConsentCounts]

    private static let topicsPath = "/v2/audience/sections/{section}/topics"

    public static let listTopics = Endpoint(
        EndpointSpec(
            "listTopics", .get, topicsPath, .token, .topics, "List a section's topics",
            "Those of all folders, in the order of their creation.", answers: [.ok(Bodies.Topics.self), .unchanged]))

    public static let createTopic = Endpoint(
        EndpointSpec(
            "createTopic", .post, topicsPath, .admin, .topics, "Create a topic",
            "Its discriminator and its channel are fixed for good.", parameters: [.preferValidateOnlyToChange],
            body: .json(Bodies.TopicRequest.self, "The topic to make."),
            answers: [.created(Bodies.Topic.self), .checked(Bodies.Topic.self)]))

    public static let changeTopic = Endpoint(
        EndpointSpec(
            "changeTopic", .patch, topicsPath + "/{topic}", .admin, .topics,
            "Change a topic, or move it to another folder", "What is left out stays as it is.",
            parameters: [.preferValidateOnlyToChange], body: .json(Bodies.TopicChange.self, "What to change."),
            answers: [.ok(Bodies.Topic.self)]))

    public static let removeTopic = Endpoint(
        EndpointSpec(
            "removeTopic", .delete, topicsPath + "/{topic}", .admin, .topics,
            "Hide a topic for good and refuse new consents",
            "Its discriminator is never used again, and consents to it can still be read.",
            parameters: [.preferValidateOnlyToChange], answers: [.done]))

    public static let listConsentCounts = Endpoint(
        EndpointSpec(
            "listConsentCounts", .get, "/v2/audience/sections/{section}/consent-counts", .token, .topics,
            "How many profiles have opted in to each topic, and out of it",
            "The store keeps these numbers with each consent, so they are exact and nothing is counted for the answer. A "
                + "profile counts once, whatever its keys. One that is locked does not count.",
            answers: [.ok(Bodies.ConsentCounts.self)]))
}
