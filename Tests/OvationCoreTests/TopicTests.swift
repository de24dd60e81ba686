import Foundation
import OvationTesting
import Testing

@testable import OvationCore

@Suite("Channels, folders and topics")
struct TopicTests {
    let catalogue: Catalogue
    private let section: Discriminator<Section>
    private let other: Discriminator<Section>
    private let mobile: Discriminator<Keyspace>

    init() throws {
        catalogue = try Fixtures.catalogue()
        section = try Discriminator(Fixtures.section)
        other = catalogue.sections[0].discriminator
        mobile = try Discriminator("com.apsis1.keyspaces.mobile")
    }

    private func applying(_ changes: CatalogueChange..., to catalogue: Catalogue? = nil) throws(Problem) -> Catalogue {
        try (catalogue ?? self.catalogue).applying(changes, at: Fixtures.now, by: "test").catalogue
    }

    private func push(
        _ discriminator: String = "com.example.channels.push", number: Int64 = 100, keyspace: String? = nil
    ) throws -> OvationCore.Channel {
        Channel(
            number: number, discriminator: try Discriminator(discriminator), name: "Push",
            keyspace: try keyspace.map { try Discriminator($0) } ?? mobile)
    }

    private func news(
        _ discriminator: String = "com.example.targets.news", in section: Discriminator<Section>? = nil
    ) throws -> FolderHead {
        FolderHead(
            discriminator: try Discriminator(discriminator), section: section ?? self.section, name: "News",
            description: "d")
    }

    private func offers(
        _ discriminator: String = "com.example.topics.offers", folder: String = "com.example.targets.news",
        in section: Discriminator<Section>? = nil, channel: String? = nil
    ) throws -> TopicHead {
        TopicHead(
            discriminator: try Discriminator(discriminator), section: section ?? self.section,
            folder: try Discriminator(folder), channel: try channel.map { try Discriminator($0) }, name: "Offers",
            description: "d")
    }

    /// With a channel of an admin, a folder, and a topic of that channel.
    private func filled() throws -> Catalogue {
        try applying(
            .channel(.created(push())), .folder(.created(news())),
            .topic(.created(offers(channel: "com.example.channels.push"), number: 1)))
    }

