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
