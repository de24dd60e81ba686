import HTTPTypes

extension Endpoint {
    static let sections: [Endpoint] = [listSections, createSection, getSection, changeSection]

    public static let listSections = Endpoint(
        EndpointSpec(
            "listSections", .get, "/audience/sections", .token, .sections, "List sections",
            "The sections that the API key may see, the built-in one first.",
            answers: [.ok(Bodies.Sections.self), .unchanged]))

    public static let createSection = Endpoint(
        EndpointSpec(
            "createSection", .post, "/audience/sections", .admin, .sections, "Create a section",
            "Its discriminator is fixed for good.",
            parameters: [.preferValidateOnlyToChange],
            body: .json(Bodies.SectionRequest.self, "The section to make."),
            answers: [.created(Bodies.Section.self), .checked(Bodies.Section.self)]))

    public static let getSection = Endpoint(
        EndpointSpec(
            "getSection", .get, "/audience/sections/{section}", .token, .sections, "One section",
            "A section, by its discriminator.", answers: [.ok(Bodies.Section.self), .unchanged]))

    public static let changeSection = Endpoint(
        EndpointSpec(
            "changeSection", .patch, "/audience/sections/{section}", .admin, .sections, "Rename a section",
            "The discriminator stays.",
            parameters: [.preferValidateOnlyToChange],
            body: .json(Bodies.SectionChange.self, "The new name."),
            answers: [.ok(Bodies.Section.self)]))
}