    @Test("each account has the channels for e-mail and SMS, and a list of none has them too")
    func builtIn() throws {
        for catalogue in [catalogue, Catalogue(account: Fixtures.account)] {
            #expect(
                catalogue.listedChannels.map(\.discriminator.text) == [
                    "com.apsis1.channels.email", "com.apsis1.channels.sms",
                ])
            #expect(catalogue.channels.map(\.name) == ["Email", "SMS"])
            #expect(catalogue.channel(number: 1)?.keyspace.text == "com.apsis1.keyspaces.email")
            #expect(catalogue.channel(number: 2)?.keyspace == mobile)
        }
    }

    @Test("a built-in channel can be renamed, and neither removed nor made again")
    func builtInChanges() throws {
        let email = catalogue.channels[0].discriminator
        let renamed = try applying(.channel(.changed(email, name: "E-post")))
        #expect(renamed.channel(email)?.name == "E-post" && renamed.channel(number: 1)?.name == "E-post")
        #expect(throws: Problem(.conflict, "")) {
            try applying(.channel(.removed(email, at: Fixtures.now)))
        }
        #expect(throws: Problem(.alreadyExists, "")) { try applying(.channel(.created(push(email.text)))) }
    }

    @Test("a channel of an admin has a number from 100 to 4095 and a keyspace that is there")
    func channels() throws {
        var random = SeededGenerator(seed: 1)
        let first = catalogue.creatingChannel(named: "Push!", discriminator: nil, keyspace: mobile, using: &random)
        #expect(first.number == 100 && first.discriminator.text.hasPrefix("usercreated.channels.push-"))
        let one = try applying(.channel(.created(first)))
        let second = one.creatingChannel(named: "Post", discriminator: nil, keyspace: mobile, using: &random)
        #expect(second.number == 101)
        for number in [0, 2, 99, 100, Channel.numberMax + 1] {
            #expect(throws: Problem(.conflict, "")) {
                try applying(.channel(.created(push(number: number))), to: one)
            }
        }
        #expect(try applying(.channel(.created(push(number: Channel.numberMax)))).channel(number: 4095) != nil)
        let problem = #expect(throws: Problem.self) {
            try applying(.channel(.created(push(keyspace: "com.example.keyspaces.none"))))
        }
        #expect(problem?.errors.first?.pointer == "/keyspace_discriminator")
    }

    @Test("a channel goes when no topic is of it any more, can still be read, and takes no change then")
    func removesChannels() throws {
        let filled = try filled()
        let push = try push().discriminator
        let removal = CatalogueChange.channel(.removed(push, at: Fixtures.now))
        #expect(throws: Problem(.conflict, "")) { try applying(removal, to: filled) }
        let topic = try offers().key
        let removed = try applying(
            .topic(.removed(topic.discriminator, in: section, at: Fixtures.now)), removal, to: filled)
        #expect(removed.listedChannels.count == 2 && removed.channel(push)?.removedAt == Fixtures.now)
        #expect(removed.channel(number: 100)?.discriminator == push)
        for change in [removal, .channel(.changed(push, name: "N"))] {
            #expect(throws: Problem(.channelNotFound, "")) { try applying(change, to: removed) }
        }
        // No topic begins with a channel that takes no consents.
        #expect(throws: Problem(.validationFailed, "")) {
            try applying(.topic(.created(offers("a.b", channel: push.text), number: 2)), to: removed)
        }
    }

    @Test("folders and topics have discriminators that no other section has, and names of their own kind")
    func discriminators() throws {
        let filled = try filled()
        for place in [section, other] {
            #expect(throws: Problem(.alreadyExists, "")) {
                try applying(.folder(.created(news(in: place))), to: filled)
            }
            #expect(throws: Problem(.alreadyExists, "")) {
                try applying(.topic(.created(offers(in: place), number: 2)), to: filled)
            }
        }
        #expect(throws: Problem(.sectionNotFound, "")) {
            try applying(.folder(.created(news("a.b", in: try Discriminator("a.none")))), to: filled)
        }
        var random = SeededGenerator(seed: 1)
        let folder = catalogue.creatingFolder(named: "Blue Jeans", discriminator: nil, in: section, using: &random)
        #expect(folder.discriminator.text.hasPrefix("usercreated.targets.blue_jeans-"))
        let topic = catalogue.creatingTopic(
            TopicDefinition(section: section, folder: folder.discriminator, discriminator: nil, name: "Jeans"),
            using: &random)
        #expect(topic.topic.discriminator.text.hasPrefix("usercreated.topics.jeans-"))
    }

    @Test("a topic has a number that no other has, and a folder and a channel that are there")
    func topics() throws {
        let filled = try filled()
        #expect(filled.topic(number: 1)?.discriminator.text == "com.example.topics.offers")
        for number in [0, 1, Topic.numberMax + 1] {
            #expect(throws: Problem(.conflict, "")) {
                try applying(.topic(.created(offers("a.b"), number: number)), to: filled)
            }
        }
        let last = try applying(.topic(.created(offers("a.b"), number: Topic.numberMax)), to: filled)
        #expect(last.topics.last?.number == 134_217_727)
        var random = SeededGenerator(seed: 1)
        let definition = TopicDefinition(
            section: section, folder: try news().discriminator, discriminator: nil, name: "T")
        guard case .created(_, let number) = filled.creatingTopic(definition, using: &random) else { return }
        #expect(number == 2)
        let cases: [(TopicHead, String)] = [
            (try offers("a.b", folder: "a.none"), "/folder_discriminator folder_not_found"),
            (try offers("a.b", in: other), "/folder_discriminator folder_not_found"),
            (try offers("a.b", channel: "a.none"), "/channel_discriminator channel_not_found"),
        ]
        for (head, place) in cases {
            let problem = #expect(throws: Problem.self) {
                try applying(.topic(.created(head, number: 2)), to: filled)
            }
            #expect(problem?.errors.map { "\($0.pointer) \($0.code.rawValue)" } == [place])
        }
    }

    @Test("a topic moves to another folder of its section, and keeps its channel")
    func moves() throws {
        let two = try applying(
            .folder(.created(news("com.example.targets.shop"))),
            .folder(.created(news("com.example.targets.other", in: other))), to: filled())
        var head = try #require(two.topics.first).head
        (head.folder, head.name) = (try Discriminator("com.example.targets.shop"), "Moved")
        let moved = try applying(.topic(.changed(head)), to: two)
        #expect(moved.topic(number: 1)?.head == head && moved.listedTopics(in: section).map(\.name) == ["Moved"])
        head.channel = nil
        #expect(throws: Problem(.conflict, "")) { try applying(.topic(.changed(head)), to: two) }
        head = two.topics[0].head
        head.folder = try Discriminator("com.example.targets.other")
        #expect(throws: Problem(.validationFailed, "")) { try applying(.topic(.changed(head)), to: two) }
        head.section = other
        #expect(throws: Problem(.topicNotFound, "")) { try applying(.topic(.changed(head)), to: two) }
    }

    @Test("a folder with topics stays; without them it goes for good, and so does a topic, which can still be read")
    func removes() throws {
        let filled = try filled()
        let (folder, topic) = (try news().discriminator, try offers().discriminator)
        let noFolder = CatalogueChange.folder(.removed(folder, in: section, at: Fixtures.now))
        let noTopic = CatalogueChange.topic(.removed(topic, in: section, at: Fixtures.now))
        #expect(throws: Problem(.conflict, "")) { try applying(noFolder, to: filled) }
        let bare = try applying(noTopic, to: filled)
        #expect(bare.listedTopics(in: section).isEmpty && bare.topic(number: 1)?.removedAt == Fixtures.now)
        #expect(bare.topic(topic, in: section)?.name == "Offers" && bare.topic(topic, in: other) == nil)
        for change in [noTopic, .topic(.changed(try offers(channel: "com.example.channels.push")))] {
            #expect(throws: Problem(.topicNotFound, "")) { try applying(change, to: bare) }
        }
        let none = try applying(noFolder, to: bare)
        #expect(none.listedFolders(in: section).isEmpty && none.folder(folder, in: section)?.name == "News")
        for change in [noFolder, .folder(.changed(try news()))] {
            #expect(throws: Problem(.folderNotFound, "")) { try applying(change, to: none) }
        }
        #expect(throws: Problem(.validationFailed, "")) {
            try applying(.topic(.created(offers("a.b"), number: 2)), to: none)
        }
        #expect(throws: Problem(.alreadyExists, "")) { try applying(.folder(.created(news())), to: none) }
    }

    @Test("names and descriptions have their limits, in changes too")
    func words() throws {
        let filled = try filled()
        let long = String(repeating: "n", count: Limits.nameLengthMax + 1)
        var (folder, topic) = (try news(), try #require(filled.topics.first).head)
        (folder.name, topic.name) = (long, "")
        for change: CatalogueChange in [
            .channel(.changed(try push().discriminator, name: long)), .folder(.changed(folder)),
            .topic(.changed(topic)),
            .channel(.changed(try push().discriminator, name: "a\nb")),
        ] {
            #expect(throws: Problem(.invalidName, "")) { try applying(change, to: filled) }
        }
        let text = String(repeating: "d", count: Limits.descriptionLengthMax + 1)
        (folder, topic) = (try news(), filled.topics[0].head)
        (folder.description, topic.description) = (text, text)
        for change in [CatalogueChange.folder(.changed(folder)), .topic(.changed(topic))] {
            #expect(throws: Problem(.invalidName, "")) { try applying(change, to: filled) }
        }
    }

    @Test("an account has a limited number of channels, removed ones included")
    func limits() throws {
        let changes = try (0..<Limits.channelsMax).map { number in
            CatalogueChange.channel(.created(try push("a.c\(number)", number: 100 + Int64(number))))
        }
        // Two are built in.
        let full = try catalogue.applying(Array(changes.dropLast(2)), at: Fixtures.now, by: "test").catalogue
        let gone = try applying(.channel(.removed(try Discriminator("a.c0"), at: Fixtures.now)), to: full)
        for catalogue in [full, gone] {
            #expect(throws: Problem(.limitExceeded, "")) { try applying(changes[98], to: catalogue) }
        }
    }
}

