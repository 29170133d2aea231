//! Rate limits: how many requests one user may send in a window of time (reference section 15).

use std::collections::{HashMap, VecDeque};

use jiff::{SignedDuration, Timestamp};

use super::access::Caller;
use super::call::{Call, Reply};
use super::errors::{Error, Failure};
use super::options::{BrokerLimit, RateLimit};
use super::world::World;

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

/// What one limiter said, and how it is told.
#[derive(Clone, Copy, Debug)]
struct Counted {
    headers: [&'static str; 3],
    error: Error,
    verdict: Verdict,
}

/// What all limiters said to one request.
#[derive(Clone, Debug, Default)]
pub(super) struct Verdicts(Vec<Counted>);

/// Counts a request with each limiter that is set up for it.
pub(super) fn count(world: &mut World, caller: &Caller, is_v2: bool, now: Timestamp) -> Verdicts {
    let mut verdicts = Vec::new();
    if let Some(limit) = world.options.rate_limit
        && !caller.is_admin()
    {
        let headers = ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"];
        let error = if caller.is_signed_in() { Error::RateLimitExceeded } else { Error::IPBasedRateLimitExceeded };
        verdicts.push(Counted { headers, error, verdict: world.limiter.count(limit, &caller.id, now) });
    }
    if let Some(limit) = world.options.v2_rate_limit
        && is_v2
        && !caller.is_exempt_from_the_v2_limit()
    {
        let headers = ["x-ratelimit-limit-v2-api", "x-ratelimit-remaining-v2-api", "x-ratelimit-reset-v2-api"];
        let verdict = world.v2_limiter.count(limit, &caller.id, now);
        verdicts.push(Counted { headers, error: Error::RateLimitV2APIExceeded, verdict });
    }
    Verdicts(verdicts)
}

impl Verdicts {
    /// The refusal, if a limit is exceeded: JSON that says it is plain text.
    pub(super) fn refusal(&self, render: fn(&Failure) -> Reply) -> Option<Reply> {
        let Counted { error, verdict, .. } = self.0.iter().find(|counted| counted.verdict.exceeded)?;
        let reply = render(&(*error).into());
        Some(
            reply
                .with("retry-after", verdict.retry_after.to_string())
                .with("content-type", "text/plain; charset=utf-8".to_owned()),
        )
    }

    /// The reply with what every counted request is told.
    pub(super) fn told_in(self, mut reply: Reply) -> Reply {
        for Counted { headers: [limit, remaining, reset], verdict, .. } in self.0 {
            reply = reply
                .with(limit, verdict.limit.to_string())
                .with(remaining, verdict.remaining.to_string())
                .with(reset, verdict.reset.to_string());
        }
        reply
    }
}

/// What users ask of brokers just now. It is not saved.
#[derive(Debug, Default)]
pub(super) struct BrokerLimiter {
    /// When each request of a user is over.
    under_way: HashMap<String, VecDeque<Timestamp>>,
    refusals: u32,
}

impl BrokerLimiter {
    /// The seconds after which to come back, if it is too much now.
    fn count(&mut self, limit: BrokerLimit, user: &str, now: Timestamp) -> Option<i64> {
        let requests = self.under_way.entry(user.to_owned()).or_default();
        while requests.front().is_some_and(|over| *over <= now) {
            requests.pop_front();
        }
        if requests.len() < usize::try_from(limit.requests).unwrap_or(usize::MAX) {
            requests.push_back(now + limit.each);
            return None;
        }
        // The real one draws lots; these are spread over the same range, and the same each time.
        self.refusals = self.refusals.wrapping_add(1);
        let share = f64::from(self.refusals.wrapping_mul(37) % 101) / 100.0;
        let wait = limit.timeout.mul_f64(0.5 + share);
        Some(SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX).as_secs().max(1))
    }
}

/// Whether answering this takes a broker, in the eyes of the limiter (section 15): v2's writes on instances, bindings and
/// keys, and v3's reads of parameters.
fn takes_a_broker(call: &Call) -> bool {
    let mut path = call.path.split('/').skip(1);
    match (path.next(), path.next()) {
        (Some("v2"), Some("service_instances" | "service_bindings" | "service_keys")) => {
            matches!(call.method.as_str(), "POST" | "PUT" | "DELETE")
        }
        (Some("v3"), Some("service_instances" | "service_credential_bindings" | "service_route_bindings")) => {
            call.method == "GET" && path.nth(1) == Some("parameters")
        }
        _ => false,
    }
}

/// The refusal, if one user asks too much of brokers at a time. It carries none of the headers of the other limits.
pub(super) fn refuse_broker(
    world: &mut World,
    call: &Call,
    caller: &Caller,
    now: Timestamp,
    render: fn(&Failure) -> Reply,
) -> Option<Reply> {
    let limit = world.options.broker_limit.filter(|limit| limit.requests > 0)?;
    if caller.is_admin() || !takes_a_broker(call) {
        return None;
    }
    let retry_after = world.broker_limiter.count(limit, &caller.id, now)?;
    Some(
        render(&Error::ServiceBrokerRateLimitExceeded.into())
            .with("retry-after", retry_after.to_string())
            .with("content-type", "text/plain; charset=utf-8".to_owned()),
    )
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
