//! Rate limits: how many requests one user may send in a window of time (reference section 15).

use std::collections::HashMap;

use jiff::Timestamp;

use super::options::RateLimit;

/// One limiter's memory. It is not saved: a restart opens a new window.
#[derive(Debug, Default)]
pub(super) struct Limiter {
    windows: HashMap<String, Window>,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    ends: i64,
    used: u32,
}

/// What a limiter says to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) exceeded: bool,
    pub(super) limit: u32,
    /// In steps of a tenth of the limit, as the Cloud Controller estimates it.
    pub(super) remaining: u32,
    /// When the window ends, in seconds since the epoch.
    pub(super) reset: i64,
    pub(super) retry_after: i64,
}

impl Limiter {
    pub(super) fn count(&mut self, limit: RateLimit, user: &str, now: Timestamp) -> Verdict {
        let length = i64::try_from(limit.window.as_secs()).unwrap_or(i64::MAX).max(1);
        let second = now.as_second();
        let window = self
            .windows
            .entry(user.to_owned())
            .and_modify(|window| {
                if window.ends <= second {
                    *window = Window { ends: second.saturating_add(length), used: 0 };
                }
            })
            .or_insert(Window { ends: second.saturating_add(length), used: 0 });
        window.used = window.used.saturating_add(1);
        let left = u64::from(limit.requests.saturating_sub(window.used));
        let tenths = if limit.requests == 0 { 0 } else { left * 10 / u64::from(limit.requests) };
        let remaining = u64::from(limit.requests) * tenths / 10;
        Verdict {
            exceeded: window.used > limit.requests,
            limit: limit.requests,
            remaining: u32::try_from(remaining).expect("no more than the limit, which is a u32"),
            reset: window.ends,
            retry_after: window.ends - second,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_window_ends_and_the_next_starts_full() {
        let limit = RateLimit { requests: 20, window: Duration::from_secs(60) };
        let start = Timestamp::from_second(1000).expect("in range");
        let mut limiter = Limiter::default();
        let first = limiter.count(limit, "u", start);
        assert_eq!((first.exceeded, first.remaining, first.reset, first.retry_after), (false, 18, 1060, 60));
        for _ in 0..19 {
            assert!(!limiter.count(limit, "u", start).exceeded);
        }
        let over = limiter.count(limit, "u", start + Duration::from_secs(10));
        assert_eq!((over.exceeded, over.remaining, over.retry_after), (true, 0, 50));
        assert!(!limiter.count(limit, "somebody else", start).exceeded);
        assert!(!limiter.count(limit, "u", start + Duration::from_secs(60)).exceeded);
    }
}
