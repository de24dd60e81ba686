import OvationTesting
import Testing

@testable import OvationCore

@Suite("A plan to reach a model")
struct ModelPlanTests {
    private let catalogue: Catalogue
    private let model: Model

    init() throws {
        catalogue = try Fixtures.catalogue()
        model = try Fixtures.model()
    }

    private func plan(_ model: Model, from catalogue: Catalogue? = nil) throws(Problem) -> ModelPlan {
        var random = SeededGenerator(seed: 3)
        return try (catalogue ?? self.catalogue).plan(toReach: model, at: Fixtures.now, using: &random)
    }

    private func changed(_ change: (inout Model.EventType) -> Void) -> Model {
        var model = model
        change(&model.sections[0].eventTypes[0])
        return model
    }

    @Test("is empty when everything is there")
    func isIdempotent() throws {
        #expect(try plan(model).steps.isEmpty)
        #expect(try plan(catalogue.model).steps.isEmpty)
    }

    @Test("export of one account, applied to an empty one, gives the same model")
    func exportsAll() throws {
        var rich = try catalogue.applying(
            plan(changed { $0.versions = .current([Field(name: "a", type: .string, required: true)]) }).changes,
            at: Fixtures.now, by: "test"
        ).catalogue
        let draft = rich.addingVersion(
            VersionDefinition(id: nil, fields: [], isDraft: true), to: try Discriminator(Fixtures.eventType),
            at: Fixtures.now)
        rich = try rich.applying([.version(.added(draft))], at: Fixtures.now, by: "test").catalogue

        let empty = try Catalogue(account: Fixtures.account).applying(Catalogue.founding, at: Fixtures.now, by: "s")
            .catalogue
        let copy = try empty.applying(plan(rich.model, from: empty).changes, at: Fixtures.now, by: "t").catalogue
        #expect(copy.model == rich.model)
    }

    /// The model with an attribute, a default attribute that is different, a tag, and a keyspace that is mapped.
    private func withFields() throws -> Model {
        var model = model
        let cake: Discriminator<Attribute> = try Discriminator("com.example.attributes.cake")
        let readOnly = [Fixtures.emailKeyspace: Permission(read: true, write: false)]
        model.keyspaces = [
            Model.Keyspace(
                discriminator: try Discriminator("com.example.keyspaces.card"), name: "Card", managesSubscriptions: nil,
                keyFormat: nil, mappedAttribute: cake)
        ]
        model.sections[0].attributes = [
            Model.Attribute(
                discriminator: try Discriminator("com.apsis1.attributes.email"), name: "E-post",
                versions: .all([AttributeVersionDefinition(id: 71, content: try AttributeContent(type: .string))])),
            Model.Attribute(
                discriminator: try Discriminator("com.apsis1.attributes.mobile"), name: "Phone", versions: .asTheyAre),
            Model.Attribute(
                discriminator: cake, name: "Cake", description: "d", permissions: readOnly,
                versions: .all([
                    AttributeVersionDefinition(id: 72, content: try AttributeContent(type: .string)),
                    AttributeVersionDefinition(
                        id: 73, content: try AttributeContent(type: .string, renderHint: .date)),
                    AttributeVersionDefinition(id: 74, content: try AttributeContent(type: .double), isDraft: true),
                ])),
        ]
        model.sections[0].tags = [
            Model.Tag(
                discriminator: try Discriminator("com.example.tags.vip"), name: "VIP", permissions: readOnly,
                isHidden: true, id: 75)
        ]
        return model
    }

    @Test("attributes, tags and mappings are made once, and exported as they are")
    func fields() throws {
        let model = try withFields()
        let steps = try plan(model)
        #expect(steps.steps.last?.subject == "keyspace com.example.keyspaces.card")
        let rich = try catalogue.applying(steps.changes, at: Fixtures.now, by: "t").catalogue
        #expect(try plan(model, from: rich).steps.isEmpty)
        #expect(try plan(rich.model, from: rich).steps.isEmpty)
        // Default attributes that are as they come are in no file.
        #expect(rich.model.sections.map { $0.attributes.count } == [0, 3])
        #expect(catalogue.model.sections.allSatisfy { $0.attributes.isEmpty && $0.tags.isEmpty })
        let empty = try Catalogue(account: Fixtures.account).applying(Catalogue.founding, at: Fixtures.now, by: "s")
            .catalogue
        let copy = try empty.applying(plan(rich.model, from: empty).changes, at: Fixtures.now, by: "t").catalogue
        #expect(copy.model == rich.model)
        #expect(copy.attributeVersion(71)?.attribute.currentVersion?.id == 71)
        #expect(copy.tag(version: 75)?.head == rich.tag(version: 75)?.head)
        #expect(copy.keyspaces.last?.mapping?.text == "com.example.attributes.cake")
    }

