//! Whether a value is what its field's [`Shape`] says.

use jiff::civil::{Date, DateTime, date};
use regex_lite::Regex;

use super::words::{listed, shown};
use crate::model::{self, Code, Format, Path, Shape, Value};
use crate::suggest::Suggest;

/// What is wrong with a value, to be put where it stands.
#[derive(Debug)]
pub(super) struct Complaint {
    pub code: Code,
    pub message: String,
    pub label: String,
    pub help: Option<String>,
    /// Where inside the value.
    pub path: Path,
}

impl Complaint {
    fn new(code: Code, message: impl Into<String>, label: impl Into<String>) -> Self {
        Self { code, message: message.into(), label: label.into(), help: None, path: Path::default() }
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// A value, as far as its field is concerned.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'v> {
    /// The field, as messages call it.
    pub name: &'v str,
    pub value: &'v Value,
    /// As it was written, where it was written out.
    pub lexeme: Option<&'v str>,
    /// Whether messages must not show it.
    pub secret: bool,
}

/// Checks values. Keeps its regular expressions.
#[derive(Debug, Default)]
pub(super) struct Shapes {
    patterns: Vec<(&'static str, Regex)>,
}

impl Shapes {
    /// Checks a value that has been resolved: what is a template, a reference or unknown passes.
    pub fn check(&mut self, shape: &Shape, subject: Subject<'_>, suggest: &Suggest) -> Result<(), Complaint> {
        if let Value::Sensitive(secret) = subject.value {
            return self.check(shape, Subject { value: secret.expose(), secret: true, ..subject }, suggest);
        }
        if matches!(
            subject.value,
            Value::Unknown | Value::Redacted | Value::Template(_) | Value::Reference(_) | Value::Link(_)
        ) {
            return Ok(());
        }
        let name = subject.name;
        match (shape, subject.value) {
            (Shape::Any | Shape::Reference { .. }, _)
            | (Shape::Boolean, Value::Bool(_))
            | (Shape::Object | Shape::Parts { .. }, Value::Map(_)) => Ok(()),
            (Shape::Text { min, max }, Value::Text(text)) => length(name, text, *min, *max),
            (Shape::Format(format), Value::Text(text)) => self.format(format, text, subject),
            (Shape::Instant, Value::Text(text)) => {
                instant(text).map(|_| ()).map_err(|wrong| wrong.complain(text, subject))
            }
            (Shape::Enum(words), Value::Text(text)) => one_of(words, text, subject, suggest),
            (Shape::Integer { min, max }, Value::Number(number)) if !number.is_f64() => match number.as_i64() {
                Some(integer) if (*min..=*max).contains(&integer) => Ok(()),
                _ => Err(Complaint::new(
                    Code::InvalidValue,
                    format!("`{name}` is out of bounds"),
                    format!("from {min} to {max} is allowed"),
                )),
            },
            (Shape::Texts { max_total }, Value::List(items)) => texts(items, *max_total, subject),
            (Shape::Mappings { .. }, Value::List(items)) => mappings(items, subject),
            (Shape::Names { .. }, Value::List(items)) => {
                texts(items, usize::MAX, subject)?;
                twice(items, subject)
            }
            _ => Err(wrong_type(shape, subject)),
        }
    }

    fn format(&mut self, format: &'static Format, text: &str, subject: Subject<'_>) -> Result<(), Complaint> {
        let length = text.chars().count();
        let wrong = |label: String| {
            let message = if subject.secret {
                format!("`{}` is not {}", subject.name, format.what)
            } else {
                format!("`{}` is not {}", shown(text), format.what)
            };
            Err(Complaint::new(Code::InvalidValue, message, label).help(format.help))
        };
        if length < format.min || length > format.max {
            let bounds = if format.max == usize::MAX {
                format!("at least {} are needed", format.min)
            } else {
                format!("{} to {} are allowed", format.min, format.max)
            };
            return wrong(format!("{}: {bounds}", characters(length)));
        }
        if self.pattern(format.pattern).is_match(text) { Ok(()) } else { wrong(format!("not {}", format.what)) }
    }