@Suite("Channels, folders and topics of a model")
struct TopicModelTests {
    private let catalogue: Catalogue
    private let model: Model

    init() throws {
        catalogue = try Fixtures.catalogue()
        let push: Discriminator<OvationCore.Channel> = try Discriminator("com.example.channels.push")
        var model = try Fixtures.model()
        model.channels = [
            Model.Channel(discriminator: push, name: "Push", keyspace: try Discriminator(Fixtures.emailKeyspace))
        ]
        model.sections[0].folders = [
            Model.Folder(
                discriminator: try Discriminator("com.example.targets.news"), name: "News", description: "d",
                topics: [
                    Model.Topic(
                        discriminator: try Discriminator("com.example.topics.offers"), name: "Offers", channel: push),
                    Model.Topic(discriminator: nil, name: "Weekly", description: "On Mondays."),
                ]),
            Model.Folder(
                discriminator: nil, name: "Shop", topics: [Model.Topic(discriminator: nil, name: "Weekly")]),
        ]
        self.model = model
    }

    private func plan(_ model: Model, from catalogue: Catalogue) throws(Problem) -> ModelPlan {
        var random = SeededGenerator(seed: 3)
        return try catalogue.plan(toReach: model, at: Fixtures.now, using: &random)
    }

    private func made() throws -> Catalogue {
        try catalogue.applying(plan(model, from: catalogue).changes, at: Fixtures.now, by: "t").catalogue
    }