    @Test("says what a changed attribute breaks, and finds it by its name")
    func changedFields() throws {
        var model = try withFields()
        let rich = try catalogue.applying(plan(model).changes, at: Fixtures.now, by: "t").catalogue
        model.sections[0].attributes = [
            Model.Attribute(
                discriminator: nil, name: "Cake", description: "d",
                permissions: [Fixtures.emailKeyspace: .none],
                versions: .current(try AttributeContent(type: .integer)))
        ]
        model.sections[0].tags[0].isHidden = false
        let steps = try plan(model, from: rich).steps
        #expect(steps.map(\.action) == [.change, .addVersion, .change])
        #expect(steps[0].details == ["com.apsis1.keyspaces.email: read → none"])
        #expect(steps[0].breaks == ["clients lose a permission in com.apsis1.keyspaces.email"])
        #expect(steps[1].details.last == "type: string, date_YYYY-MM-DD → integer")
        #expect(steps[1].breaks == ["values are of another type"])
        #expect(steps[2].details == ["is_hidden: false"])
    }

    @Test("refuses of attributes and tags what can never be")
    func refusedFields() throws {
        let model = try withFields()
        let rich = try catalogue.applying(plan(model).changes, at: Fixtures.now, by: "t").catalogue
        func expectConflict(_ code: Problem.Code = .conflict, _ change: (inout Model.Section) throws -> Void) throws {
            var changed = model
            try change(&changed.sections[0])
            #expect(throws: Problem(code, "")) { try plan(changed, from: rich) }
        }
        try expectConflict {
            $0.attributes[2].versions = .all([
                AttributeVersionDefinition(id: 72, content: try AttributeContent(type: .boolean))
            ])
        }
        try expectConflict {
            $0.attributes[2].versions = .all([
                AttributeVersionDefinition(
                    id: 72, content: try AttributeContent(type: .string), validFrom: Timestamp(milliseconds: 1))
            ])
        }
        try expectConflict { $0.tags[0].id = 76 }
        try expectConflict { $0.tags[0].validFrom = Timestamp(milliseconds: 1) }
        try expectConflict(.validationFailed) {
            $0.attributes[2] = Model.Attribute(discriminator: nil, name: "New", versions: .asTheyAre)
        }
    }

    @Test("says what changed fields break")
    func namesBreaks() throws {
        let fields = [
            Field(name: "myNumberField", type: .string), Field(name: "new", type: .integer, required: true),
        ]
        let steps = try plan(changed { $0.versions = .current(fields) }).steps
        #expect(steps.map(\.action) == [.addVersion])
        #expect(
            steps[0].breaks == [
                "myNumberField changes its type", "new is new and required", "myNumberWithDecimalField is gone",
                "myTextField is gone", "myTrueFalseField is gone",
            ])
    }

    @Test("says who loses a permission")
    func namesLostPermissions() throws {
        let steps = try plan(
            changed { $0.permissions = [Fixtures.emailKeyspace: Permission(read: true, write: false)] }
        )
        .steps
        #expect(steps[0].details == ["com.apsis1.keyspaces.email: read and write → read"])
        #expect(steps[0].breaks == ["clients lose a permission in com.apsis1.keyspaces.email"])
    }

    @Test("finds definitions by name where the model has no discriminator, and makes them once")
    func findsByName() throws {
        var nameless = model
        nameless.sections[0].discriminator = nil
        nameless.sections[0].eventTypes[0].discriminator = nil
        #expect(try plan(nameless).steps.isEmpty)
        nameless.sections[0].name = "Another"
        nameless.sections[0].eventTypes[0].versions = .current([Field(name: "a", type: .string)])
        let once = try plan(nameless)
        #expect(once.steps.map(\.action) == [.create, .create, .addVersion])
        let applied = try catalogue.applying(once.changes, at: Fixtures.now, by: "t").catalogue
        #expect(try plan(nameless, from: applied).steps.isEmpty)
    }

    @Test("refuses what can never be")
    func refuses() {
        #expect(throws: Problem(.conflict, "")) { try plan(changed { $0.category = .signal }) }
        #expect(throws: Problem(.conflict, "")) {
            try plan(changed { $0.versions = .all([VersionDefinition(id: Fixtures.versionID, fields: [])]) })
        }
        #expect(throws: Problem(.validationFailed, "")) {
            try plan(changed { $0.permissions = ["com.example.none": Permission(read: true, write: true)] })
        }
    }
}