    fn pattern(&mut self, pattern: &'static str) -> &Regex {
        let at = self.patterns.iter().position(|(known, _)| *known == pattern).unwrap_or_else(|| {
            let whole =
                Regex::new(&format!("^(?:{pattern})$")).expect("the patterns of tables are regular expressions");
            self.patterns.push((pattern, whole));
            self.patterns.len() - 1
        });
        &self.patterns[at].1
    }
}

/// Tells whether values that a remote told could be written out.
#[derive(Debug, Default)]
pub(crate) struct Fit(Shapes);

impl Fit {
    /// Why the value could not stand in the field of this name, if so.
    pub(crate) fn complaint(&mut self, name: &str, shape: &Shape, value: &Value) -> Option<String> {
        let subject = Subject { name, value, lexeme: None, secret: false };
        let complaint = self.0.check(shape, subject, &Suggest::default()).err()?;
        Some(complaint.message)
    }
}

/// What a shape takes, with its article.
pub(crate) fn describe(shape: &Shape) -> &'static str {
    match shape {
        Shape::Text { .. } => "a string",
        Shape::Format(format) => format.what,
        Shape::Enum(_) => "one of a few words",
        Shape::Instant => "a date and time",
        Shape::Boolean => "`true` or `false`",
        Shape::Integer { .. } => "an integer",
        Shape::Reference { .. } => "a reference",
        Shape::Texts { .. } | Shape::Names { .. } => "a list of strings",
        Shape::Mappings { .. } => "a list of mappings",
        Shape::Object | Shape::Parts { .. } => "a mapping",
        Shape::Any => "anything",
    }
}

/// The kind of value a shape holds, as far as it is told before the value is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Text,
    Boolean,
    Integer,
    List,
    Map,
    Unknown,
}

impl Type {
    /// Of a shape.
    pub fn of(shape: &Shape) -> Self {
        match shape {
            Shape::Text { .. } | Shape::Format(_) | Shape::Instant | Shape::Enum(_) | Shape::Reference { .. } => {
                Self::Text
            }
            Shape::Boolean => Self::Boolean,
            Shape::Integer { .. } => Self::Integer,
            Shape::Texts { .. } | Shape::Names { .. } | Shape::Mappings { .. } => Self::List,
            Shape::Object | Shape::Parts { .. } => Self::Map,
            Shape::Any => Self::Unknown,
        }
    }

    /// With its article.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Text => "a string",
            Self::Boolean => "a boolean",
            Self::Integer => "an integer",
            Self::List => "a list",
            Self::Map => "a mapping",
            Self::Unknown => "anything",
        }
    }

    /// Whether a value of this type may be one of the other.
    pub fn fits(self, other: Self) -> bool {
        self == other || self == Self::Unknown || other == Self::Unknown
    }
}

fn characters(count: usize) -> String {
    if count == 1 { "1 character".into() } else { format!("{count} characters") }
}

fn length(name: &str, text: &str, min: usize, max: usize) -> Result<(), Complaint> {
    // Bytes bound characters from above, so most strings need no counting.
    if text.len() >= 4 * min && text.len() <= max {
        return Ok(());
    }
    let length = text.chars().count();
    if length == 0 && min > 0 {
        return Err(Complaint::new(Code::InvalidValue, format!("`{name}` is empty"), "an empty string").help(format!(
            "at least {} needed",
            if min == 1 { "1 character is".into() } else { format!("{min} characters are") }
        )));
    }
    if length < min {
        let label = format!("{}, at least {min} are needed", characters(length));
        return Err(Complaint::new(Code::InvalidValue, format!("`{name}` is too short"), label));
    }
    if length > max {
        let label = format!("{}, at most {max} are allowed", characters(length));
        return Err(Complaint::new(Code::InvalidValue, format!("`{name}` is too long"), label));
    }
    Ok(())
}

