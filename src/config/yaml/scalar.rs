//! The core schema of YAML 1.2.2 (section 10.3.2): what an unquoted word means.

/// What a plain scalar is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Meaning {
    Null,
    Bool(bool),
    Integer(Integer),
    Float(f64),
    Text,
    /// An integer that 64 bits cannot hold.
    IntegerTooLarge,
    /// A number that a double cannot hold.
    FloatTooLarge,
    /// `.inf` and `.nan`: numbers to YAML, but JSON, which both remotes speak, has none of them.
    NotFinite,
}

/// An integer; [`Integer::Unsigned`] only if it does not fit the other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Integer {
    Signed(i64),
    Unsigned(u64),
}

/// Whether `text` is a string when it stands without quotes.
pub(crate) fn is_text(text: &str) -> bool {
    resolve(text) == Meaning::Text
}

/// What `text` means when it stands without quotes.
pub(super) fn resolve(text: &str) -> Meaning {
    // Most words start with another letter and are text.
    if !text.starts_with(['-', '+', '.', '~', 'n', 'N', 't', 'T', 'f', 'F'])
        && !text.starts_with(|c: char| c.is_ascii_digit())
    {
        return if text.is_empty() { Meaning::Null } else { Meaning::Text };
    }
    match text {
        "~" | "null" | "Null" | "NULL" => return Meaning::Null,
        "true" | "True" | "TRUE" => return Meaning::Bool(true),
        "false" | "False" | "FALSE" => return Meaning::Bool(false),
        _ => {}
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if is_digits(unsigned) {
        return decimal(text);
    }
    for (prefix, radix) in [("0x", 16), ("0o", 8)] {
        if let Some(digits) = text.strip_prefix(prefix)
            && !digits.is_empty()
            && digits.chars().all(|c| c.is_digit(radix))
        {
            return u64::from_str_radix(digits, radix).map_or(Meaning::IntegerTooLarge, of_unsigned);
        }
    }
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Meaning::NotFinite;
    }
    if is_float(unsigned) {
        return match text.parse::<f64>() {
            Ok(float) if float.is_finite() => Meaning::Float(float),
            _ => Meaning::FloatTooLarge,
        };
    }
    Meaning::Text
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn decimal(text: &str) -> Meaning {
    match (text.parse::<i64>(), text.parse::<u64>()) {
        (Ok(integer), _) => Meaning::Integer(Integer::Signed(integer)),
        (_, Ok(integer)) => of_unsigned(integer),
        _ => Meaning::IntegerTooLarge,
    }
}

fn of_unsigned(integer: u64) -> Meaning {
    Meaning::Integer(i64::try_from(integer).map_or(Integer::Unsigned(integer), Integer::Signed))
}

/// `( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`
fn is_float(text: &str) -> bool {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let mantissa = match mantissa.split_once('.') {
        Some(("", fraction)) => is_digits(fraction),
        Some((whole, fraction)) => is_digits(whole) && (fraction.is_empty() || is_digits(fraction)),
        None => is_digits(mantissa),
    };
    mantissa && exponent.is_none_or(|exponent| is_digits(exponent.strip_prefix(['-', '+']).unwrap_or(exponent)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn integer(value: i64) -> Meaning {
        Meaning::Integer(Integer::Signed(value))
    }

    #[test]
    fn words_mean_what_the_core_schema_says() {
        for text in ["", "~", "null", "Null", "NULL"] {
            assert_eq!(resolve(text), Meaning::Null, "{text}");
        }
        for (text, value) in
            [("true", true), ("True", true), ("TRUE", true), ("false", false), ("False", false), ("FALSE", false)]
        {
            assert_eq!(resolve(text), Meaning::Bool(value), "{text}");
        }
        for (text, value) in [
            ("0", 0),
            ("-0", 0),
            ("+12", 12),
            ("01234", 1234),
            ("0o17", 15),
            ("0xFf", 255),
            ("9223372036854775807", i64::MAX),
            ("-9223372036854775808", i64::MIN),
        ] {
            assert_eq!(resolve(text), integer(value), "{text}");
        }
        assert_eq!(resolve("18446744073709551615"), Meaning::Integer(Integer::Unsigned(u64::MAX)));
        assert_eq!(resolve("0xffffffffffffffff"), Meaning::Integer(Integer::Unsigned(u64::MAX)));
        for (text, value) in
            [("1.", 1.0), (".5", 0.5), ("-1.5e3", -1500.0), ("+1E-2", 0.01), ("1e3", 1000.0), ("0.1", 0.1)]
        {
            assert_eq!(resolve(text), Meaning::Float(value), "{text}");
        }
    }

    #[test]
    fn what_only_other_versions_of_yaml_understand_is_text() {
        for text in [
            "yes",
            "no",
            "on",
            "off",
            "y",
            "n",
            "NO",
            "nULL",
            "tRUE",
            "1_000",
            "0b11",
            "12:30:45",
            "2024-01-01",
            "-0x1",
            "0x",
            "0o8",
            "+",
            "-",
            ".",
            "1e",
            "e1",
            "1.2.3",
            "..5",
            ".e1",
            "--1",
            "+-1",
            "0x-1",
            "infinity",
            "nan",
            "inf",
            "-.nan",
            "1 ",
            "١",
            "NaN",
        ] {
            assert_eq!(resolve(text), Meaning::Text, "{text}");
        }
    }

    #[test]
    fn numbers_that_cannot_be_kept_are_told_apart() {
        for text in ["18446744073709551616", "-9223372036854775809", "0x10000000000000000", "99999999999999999999"] {
            assert_eq!(resolve(text), Meaning::IntegerTooLarge, "{text}");
        }
        for text in ["1e999", "-1.5e400"] {
            assert_eq!(resolve(text), Meaning::FloatTooLarge, "{text}");
        }
        for text in [".inf", "-.Inf", "+.INF", ".nan", ".NaN"] {
            assert_eq!(resolve(text), Meaning::NotFinite, "{text}");
        }
    }
}
