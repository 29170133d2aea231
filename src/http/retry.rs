//! Whether a request is sent again, and when.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use jiff::Timestamp;

use super::{Response, Transport, Tries, Why};

/// The longest `Retry-After` that is waited for; after a longer one the answer is handed on.
pub const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// How long one request waits in all because the remote asks for it.
const PATIENCE: Duration = Duration::from_secs(120);

/// How often a request is sent, unless it is the remote that asks to come back.
const TRIES: usize = 4;

/// What an outcome allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing more to gain.
    Final,
    /// May be sent again.
    Again,
    /// May be sent again, but once only: a plain 500 is as likely to be a defect as a hiccup.
    Once,
    /// The remote asks all its clients to wait this long.
    After(Duration),
}

/// Judges an outcome. Nothing that writes is sent again unless the remote cannot have taken it.
pub(super) fn judge(tries: Tries, outcome: Result<&Response, &Transport>, now: Timestamp) -> Verdict {
    let reading = matches!(tries, Tries::Read);
    match outcome {
        Err(transport) => match transport.why {
            Why::NoConnection => Verdict::Again,
            Why::TimedOut | Why::Cut if reading => Verdict::Again,
            Why::TimedOut | Why::Cut | Why::Untrusted | Why::TooLarge | Why::Invalid => Verdict::Final,
        },
        Ok(response) => {
            let harmless = match tries {
                Tries::Read => true,
                Tries::Write(untaken) => response.status == 429 || untaken(response),
            };
            let asked = || match response.retry_after(now) {
                None => Verdict::Again,
                Some(wait) if wait <= LONGEST_WAIT => Verdict::After(wait),
                Some(_) => Verdict::Final,
            };
            match response.status {
                429 | 503 if harmless => asked(),
                408 | 502 | 504 if harmless => Verdict::Again,
                // A race that was lost.
                409 if harmless && !reading => Verdict::Once,
                500 if harmless => Verdict::Once,
                _ => Verdict::Final,
            }
        }
    }
}

/// The waits of one request.
pub(super) struct Waits {
    backoff: ExponentialBackoff,
    tries: usize,
    once: bool,
    asked: Duration,
}

impl Waits {
    pub(super) fn new() -> Self {
        let backoff = ExponentialBuilder::new()
            .with_min_delay(Duration::from_millis(250))
            .with_factor(2.0)
            .with_max_delay(Duration::from_secs(8))
            .without_max_times()
            .build();
        Self { backoff, tries: 1, once: false, asked: Duration::ZERO }
    }

    /// How long to wait before the next try; `None` to give up. `chance` is below 1 and not below 0.
    pub(super) fn next(&mut self, verdict: Verdict, chance: f64) -> Option<Duration> {
        // Up to twice as long, so that requests that failed together do not come back together.
        let pause = self.backoff.next()?.mul_f64(1.0 + chance);
        let wait = match verdict {
            Verdict::Final => return None,
            Verdict::After(asked) => {
                let wait = pause.max(asked);
                self.asked += wait;
                return (self.asked <= PATIENCE).then_some(wait);
            }
            Verdict::Once if self.once => return None,
            Verdict::Once => {
                self.once = true;
                pause
            }
            Verdict::Again => pause,
        };
        self.tries += 1;
        (self.tries <= TRIES).then_some(wait)
    }
}

#[cfg(test)]
mod tests {
    use reqwest::Method;
    use reqwest::header::{HeaderMap, HeaderValue};

    use super::*;

    fn answer(status: u16, retry_after: Option<&str>) -> Response {
        let mut headers = HeaderMap::new();
        if let Some(value) = retry_after {
            headers.insert("retry-after", HeaderValue::from_str(value).unwrap());
        }
        Response { status, headers, body: Vec::new(), method: Method::GET, path: "/x".to_owned(), uncertain: false }
    }

    fn judged(tries: Tries, status: u16, retry_after: Option<&str>) -> Verdict {
        judge(tries, Ok(&answer(status, retry_after)), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_read_is_sent_again_after_weather_and_not_after_a_refusal() {
        for status in [408, 429, 502, 503, 504] {
            assert_eq!(judged(Tries::Read, status, None), Verdict::Again, "{status}");
        }
        assert_eq!(judged(Tries::Read, 500, None), Verdict::Once);
        for status in [200, 201, 204, 301, 400, 401, 403, 404, 409, 422, 501] {
            assert_eq!(judged(Tries::Read, status, None), Verdict::Final, "{status}");
        }
    }

    #[test]
    fn a_write_is_sent_again_only_if_the_remote_cannot_have_taken_it() {
        let write = Tries::Write(|_| false);
        assert_eq!(judged(write, 429, None), Verdict::Again);
        for status in [408, 500, 502, 503, 504] {
            assert_eq!(judged(write, status, None), Verdict::Final, "{status}");
        }
        assert_eq!(judged(Tries::Write(|answer| answer.status == 503), 503, None), Verdict::Again);

        let failed = |why| Transport { why, ..Transport::sample() };
        let judged = |tries, why| judge(tries, Err(&failed(why)), Timestamp::UNIX_EPOCH);
        assert_eq!(judged(write, Why::NoConnection), Verdict::Again);
        for why in [Why::TimedOut, Why::Cut] {
            assert_eq!(judged(write, why), Verdict::Final, "{why:?}");
            assert_eq!(judged(Tries::Read, why), Verdict::Again, "{why:?}");
        }
        for why in [Why::Untrusted, Why::TooLarge, Why::Invalid] {
            assert_eq!(judged(Tries::Read, why), Verdict::Final, "{why:?}");
        }
    }

    #[test]
    fn a_longer_wait_than_ours_is_not_begun() {
        assert_eq!(judged(Tries::Read, 429, Some("60")), Verdict::After(LONGEST_WAIT));
        assert_eq!(judged(Tries::Read, 429, Some("61")), Verdict::Final);
        assert_eq!(judged(Tries::Read, 503, Some("2")), Verdict::After(Duration::from_secs(2)));
    }

    fn all(verdict: Verdict, chance: f64) -> Vec<u128> {
        let mut waits = Waits::new();
        std::iter::from_fn(|| waits.next(verdict, chance)).map(|wait| wait.as_millis()).collect()
    }

    #[test]
    fn waits_double_with_jitter_and_end() {
        assert_eq!(all(Verdict::Again, 0.0), [250, 500, 1000]);
        assert_eq!(all(Verdict::Again, 0.5), [375, 750, 1500]);
        assert_eq!(all(Verdict::Once, 0.0), [250]);
        assert_eq!(all(Verdict::Final, 0.0), [0_u128; 0]);
    }

    #[test]
    fn waiting_on_request_ends_too_however_short_the_waits_asked_for() {
        assert_eq!(all(Verdict::After(LONGEST_WAIT), 0.0), [60_000, 60_000]);
        let short = all(Verdict::After(Duration::ZERO), 0.0);
        assert_eq!(short[..7], [250, 500, 1000, 2000, 4000, 8000, 8000]);
        assert!(short.len() < 25, "{}", short.len());
    }
}