fn one_of(words: &[&'static str], text: &str, subject: Subject<'_>, suggest: &Suggest) -> Result<(), Complaint> {
    if words.contains(&text) {
        return Ok(());
    }
    let all = listed(words.iter().copied(), "or");
    if subject.secret {
        let message = format!("`{}` has a value that is not allowed", subject.name);
        return Err(
            Complaint::new(Code::InvalidValue, message, "not one of the allowed words").help(format!("write {all}"))
        );
    }
    let message = format!("`{}` cannot be `{}`", subject.name, shown(text));
    let help = match suggest.nearest(text, words.iter().copied()) {
        Some(nearest) => format!("did you mean `{nearest}`? {all} are allowed"),
        None => format!("write {all}"),
    };
    Err(Complaint::new(Code::InvalidValue, message, "not one of the allowed words").help(help))
}

fn texts(items: &[Value], max_total: usize, subject: Subject<'_>) -> Result<(), Complaint> {
    let mut total = 0;
    for (at, item) in items.iter().enumerate() {
        let exposed = if let Value::Sensitive(secret) = item { secret.expose() } else { item };
        match exposed {
            Value::Text(text) => total += text.chars().count(),
            Value::Unknown | Value::Redacted | Value::Template(_) => {}
            other => {
                let message = format!("`{}` takes strings, not {}", subject.name, other.describe());
                let mut complaint = Complaint::new(Code::WrongType, message, other.describe());
                complaint.path = Path::default().index(at);
                if matches!(other, Value::Number(_) | Value::Bool(_)) {
                    complaint = complaint.help("write it in quotes");
                }
                return Err(complaint);
            }
        }
    }
    if total > max_total {
        let message = format!("`{}` is too long", subject.name);
        let label = format!("{total} characters in all, at most {max_total} are allowed");
        return Err(Complaint::new(Code::InvalidValue, message, label));
    }
    Ok(())
}

fn mappings(items: &[Value], subject: Subject<'_>) -> Result<(), Complaint> {
    for (at, item) in items.iter().enumerate() {
        let exposed = if let Value::Sensitive(secret) = item { secret.expose() } else { item };
        if !matches!(exposed, Value::Map(_) | Value::Unknown | Value::Redacted | Value::Template(_)) {
            let message = format!("`{}` takes mappings, not {}", subject.name, exposed.describe());
            let mut complaint = Complaint::new(Code::WrongType, message, exposed.describe());
            complaint.path = Path::default().index(at);
            return Err(complaint.help("write `- key: value` and the other keys below it, indented"));
        }
    }
    Ok(())
}

/// The remote would keep each name once, and tell it once for ever.
fn twice(items: &[Value], subject: Subject<'_>) -> Result<(), Complaint> {
    let known = |item: &&Value| matches!(item, Value::Text(_));
    let again = (1..items.len()).find(|at| known(&&items[*at]) && items[..*at].contains(&items[*at]));
    let Some(at) = again else { return Ok(()) };
    let message = format!("`{}` names the same twice", subject.name);
    let mut complaint = Complaint::new(Code::InvalidValue, message, "named before").help("remove it");
    complaint.path = Path::default().index(at);
    Err(complaint)
}

fn wrong_type(shape: &Shape, subject: Subject<'_>) -> Complaint {
    let Subject { name, value, secret, .. } = subject;
    let lexeme = subject.lexeme.filter(|lexeme| !secret && lexeme.len() <= 60 && !lexeme.contains('\n'));
    let takes = describe(shape);
    let complaint = Complaint::new(
        Code::WrongType,
        format!("`{name}` takes {takes}, not {}", value.describe()),
        if matches!(value, Value::Null) { "no value" } else { value.describe() },
    );
    let text = value.as_text().filter(|_| !secret);
    match (shape, value, lexeme) {
        (Shape::Text { .. } | Shape::Format(_) | Shape::Enum(_), Value::Number(_) | Value::Bool(_), Some(lexeme)) => {
            complaint.help(format!("quote it: `\"{lexeme}\"`"))
        }
        (Shape::Boolean, Value::Text(_), _) => match text.map(str::to_lowercase).as_deref() {
            Some("yes" | "on" | "y" | "true") => {
                complaint.help("write `true`, without quotes: in YAML 1.2 anything else is a string")
            }
            Some("no" | "off" | "n" | "false") => {
                complaint.help("write `false`, without quotes: in YAML 1.2 anything else is a string")
            }
            _ => complaint.help("write `true` or `false`"),
        },
        (Shape::Integer { .. }, Value::Text(_), _) if text.is_some_and(|text| text.parse::<i64>().is_ok()) => {
            complaint.help(format!("write it without quotes: `{}`", text.unwrap_or_default()))
        }
        (Shape::Texts { .. } | Shape::Names { .. }, Value::Text(_), Some(lexeme)) => {
            complaint.help(format!("write a list: `[{lexeme}]`"))
        }
        (Shape::Object | Shape::Parts { .. }, _, _) => complaint.help("write `key: value` lines below it, indented"),
        (Shape::Instant, _, _) => complaint.help("write it as `2026-09-01T00:00:00Z`"),
        _ => complaint,
    }
}

/// Why a string is no instant.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotAnInstant {
    DateOnly,
    NoOffset,
    Form,
    /// What of it does not exist.
    Value(String),
    Zero,
    TooPrecise,
}

