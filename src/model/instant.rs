//! Points in time, as RFC 3339 writes them.

use jiff::civil::DateTime;
use jiff::fmt::temporal::Pieces;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// A point in time with its offset, by the clock of UTC; `None` if the text is none, or beyond the year 9999 there.
///
/// Unlike [`Timestamp`], which leaves room for offsets, this reaches the last second of 9999: the end that is given to
/// what never ends.
pub fn utc(text: &str) -> Option<DateTime> {
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Some(TimeZone::UTC.to_datetime(timestamp));
    }
    let pieces = Pieces::parse(text).ok()?;
    let offset = SignedDuration::from_secs(pieces.to_numeric_offset()?.seconds().into());
    pieces.date().to_datetime(pieces.time()?).checked_sub(offset).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_that_of_utc() {
        for (text, expected) in [
            ("2026-01-01T12:00:00+02:00", Some("2026-01-01T10:00:00")),
            ("2026-01-01T12:00:00.5Z", Some("2026-01-01T12:00:00.5")),
            ("2026-01-01T12:00:00", None),
            ("tomorrow", None),
        ] {
            assert_eq!(utc(text).map(|moment| moment.to_string()).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn time_ends_with_the_year_9999() {
        for (text, expected) in [
            ("9999-12-31T23:59:59Z", Some("9999-12-31T23:59:59")),
            ("9999-12-31T23:59:59.999+00:00", Some("9999-12-31T23:59:59.999")),
            ("9999-12-31T23:59:59+02:00", Some("9999-12-31T21:59:59")),
            ("9999-12-31T23:59:59-00:01", None),
        ] {
            assert_eq!(utc(text).map(|moment| moment.to_string()).as_deref(), expected, "{text}");
        }
    }
}