    @Test("they are made once, and exported as they are")
    func exports() throws {
        let steps = try plan(model, from: catalogue).steps
        #expect(
            steps.map { $0.subject.prefix { $0 != " " } } == [
                "channel", "folder", "topic", "topic", "folder", "topic",
            ])
        let rich = try made()
        #expect(rich.topics.map(\.name) == ["Offers", "Weekly", "Weekly"] && rich.topics.map(\.number) == [1, 2, 3])
        #expect(rich.topics[0].channel?.text == "com.example.channels.push")
        #expect(try plan(model, from: rich).steps.isEmpty)
        #expect(try plan(rich.model, from: rich).steps.isEmpty)
        let empty = try Catalogue(account: Fixtures.account).applying(Catalogue.founding, at: Fixtures.now, by: "s")
            .catalogue
        #expect(empty.model.channels.isEmpty && empty.model.sections.allSatisfy { $0.folders.isEmpty })
        let copy = try empty.applying(plan(rich.model, from: empty).changes, at: Fixtures.now, by: "t").catalogue
        #expect(copy.model == rich.model && copy.topics == rich.topics && copy.folders == rich.folders)
        #expect(copy.channels == rich.channels)
    }

    @Test("a built-in channel is in a model where it has another name, and what was removed is in none")
    func exportsChanges() throws {
        let rich = try made()
        try #require(rich.topics.count == 3)
        let section = rich.topics[0].section
        let changed = try rich.applying(
            [
                .channel(.changed(rich.channels[0].discriminator, name: "E-post")),
                .topic(.removed(rich.topics[2].discriminator, in: section, at: Fixtures.now)),
                .folder(.removed(rich.folders[1].discriminator, in: section, at: Fixtures.now)),
            ], at: Fixtures.now, by: "t"
        ).catalogue
        #expect(changed.model.channels.map(\.name) == ["E-post", "Push"])
        #expect(changed.model.sections.map { $0.folders.map(\.topics.count) } == [[], [2]])
        var model = model
        model.sections[0].folders[1].discriminator = rich.folders[1].discriminator
        #expect(throws: Problem(.conflict, "")) { try plan(model, from: changed) }
    }

    @Test("a topic is moved by its discriminator, which the first generation notices, and never by its name")
    func moves() throws {
        let rich = try made()
        var model = model
        model.sections[0].folders[1].topics += [
            Model.Topic(discriminator: try Discriminator("com.example.topics.offers"), name: "Sale", description: "e")
        ]
        model.sections[0].folders[0].topics = []
        let steps = try plan(model, from: rich).steps
        #expect(steps.map(\.action) == [.change])
        let shop = rich.folders[1].discriminator
        #expect(
            steps[0].details == [
                "name: Offers → Sale", "description:  → e",
                "folder_discriminator: com.example.targets.news → \(shop)",
            ])
        #expect(steps[0].breaks == ["clients that name its consent list do not find it there"])
    }

    @Test("changed words are a change, and what is fixed for good is refused")
    func changes() throws {
        let rich = try made()
        var changed = model
        changed.channels[0].name = "App"
        changed.sections[0].folders[0].description = "e"
        changed.sections[0].folders[0].topics[1].description = "f"
        let steps = try plan(changed, from: rich).steps
        #expect(steps.map(\.action) == [.change, .change, .change] && steps.allSatisfy(\.breaks.isEmpty))
        #expect(
            steps.map(\.details) == [["name: Push → App"], ["description: d → e"], ["description: On Mondays. → f"]])
        func expect(_ code: Problem.Code, _ change: (inout Model) throws -> Void) throws {
            var changed = model
            try change(&changed)
            #expect(throws: Problem(code, "")) { try plan(changed, from: rich) }
        }
        try expect(.conflict) { $0.channels[0].keyspace = try Discriminator("com.apsis1.keyspaces.mobile") }
        try expect(.conflict) {
            $0.sections[0].folders[0].topics[0].channel = try Discriminator("com.apsis1.channels.sms")
        }
        try expect(.conflict) {
            $0.sections[0].folders[0].topics[1].channel = try Discriminator("com.apsis1.channels.sms")
        }
        try expect(.validationFailed) { $0.channels = [Model.Channel(discriminator: nil, name: "New")] }
    }
}