/// Reads RFC 3339: `2026-09-01T00:00:00Z`, with up to three fractional digits that count.
///
/// jiff alone would read much more: `20240101`, a space for the `T`, no offset.
pub(super) fn instant(text: &str) -> Result<DateTime, NotAnInstant> {
    let bytes = text.as_bytes();
    let digits =
        |range: std::ops::Range<usize>| bytes.get(range).is_some_and(|part| part.iter().all(u8::is_ascii_digit));
    let is = |at: usize, byte: u8| bytes.get(at) == Some(&byte);
    if !(digits(0..4) && is(4, b'-') && digits(5..7) && is(7, b'-') && digits(8..10)) {
        return Err(NotAnInstant::Form);
    }
    if bytes.len() == 10 {
        return Err(NotAnInstant::DateOnly.unless_wrong(&format!("{text}T00:00:00Z")));
    }
    if !(is(10, b'T') && digits(11..13) && is(13, b':') && digits(14..16) && is(16, b':') && digits(17..19)) {
        return Err(NotAnInstant::Form);
    }
    let mut rest = &bytes[19..];
    let mut fraction: &[u8] = b"";
    if let Some(after) = rest.strip_prefix(b".") {
        let length = after.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if length == 0 {
            return Err(NotAnInstant::Form);
        }
        (fraction, rest) = after.split_at(length);
    }
    match rest {
        b"Z" => {}
        b"" => return Err(NotAnInstant::NoOffset.unless_wrong(&format!("{text}Z"))),
        [b'+' | b'-', h1, h2, b':', m1, m2] if [h1, h2, m1, m2].iter().all(|byte| byte.is_ascii_digit()) => {
            if [*h1, *h2] > *b"23" || [*m1, *m2] > *b"59" {
                return Err(NotAnInstant::Value("the offset is at most 23:59".into()));
            }
        }
        _ => return Err(NotAnInstant::Form),
    }
    if bytes[17..19] > b"59"[..] {
        return Err(NotAnInstant::Value("the seconds are at most 59".into()));
    }
    if fraction.iter().skip(3).any(|digit| *digit != b'0') {
        return Err(NotAnInstant::TooPrecise);
    }
    // jiff reads at most nine fractional digits; those past the third are zeros.
    let trimmed =
        if fraction.len() > 3 { Some(format!("{}{}", &text[..23], &text[20 + fraction.len()..])) } else { None };
    let moment =
        model::instant::utc(trimmed.as_deref().unwrap_or(text)).ok_or_else(|| NotAnInstant::Value(no_such(text)))?;
    // Kaiten reads the first instant of year 1 as "unset" and fails; years before it have no RFC 3339 form.
    let unset = date(1, 1, 1).at(0, 0, 0, 0);
    if moment <= unset { Err(NotAnInstant::Zero) } else { Ok(moment) }
}

/// What of a date and time, written as RFC 3339 wants it, does not exist.
fn no_such(text: &str) -> String {
    let number = |range: std::ops::Range<usize>| {
        text.get(range).and_then(|digits: &str| digits.parse::<i8>().ok()).unwrap_or_default()
    };
    let year = text.get(..4).and_then(|digits| digits.parse::<i16>().ok()).unwrap_or_default();
    let (month, day) = (number(5..7), number(8..10));
    match Date::new(year, month, 1) {
        Err(_) => "the months are 01 to 12".to_owned(),
        Ok(first) if !(1..=first.days_in_month()).contains(&day) => {
            format!("the days of this month are 01 to {}", first.days_in_month())
        }
        Ok(_) if number(11..13) > 23 => "the hours are at most 23".to_owned(),
        Ok(_) if number(14..16) > 59 => "the minutes are at most 59".to_owned(),
        Ok(_) => "in UTC this is beyond the year 9999".to_owned(),
    }
}

impl NotAnInstant {
    /// What is wrong with it even if it is completed so: nobody is told to write what is refused then.
    fn unless_wrong(self, completed: &str) -> Self {
        match instant(completed) {
            Err(wrong @ Self::Value(_)) => wrong,
            _ => self,
        }
    }

