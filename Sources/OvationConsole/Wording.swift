extension Int {
    /// `1,234,567`
    var grouped: String {
        let digits = String(magnitude)
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index).isMultiple(of: 3) { text.append(",") }
            text.append(digit)
        }
        return self < 0 ? "-" + text : text
    }

    /// `1 event`, `2 events`
    func counting(_ singular: String, _ plural: String? = nil) -> String {
        "\(grouped) \(self == 1 ? singular : plural ?? singular + "s")"
    }
}

/// A line of the summary above a form that failed.
struct ErrorLine: Sendable, Equatable {
    /// The id of the control; nil for the form as a whole.
    let target: String?
    let message: String
}

extension [FormError] {
    /// In the order of the controls on the page, as far as `controls` names them.
    func lines(inOrderOf controls: [String] = []) -> [ErrorLine] {
        let rank = { (error: FormError) in controls.firstIndex(of: error.control) ?? controls.count }
        return enumerated().sorted { (rank($0.element), $0.offset) < (rank($1.element), $1.offset) }
            .map {
                ErrorLine(target: $0.element.control.isEmpty ? nil : $0.element.control, message: $0.element.message)
            }
    }

    /// Everything said about one control, one sentence after the other.
    func message(for control: String) -> String? {
        let messages = filter { $0.control == control }.map(\.message)
        return messages.isEmpty ? nil : messages.joined(separator: " ")
    }
}
