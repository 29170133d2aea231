//! Points in time as the database keeps them: milliseconds, and no zone.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, DateTime, Time};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

/// Milliseconds since 1970, by the wall clock (`TIMESTAMP(3)` without time zone, §6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Stamp(i64);

impl Stamp {
    /// `0001-01-01T00:00:00Z`, which the server takes for "unset".
    pub(super) const UNSET: Self = Self(-62_135_596_800_000);

    /// The moment, rounded half up to milliseconds.
    pub(super) fn of(moment: Timestamp) -> Self {
        Self(round(moment.as_nanosecond()))
    }

    /// Reads RFC 3339 as Go does. The offset must be right, and is then dropped, not applied.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if !text.is_ascii() || bytes.len() < 20 {
            return None;
        }
        let fixed = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
        if fixed.iter().any(|(at, byte)| bytes[*at] != *byte) {
            return None;
        }
        let mut rest = &text[19..];
        let mut nanoseconds = 0;
        if let Some(fraction) = rest.strip_prefix('.') {
            let digits = fraction.len() - fraction.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            if digits == 0 {
                return None;
            }
            // Go keeps nine digits.
            nanoseconds = number::<i32>(&format!("{:0<9.9}", &fraction[..digits]))?;
            rest = &fraction[digits..];
        }
        if !offset(rest) {
            return None;
        }
        let date = Date::new(number(&text[..4])?, number(&text[5..7])?, number(&text[8..10])?).ok()?;
        let time =
            Time::new(number(&text[11..13])?, number(&text[14..16])?, number(&text[17..19])?, nanoseconds).ok()?;
        // Not by way of `Timestamp`, which ends a day before the year 9999 does.
        Some(Self(round(date.to_datetime(time).duration_since(EPOCH).as_nanos())))
    }
}

fn round(nanoseconds: i128) -> i64 {
    let milliseconds = (nanoseconds + 500_000).div_euclid(1_000_000);
    i64::try_from(milliseconds).expect("years have four digits")
}

/// Digits only: the number parsers of the standard library take a sign, too.
fn number<T: FromStr>(text: &str) -> Option<T> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

fn offset(text: &str) -> bool {
    if text == "Z" {
        return true;
    }
    let Some(digits) = text.strip_prefix(['+', '-']) else { return false };
    let Some((hours, minutes)) = digits.split_once(':') else { return false };
    hours.len() == 2
        && minutes.len() == 2
        && number::<u8>(hours).is_some_and(|hours| hours <= 24)
        && number::<u8>(minutes).is_some_and(|minutes| minutes < 60)
}

/// UTC `Z`, up to three fractional digits, zeros at the end left out.
impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.div_euclid(1000);
        let fraction = self.0.rem_euclid(1000);
        match EPOCH.checked_add(SignedDuration::from_secs(seconds)) {
            Ok(moment) => write!(f, "{moment}")?,
            // Only the last half millisecond of the year 9999 rounds to here.
            Err(_) => f.write_str("10000-01-01T00:00:00")?,
        }
        if fraction > 0 {
            let digits = format!("{fraction:03}");
            write!(f, ".{}", digits.trim_end_matches('0'))?;
        }
        f.write_str("Z")
    }
}

impl Serialize for Stamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Stamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom(format!("`{text}` is not a time")))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stored(text: &str) -> Option<String> {
        Stamp::parse(text).map(|stamp| stamp.to_string())
    }

    #[test]
    fn milliseconds_are_kept_and_rounded_half_up() {
        let cases = [
            ("2026-01-01T12:00:00Z", "2026-01-01T12:00:00Z"),
            ("2026-01-01T12:00:00.5Z", "2026-01-01T12:00:00.5Z"),
            ("2026-01-01T12:00:00.120Z", "2026-01-01T12:00:00.12Z"),
            ("2026-01-01T12:00:00.1234999Z", "2026-01-01T12:00:00.123Z"),
            ("2026-01-01T12:00:00.1235Z", "2026-01-01T12:00:00.124Z"),
            ("2026-12-31T23:59:59.9996Z", "2027-01-01T00:00:00Z"),
            ("1969-12-31T23:59:59.0005Z", "1969-12-31T23:59:59.001Z"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
            ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
        ];
        for (sent, kept) in cases {
            assert_eq!(stored(sent).as_deref(), Some(kept));
        }
        assert_eq!(Stamp::parse("0001-01-01T00:00:00Z"), Some(Stamp::UNSET));
    }

    #[test]
    fn an_offset_is_dropped_and_not_applied() {
        assert_eq!(stored("2026-01-01T12:00:00+02:00").as_deref(), Some("2026-01-01T12:00:00Z"));
        assert_eq!(stored("2026-01-01T12:00:00.25-11:30").as_deref(), Some("2026-01-01T12:00:00.25Z"));
    }

    #[test]
    fn what_is_not_rfc_3339_is_refused() {
        for text in [
            "",
            "2026-01-01",
            "2026-01-01T12:00:00",
            "2026-01-01 12:00:00Z",
            "2026-01-01T12:00:00.Z",
            "2026-02-30T12:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T12:00:00+2:00",
            "2026-01-01T12:00:00+02:60",
            "2026-01-01T12:00:00z",
            "+026-01-01T12:00:00Z",
            "２026-01-01T12:00:00Z",
        ] {
            assert_eq!(stored(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_stored_time_is_within_half_a_millisecond_and_stays_as_it_is(second in -62_000_000_000_i64..253_000_000_000, nano in 0_i32..1_000_000_000) {
            let sent = Timestamp::new(second, 0).unwrap();
            let text = format!("{}.{nano:09}Z", sent.to_string().trim_end_matches('Z'));
            let kept = stored(&text).unwrap();
            let sent = i128::from(second) * 1_000_000_000 + i128::from(nano);
            let distance = kept.parse::<Timestamp>().unwrap().as_nanosecond() - sent;
            prop_assert!((-499_999..=500_000).contains(&distance), "{} became {}", text, kept);
            prop_assert_eq!(stored(&kept).unwrap(), kept);
        }
    }
}