    fn complain(&self, text: &str, subject: Subject<'_>) -> Complaint {
        let named = if subject.secret { format!("`{}`", subject.name) } else { format!("`{}`", shown(text)) };
        let example = "write it as `2026-09-01T00:00:00Z`";
        let complaint = |message: String, label: &str| Complaint::new(Code::InvalidValue, message, label);
        match self {
            Self::DateOnly => {
                let help = if subject.secret { example.into() } else { format!("write `{text}T00:00:00Z`") };
                complaint(format!("{named} is a date without a time"), "a time is needed too").help(help)
            }
            Self::NoOffset => {
                let help = if subject.secret {
                    example.into()
                } else {
                    format!("write `{text}Z` for UTC, or an offset such as `{text}+02:00`")
                };
                complaint(format!("{named} has no offset"), "which time zone?").help(help)
            }
            Self::Form => complaint(format!("{named} is not a date and time"), "not RFC 3339").help(example),
            Self::Value(_) if subject.secret => complaint(format!("{named} is not a date and time"), "no such time"),
            Self::Value(why) => complaint(format!("{named} is not a date and time"), why),
            Self::Zero => complaint(format!("{named} means \"unset\" to the remote"), "not a usable date")
                .help("write the date that is meant"),
            Self::TooPrecise => complaint(
                format!("{named} is more precise than milliseconds"),
                "finer than a millisecond",
            )
            .help(
                "write at most three fractional digits: the remote keeps no more, so the value would differ for ever",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(shape: &Shape, value: &Value, lexeme: Option<&str>) -> Option<String> {
        let subject = Subject { name: "field", value, lexeme, secret: false };
        let complaint = Shapes::default().check(shape, subject, &Suggest::default()).err()?;
        let help = complaint.help.map(|help| format!(" ({help})")).unwrap_or_default();
        Some(format!("{}: {}{help}", complaint.message, complaint.label))
    }

    #[test]
    fn instants_are_rfc_3339_to_the_millisecond() {
        for text in [
            "2026-09-01T00:00:00Z",
            "2026-09-01T12:30:00.5+02:00",
            "2026-09-01T00:00:00.123Z",
            "2026-09-01T00:00:00.123000000000Z",
            "2024-02-29T23:59:59-23:59",
            "9999-12-31T23:59:59Z",
        ] {
            assert!(instant(text).is_ok(), "{text}: {:?}", instant(text));
        }
        assert_eq!(instant("2026-09-01T00:00:00.120000000000+01:00"), Ok(date(2026, 8, 31).at(23, 0, 0, 120_000_000)));
        for (text, problem) in [
            ("2026-09-01", NotAnInstant::DateOnly),
            ("2026-13-01", NotAnInstant::Value("the months are 01 to 12".into())),
            ("2026-09-01T25:00:00", NotAnInstant::Value("the hours are at most 23".into())),
            ("2026-09-01T00:00:00", NotAnInstant::NoOffset),
            ("20260901", NotAnInstant::Form),
            ("2026-09-01 00:00:00Z", NotAnInstant::Form),
            ("2026-09-01t00:00:00z", NotAnInstant::Form),
            ("2026-09-01T00:00Z", NotAnInstant::Form),
            ("2026-09-01T00:00:00.Z", NotAnInstant::Form),
            ("2026-09-01T00:00:00+0200", NotAnInstant::Form),
            ("2026-09-01T00:00:00Z[UTC]", NotAnInstant::Form),
            ("tomorrow", NotAnInstant::Form),
            ("", NotAnInstant::Form),
            ("２０２６-09-01T00:00:00Z", NotAnInstant::Form),
            ("0001-01-01T00:00:00Z", NotAnInstant::Zero),
            ("0000-06-01T00:00:00Z", NotAnInstant::Zero),
            ("0001-01-01T01:00:00+02:00", NotAnInstant::Zero),
            ("2026-09-01T00:00:00.1234Z", NotAnInstant::TooPrecise),
        ] {
            assert_eq!(instant(text), Err(problem), "{text}");
        }
        for (text, why) in [
            ("2026-02-30T00:00:00Z", "the days of this month are 01 to 28"),
            ("2024-02-30T00:00:00Z", "the days of this month are 01 to 29"),
            ("2026-04-00T00:00:00Z", "the days of this month are 01 to 30"),
            ("2026-13-01T00:00:00Z", "the months are 01 to 12"),
            ("2026-01-01T24:00:00Z", "the hours are at most 23"),
            ("2026-01-01T00:60:00Z", "the minutes are at most 59"),
            ("2026-01-01T00:00:60Z", "the seconds are at most 59"),
            ("2026-01-01T00:00:00+24:00", "the offset is at most 23:59"),
            ("9999-12-31T23:59:59-01:00", "in UTC this is beyond the year 9999"),
        ] {
            assert_eq!(instant(text), Err(NotAnInstant::Value(why.to_owned())), "{text}");
        }
    }

    #[test]
    fn lengths_count_characters() {
        let shape = Shape::Text { min: 1, max: 3 };
        assert_eq!(complaint(&shape, &Value::text("значение".chars().take(3).collect::<String>()), None), None);
        assert_eq!(
            complaint(&shape, &Value::text("日本語だ"), None).as_deref(),
            Some("`field` is too long: 4 characters, at most 3 are allowed")
        );
        assert_eq!(
            complaint(&shape, &Value::text(""), None).as_deref(),
            Some("`field` is empty: an empty string (at least 1 character is needed)")
        );
        let longer = Shape::Text { min: 3, max: 9 };
        assert_eq!(
            complaint(&longer, &Value::text("éé"), None).as_deref(),
            Some("`field` is too short: 2 characters, at least 3 are needed")
        );
    }

    #[test]
    fn a_format_holds_for_the_whole_string() {
        static SLUG: Format = Format { what: "a slug", pattern: "[a-z]+|[0-9]+", min: 2, max: 4, help: "use a-z" };
        let shape = Shape::Format(&SLUG);
        assert_eq!(complaint(&shape, &Value::text("abc"), None), None);
        for wrong in ["ab1", "1ab", "ab\n", "AB"] {
            assert!(complaint(&shape, &Value::text(wrong), None).is_some(), "{wrong:?}");
        }
        assert_eq!(
            complaint(&shape, &Value::text("a"), None).as_deref(),
            Some("`a` is not a slug: 1 character: 2 to 4 are allowed (use a-z)")
        );
    }

    #[test]
    fn a_value_of_another_type_says_how_to_write_it() {
        let text = Shape::Text { min: 0, max: 9 };
        assert_eq!(
            complaint(&text, &Value::Number(7.into()), Some("007")).as_deref(),
            Some("`field` takes a string, not an integer: an integer (quote it: `\"007\"`)")
        );
        for (word, written) in
            [("yes", "`true`"), ("Off", "`false`"), ("true", "`true`"), ("maybe", "`true` or `false`")]
        {
            let told = complaint(&Shape::Boolean, &Value::text(word), None).expect("a string is no boolean");
            assert!(told.contains(&format!("write {written}")), "{told}");
        }
        let integer = Shape::Integer { min: 1, max: 5 };
        assert!(complaint(&integer, &Value::text("3"), None).expect("a string").contains("without quotes: `3`"));
        assert!(complaint(&integer, &Value::Number(6.into()), None).expect("too large").contains("from 1 to 5"));
        assert!(complaint(&integer, &Value::Number(u64::MAX.into()), None).is_some());
        assert_eq!(complaint(&integer, &Value::Number(5.into()), None), None);
        let tags = Shape::Texts { max_total: 5 };
        assert!(complaint(&tags, &Value::text("a"), Some("a")).expect("no list").contains("`[a]`"));
        let list = |items: &[&str]| Value::List(items.iter().map(|item| Value::text(*item)).collect());
        assert_eq!(complaint(&tags, &list(&["éé", "ééé"]), None), None);
        assert!(complaint(&tags, &list(&["ab", "cdef"]), None).expect("too long").contains("6 characters in all"));
    }

    #[test]
    fn a_secret_is_in_no_message() {
        use crate::model::Sensitive;
        static SLUG: Format = Format { what: "a slug", pattern: "[a-z]+", min: 1, max: 90, help: "use a-z" };
        let secret = "S3CRET";
        let shapes = [
            Shape::Format(&SLUG),
            Shape::Instant,
            Shape::Enum(&["A"]),
            Shape::Boolean,
            Shape::Integer { min: 0, max: 1 },
            Shape::Object,
            Shape::Texts { max_total: 1 },
            Shape::Text { min: 0, max: 1 },
        ];
        for shape in shapes {
            for text in
                [secret.to_owned(), format!("{secret} 2026"), format!("2026-09-01 {secret}"), "2026-09-0199".into()]
            {
                let told = complaint(&shape, &Sensitive::wrap(Value::text(text.as_str())), Some(&text));
                let told = told.unwrap_or_else(|| panic!("{shape:?} refuses {text}"));
                assert!(!told.contains(secret) && !told.contains("0199"), "{told}");
            }
        }
    }
}
