/// What becomes of a value that was sent for an attribute.
public enum AttributeCheck: Sendable, Equatable {
    /// The profile has no value afterwards.
    case cleared
    case value(FieldValue)
    case refused(Problem.Code, String)
}

extension AttributeContent {
    /// Checks a value that was sent. It is kept as it was sent, or refused.
    ///
    /// An empty text clears a value that is no plain text, since clients send it for what they do not have.
    /// - Parameter format: of the keyspace that the attribute is mapped to; nil: it is mapped to none.
    public func check(_ posted: PostedValue, format: KeyFormat?) -> AttributeCheck {
        switch posted {
        case .null: return .cleared
        case .text("") where type != .string || renderHint != nil || format != nil: return .cleared
        default: break
        }
        if let format, let check = checkKey(posted, format) { return check }
        switch Field(name: "", type: type).check(posted) {
        case .absent: return .cleared
        case .refused(.nestedValue, _):
            return .refused(.nestedValue, "Expected \(type.rawValue); objects and arrays are no values of attributes.")
        case .refused(let code, let detail): return .refused(code, detail)
        case .value(let value): return checkMeaning(of: value)
        }
    }

    /// A profile key as an attribute's value. Numbers and texts are taken for each other, as keys are: clients send mobile
    /// numbers and the ids of other systems both ways. nil: the type decides.
    private func checkKey(_ posted: PostedValue, _ format: KeyFormat) -> AttributeCheck? {
        let text: String
        switch posted {
        case .text(let posted): text = posted
        case .number(let posted):
            guard case .value(.integer(let number)) = Field(name: "", type: .integer).check(.number(posted)) else {
                return nil
            }
            text = String(number)
        default: return nil
        }
        let key: ProfileKey
        do throws(Problem) {
            key = try ProfileKey(text, format: format)
        } catch {
            return .refused(.invalidValue, error.detail)
        }
        switch type {
        case .string:
            guard text.unicodeScalars.count <= Limits.attributeTextLengthMax else { return nil }
            return .value(.string(text))
        case .integer: return Int64(key.text).map { .value(.integer($0)) }
        case .double, .boolean: return nil
        }
    }

    private func checkMeaning(of value: FieldValue) -> AttributeCheck {
        switch (value, renderHint) {
        case (.string(let text), .date):
            guard text.isCalendarDate else {
                return .refused(.invalidValue, "A date is written YYYY-MM-DD, such as 1993-03-07, and exists.")
            }
        case (.string(let text), .location):
            guard Country.codes.contains(text) else {
                return .refused(
                    .invalidValue, "A country is two capital letters of ISO 3166-1, such as SE.")
            }
        case (.integer(let seconds), .timestamp):
            // The smallest integer has no absolute value.
            guard seconds.magnitude <= UInt64(Limits.attributeSecondsMax) else {
                return .refused(
                    .numberOutOfRange, "A timestamp is in seconds since 1970. This one may be in milliseconds.")
            }
        case (.string(let text), _):
            guard text.unicodeScalars.count <= Limits.attributeTextLengthMax else {
                return .refused(.textTooLong, "Text has at most \(Limits.attributeTextLengthMax) characters.")
            }
        default: break
        }
        return .value(value)
    }
}

extension FieldValue {
    /// The profile key that the value of a mapped attribute stands for; nil: it can be none.
    public func profileKey(format: KeyFormat) -> ProfileKey? {
        switch self {
        case .string(let text): try? ProfileKey(text, format: format)
        case .integer(let number): try? ProfileKey(String(number), format: format)
        case .double, .boolean: nil
        }
    }
}

extension String {
    /// `YYYY-MM-DD`, of a day that exists.
    fileprivate var isCalendarDate: Bool {
        let parts = utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].count == 4, parts[1].count == 2, parts[2].count == 2,
            parts.allSatisfy({ $0.allSatisfy { $0 &- 48 <= 9 } }),
            let year = Int(Substring(parts[0])), let month = Int(Substring(parts[1])),
            let day = Int(Substring(parts[2])), (1...12).contains(month), day >= 1
        else { return false }
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        return day <= [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
    }
}

/// The officially assigned codes of ISO 3166-1 alpha-2.
enum Country {
    static let codes = Set(
        """
        AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA \
        CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA \
        GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP \
        KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS \
        MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS \
        RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW \
        TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
        """.split(separator: " ").map(String.init))
}
