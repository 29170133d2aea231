use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::task::Poll;

use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::*;
use crate::clock::Source;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

/// A clock on which nothing ever ends.
struct Stopped;

impl Source for Stopped {
    fn now(&self) -> Timestamp {
        NOW
    }

    fn sleep(&self, _: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(std::future::pending())
    }

    fn chance(&self) -> f64 {
        0.0
    }
}

fn stopped() -> Clock {
    Clock::new(Arc::new(Stopped))
}

fn answer(status: u16, headers: &[(&'static str, &str)]) -> Response {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
    }
    let (method, path) = (Method::GET, "/x".to_owned());
    Response { status, headers: map, body: Vec::new(), method, path, uncertain: false }
}

/// As many turns as there are now.
async fn all(budget: &Budget) -> Vec<Turn<'_>> {
    let mut turns = Vec::new();
    let clock = stopped();
    loop {
        let mut turn = std::pin::pin!(budget.turn(&clock));
        let next = std::future::poll_fn(|context| Poll::Ready(turn.as_mut().poll(context))).await;
        let Poll::Ready(turn) = next else { return turns };
        turns.push(turn);
    }
}

fn width(budget: &Budget) -> usize {
    budget.lock().width(NOW)
}

async fn answered(budget: &Budget, status: u16) {
    let turn = budget.turn(&stopped()).await;
    turn.learn(&answer(status, &[]), NOW);
}

#[tokio::test]
async fn no_more_than_allowed_are_sent_at_a_time() {
    let budget = Budget::new(3);
    let mut turns = all(&budget).await;
    assert_eq!(turns.len(), 3);
    turns.pop();
    assert_eq!(all(&budget).await.len(), 1);
}

#[tokio::test]
async fn none_at_a_time_would_be_no_work_at_all() {
    assert_eq!(all(&Budget::new(0)).await.len(), 1);
}

#[tokio::test]
async fn whoever_pushes_back_gets_half_as_many_at_a_time_and_never_none() {
    for status in [429, 503] {
        let budget = Budget::new(16);
        let mut widths = Vec::new();
        for _ in 0..6 {
            answered(&budget, status).await;
            widths.push(width(&budget));
        }
        assert_eq!(widths, [8, 4, 2, 1, 1, 1], "{status}");
        assert_eq!(all(&budget).await.len(), 1, "{status}");
    }
}

#[tokio::test]
async fn requests_that_were_under_way_together_count_as_one_push() {
    let budget = Budget::new(16);
    for turn in all(&budget).await {
        turn.learn(&answer(429, &[]), NOW);
    }
    assert_eq!(width(&budget), 8);
}

#[tokio::test]
async fn each_round_of_willing_answers_widens_by_one_up_to_what_is_allowed() {
    let budget = Budget::new(4);
    answered(&budget, 429).await;
    assert_eq!(width(&budget), 2);
    let mut widths = Vec::new();
    for status in [200, 404, 201, 409, 200, 200, 200, 200] {
        answered(&budget, status).await;
        widths.push(width(&budget));
    }
    assert_eq!(widths, [2, 3, 3, 3, 4, 4, 4, 4]);
}

#[tokio::test]
async fn waiting_for_the_remote_holds_no_place() {
    let budget = Budget::new(2);
    budget.postpone(NOW, Duration::from_secs(7));
    assert!(all(&budget).await.is_empty());
    assert_eq!(budget.lock().in_flight, 0);
}

#[tokio::test]
async fn a_shorter_wait_does_not_end_a_longer_one() {
    let budget = Budget::new(2);
    budget.postpone(NOW, Duration::from_secs(7));
    budget.postpone(NOW, Duration::from_secs(2));
    assert_eq!(budget.throttle(NOW).unwrap().pause, Some(Duration::from_secs(7)));
}

#[tokio::test]
async fn a_limit_that_is_nearly_used_up_is_gone_about_one_request_at_a_time() {
    for [remaining, reset] in LIMITS {
        let budget = Budget::new(16);
        let turn = budget.turn(&stopped()).await;
        turn.learn(&answer(200, &[(remaining, "200"), (reset, "30")]), NOW);
        assert_eq!(width(&budget), 16, "{remaining}");
        turn.learn(&answer(200, &[(remaining, "0"), (reset, "30")]), NOW);
        assert_eq!(width(&budget), 1, "{remaining}");
        let at = |second| budget.lock().width(Timestamp::from_second(second).unwrap());
        assert_eq!((at(29), at(30)), (1, 16), "{remaining}");
        let why = budget.throttle(NOW).unwrap().why;
        assert_eq!(why, "its rate limit is nearly used up");
    }
}

#[tokio::test]
async fn an_hour_of_scarcity_is_looked_at_anew_each_minute() {
    let budget = Budget::new(16);
    let turn = budget.turn(&stopped()).await;
    turn.learn(&answer(200, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "3600")]), NOW);
    assert_eq!(budget.lock().width(Timestamp::from_second(60).unwrap()), 16);
}

#[tokio::test]
async fn headers_that_make_no_sense_are_none() {
    let budget = Budget::new(16);
    let turn = budget.turn(&stopped()).await;
    for (remaining, reset) in [("none", "30"), ("0", "soon"), ("-1", "30"), ("0", "99999999999999999")] {
        turn.learn(&answer(200, &[("x-ratelimit-remaining", remaining), ("x-ratelimit-reset", reset)]), NOW);
        assert_eq!(width(&budget), 16, "{remaining} {reset}");
    }
}

#[tokio::test]
async fn what_holds_back_is_told_with_its_reason() {
    let budget = Budget::new(4);
    assert_eq!(budget.throttle(NOW), None);
    answered(&budget, 429).await;
    budget.postpone(NOW, Duration::from_secs(30));
    let expected = Throttle { pause: Some(Duration::from_secs(30)), at_a_time: 2, why: "429 to GET /x".to_owned() };
    assert_eq!(budget.throttle(NOW), Some(expected));
}

#[tokio::test]
async fn everybody_who_waits_gets_a_turn_when_there_is_more_room_again() {
    let budget = Arc::new(Budget::new(4));
    let first = budget.turn(&stopped()).await;
    first.learn(&answer(429, &[]), NOW);
    first.learn(&answer(200, &[]), NOW);
    budget.lock().width = 1;
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let (budget, running, most) = (Arc::clone(&budget), Arc::clone(&running), Arc::clone(&most));
            tokio::spawn(async move {
                let _turn = budget.turn(&stopped()).await;
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                for _ in 0..10 {
                    tokio::task::yield_now().await;
                }
                running.fetch_sub(1, Ordering::SeqCst);
            })
        })
        .collect();
    tokio::task::yield_now().await;
    // One place is given back, but there is room for four.
    budget.lock().width = 4;
    drop(first);
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(most.load(Ordering::SeqCst), 4);
}
