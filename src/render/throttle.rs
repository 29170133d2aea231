//! Why nothing seems to happen: a target asks for patience.

use std::collections::BTreeMap;
use std::time::Duration;

use super::clean_line;
use super::layout::spoken;
use crate::http::Throttle;
use crate::model::TargetName;

/// A shorter pause is over before it is read.
const WORTH_TELLING: Duration = Duration::from_secs(2);
/// Two looks at the same pause differ by less.
const SAME: Duration = Duration::from_secs(1);

/// Tells each pause of each target once.
#[derive(Debug, Clone, Default)]
pub struct Throttles {
    /// Until when each target's last pause that was told of goes, since the run began.
    told: BTreeMap<TargetName, Duration>,
}

impl Throttles {
    /// What there is to tell of `held` now; `at` is the time since the run began.
    pub fn news(&mut self, held: &[(TargetName, Throttle)], at: Duration) -> Vec<String> {
        let news = held.iter().filter_map(|(target, throttle)| {
            let pause = throttle.pause.filter(|pause| *pause >= WORTH_TELLING)?;
            let until = self.told.entry(target.clone()).or_default();
            let new = at + pause > *until + SAME;
            *until = (*until).max(at + pause);
            new.then(|| words(target, throttle))
        });
        news.collect()
    }
}

/// What holds a target's requests back, in one line.
pub(super) fn words(target: &TargetName, throttle: &Throttle) -> String {
    let why = clean_line(&throttle.why);
    match throttle.pause {
        Some(pause) => {
            // Rounded up: a countdown that says 0 s while it waits is a lie.
            let pause = spoken(Duration::from_secs(pause.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX)));
            format!("target `{target}` asks to wait, {pause} more ({why})")
        }
        None if throttle.at_a_time == 1 => format!("target `{target}`: one request at a time ({why})"),
        None => format!("target `{target}`: {} requests at a time ({why})", throttle.at_a_time),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(pause: Option<u64>) -> (TargetName, Throttle) {
        let pause = pause.map(Duration::from_millis);
        ("cf".into(), Throttle { pause, at_a_time: 4, why: "429 to GET /v3/\u{1b}[31mspaces".to_owned() })
    }

    #[test]
    fn a_pause_is_told_once_and_a_longer_one_again() {
        let mut throttles = Throttles::default();
        let mut at = |pause, at| throttles.news(&[held(pause)], Duration::from_millis(at)).len();
        assert_eq!(at(Some(30_000), 0), 1);
        assert_eq!(at(Some(29_500), 500), 0);
        assert_eq!(at(Some(29_300), 1_000), 0);
        assert_eq!(at(Some(45_000), 1_500), 1);
        assert_eq!(at(None, 2_000), 0);
        assert_eq!(at(Some(60_000), 60_000), 1);
    }

    #[test]
    fn what_is_over_before_it_is_read_is_not_told() {
        assert!(Throttles::default().news(&[held(Some(1_999))], Duration::ZERO).is_empty());
    }

    #[test]
    fn words_say_how_long_and_why_and_steer_no_terminal() {
        let of = |pause| {
            let (target, throttle) = held(pause);
            words(&target, &throttle)
        };
        assert_eq!(of(Some(22_001)), "target `cf` asks to wait, 23 s more (429 to GET /v3/\\u{1b}[31mspaces)");
        assert_eq!(of(None), "target `cf`: 4 requests at a time (429 to GET /v3/\\u{1b}[31mspaces)");
    }
}
