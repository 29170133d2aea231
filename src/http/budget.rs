//! What one target allows: how many requests at a time, and when none.
//!
//! It begins with what the user allows. Each time the target pushes back (429, 503) it gets half as many at a time, and
//! with each round of answers that it gives willingly one more again: additive increase, multiplicative decrease.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;

use super::Response;
use super::retry::LONGEST_WAIT;
use crate::clock::Clock;

/// Under which names remotes tell their rate limit: Cloud Controller's general one, and the one of its v2 API. An estimate
/// in steps of a tenth (Cloud Foundry, section 15).
const LIMITS: [[&str; 2]; 2] =
    [["x-ratelimit-remaining", "x-ratelimit-reset"], ["x-ratelimit-remaining-v2-api", "x-ratelimit-reset-v2-api"]];

/// What holds requests to a target back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Throttle {
    /// No request is sent for as long as this.
    pub pause: Option<Duration>,
    /// How many requests are sent at a time.
    pub at_a_time: usize,
    /// Why: the answer that asked for it, such as `429 to GET /v3/spaces`.
    pub why: String,
}

/// The budget of one target, shared by all that send to it.
pub(super) struct Budget {
    /// What the user allows.
    most: usize,
    state: Mutex<State>,
    freed: Notify,
    reads: AtomicU64,
    writes: AtomicU64,
}

struct State {
    in_flight: usize,
    width: usize,
    /// Answers given willingly since the width last changed.
    willing: usize,
    /// How often the width has been halved. What was sent before the last time says nothing new.
    round: u64,
    /// No request is sent before this.
    not_before: Timestamp,
    /// Until this, the limit is nearly used up.
    scarce_until: Timestamp,
    why: String,
}

/// Permission to send one request.
pub(super) struct Turn<'a> {
    budget: &'a Budget,
    round: u64,
}

impl Budget {
    pub(super) fn new(most: usize) -> Self {
        let most = most.max(1);
        let state = State {
            in_flight: 0,
            width: most,
            willing: 0,
            round: 0,
            not_before: Timestamp::MIN,
            scarce_until: Timestamp::MIN,
            why: String::new(),
        };
        let (reads, writes) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { most, state: Mutex::new(state), freed: Notify::new(), reads, writes }
    }

    /// Waits until a request may be sent. Waiting for the remote holds no place.
    pub(super) async fn turn(&self, clock: &Clock) -> Turn<'_> {
        loop {
            let mut freed = std::pin::pin!(self.freed.notified());
            // From here on, no place that becomes free is missed.
            freed.as_mut().enable();
            let pause = {
                let mut state = self.lock();
                let now = clock.now();
                let pause = left(state.not_before, now);
                if pause.is_none() && state.in_flight < state.width(now) {
                    state.in_flight += 1;
                    if state.in_flight < state.width(now) {
                        // There may be more room than there were places given back.
                        self.freed.notify_one();
                    }
                    return Turn { budget: self, round: state.round };
                }
                pause
            };
            match pause {
                Some(pause) => clock.sleep(pause).await,
                None => freed.await,
            }
        }
    }

    /// Asks everybody to wait.
    pub(super) fn postpone(&self, now: Timestamp, wait: Duration) {
        let mut state = self.lock();
        state.not_before = now.checked_add(wait).unwrap_or(now).max(state.not_before);
    }

    /// What holds requests back now.
    pub(super) fn throttle(&self, now: Timestamp) -> Option<Throttle> {
        let state = self.lock();
        let (pause, at_a_time) = (left(state.not_before, now), state.width(now));
        (pause.is_some() || at_a_time < self.most).then(|| Throttle { pause, at_a_time, why: state.why.clone() })
    }

    pub(super) fn count(&self, writes: bool) {
        if writes { &self.writes } else { &self.reads }.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }

    pub(super) fn writes(&self) -> u64 {
        self.writes.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn<'_> {
    /// Learns from an answer how much the target wants.
    pub(super) fn learn(&self, answer: &Response, now: Timestamp) {
        let mut state = self.budget.lock();
        let why = || format!("{} to {} {}", answer.status, answer.method, answer.path);
        if let Some(reset) = nearly_used_up(answer) {
            // The window may be an hour; the estimate is looked at anew before that.
            let latest = now.checked_add(LONGEST_WAIT).unwrap_or(now);
            state.scarce_until = reset.min(latest).max(state.scarce_until);
            "its rate limit is nearly used up".clone_into(&mut state.why);
        }
        match answer.status {
            429 | 503 => {
                state.why = why();
                if self.round == state.round {
                    state.width = (state.width / 2).max(1);
                    state.willing = 0;
                    state.round += 1;
                }
            }
            _ if self.round == state.round && state.width < self.budget.most => {
                state.willing += 1;
                if state.willing >= state.width {
                    state.width += 1;
                    state.willing = 0;
                }
            }
            _ => {}
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.budget.lock().in_flight -= 1;
        self.budget.freed.notify_one();
    }
}

impl State {
    fn width(&self, now: Timestamp) -> usize {
        if now < self.scarce_until { 1 } else { self.width }
    }
}

/// When a limit of which nothing is estimated to be left begins anew.
fn nearly_used_up(answer: &Response) -> Option<Timestamp> {
    LIMITS.iter().find_map(|[remaining, reset]| {
        let remaining: u64 = answer.header(remaining)?.trim().parse().ok()?;
        let reset = answer.header(reset)?.trim().parse().ok()?;
        (remaining == 0).then(|| Timestamp::from_second(reset).ok())?
    })
}

fn left(until: Timestamp, now: Timestamp) -> Option<Duration> {
    Duration::try_from(until.duration_since(now)).ok().filter(|left| !left.is_zero())
}

#[cfg(test)]
mod tests;
