use std::future::Future;
use std::pin::Pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;
use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, Request as Received, ResponseTemplate};

use super::*;
use crate::clock::Source;
use crate::settings::Auth;

/// A clock that goes on only by sleeping, and notes for how long.
struct Still {
    now: Mutex<Timestamp>,
    slept: Mutex<Vec<Duration>>,
}

impl Source for Still {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.slept.lock().unwrap().push(duration);
        let mut now = self.now.lock().unwrap();
        *now = now.checked_add(duration).unwrap();
        Box::pin(tokio::task::yield_now())
    }

    fn chance(&self) -> f64 {
        0.0
    }
}

struct World {
    client: Client,
    clock: Arc<Still>,
}

impl World {
    fn at(url: &str) -> Self {
        let clock = Arc::new(Still { now: Mutex::new(Timestamp::UNIX_EPOCH), slept: Mutex::new(Vec::new()) });
        let endpoint = Endpoint {
            name: "kaiten".into(),
            provider: "kaiten",
            url: url.parse().unwrap(),
            api: None,
            auth: Auth::Token(SecretString::from("hush")),
            ca: None,
            skip_tls_verify: false,
            seed_writes: false,
            parallelism: 2,
            request_timeout: Duration::from_millis(500),
        };
        let client = Client::new(&endpoint, &Clock::new(Arc::clone(&clock) as Arc<dyn Source>)).unwrap();
        Self { client, clock }
    }

    fn slept(&self) -> Vec<u128> {
        self.clock.slept.lock().unwrap().iter().map(Duration::as_millis).collect()
    }
}

/// Answers with these statuses, one a request, the last one for ever.
fn in_turn(templates: Vec<ResponseTemplate>) -> impl Fn(&Received) -> ResponseTemplate {
    let next = AtomicUsize::new(0);
    move |_: &Received| {
        let at = next.fetch_add(1, Ordering::Relaxed);
        templates[at.min(templates.len() - 1)].clone()
    }
}

fn status(code: u16) -> ResponseTemplate {
    ResponseTemplate::new(code)
}

#[tokio::test]
async fn a_read_survives_weather_and_counts_every_try() {
    let server = MockServer::start().await;
    Mock::given(path("/api/x"))
        .and(header("accept", "application/json"))
        .and(header("user-agent", concat!("trueup/", env!("CARGO_PKG_VERSION"))))
        .respond_with(in_turn(vec![status(503), status(502), status(200).set_body_string("{}")]))
        .mount(&server)
        .await;
    let world = World::at(&format!("{}/api/", server.uri()));
    let answer = world.client.send(Request::get("/x?limit=1")).await.unwrap();
    assert_eq!((answer.status, answer.path.as_str()), (200, "/x"));
    assert_eq!(world.slept(), [250, 500]);
    assert_eq!((world.client.reads(), world.client.writes()), (3, 0));
}

#[tokio::test]
async fn a_500_is_asked_about_twice_and_handed_on() {
    let server = MockServer::start().await;
    Mock::given(method("GET")).respond_with(status(500)).expect(2).mount(&server).await;
    let answer = World::at(&server.uri()).client.send(Request::get("/x")).await.unwrap();
    assert_eq!((answer.status, answer.uncertain), (500, false));
}

#[tokio::test]
async fn a_write_that_may_have_been_taken_is_sent_once() {
    for code in [500, 502, 503, 504] {
        let server = MockServer::start().await;
        Mock::given(method("POST")).respond_with(status(code)).expect(1).mount(&server).await;
        let answer = World::at(&server.uri()).client.send(Request::write(Method::POST, "/x")).await.unwrap();
        assert!(answer.uncertain, "{code}");
    }
}

#[tokio::test]
async fn a_write_that_was_not_taken_is_sent_again() {
    let server = MockServer::start().await;
    let untouched = status(503).set_body_string("nothing was written");
    Mock::given(method("POST"))
        .respond_with(in_turn(vec![status(429), untouched, status(201)]))
        .expect(3)
        .mount(&server)
        .await;
    let world = World::at(&server.uri());
    let create = Request::write(Method::POST, "/x").untaken(|answer| answer.body.starts_with(b"nothing"));
    assert_eq!(world.client.send(create).await.unwrap().status, 201);
    assert_eq!((world.client.reads(), world.client.writes()), (0, 3));
}

#[tokio::test]
async fn a_write_known_to_be_untaken_is_certain_even_when_given_up() {
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(status(503)).expect(4).mount(&server).await;
    let create = Request::write(Method::POST, "/x").untaken(|answer| answer.status == 503);
    let answer = World::at(&server.uri()).client.send(create).await.unwrap();
    assert_eq!((answer.status, answer.uncertain), (503, false));
}

#[tokio::test]
async fn a_refused_connection_is_tried_again_even_for_a_write_and_is_certain() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let world = World::at(&format!("http://127.0.0.1:{port}"));
    let lost = world.client.send(Request::write(Method::POST, "/x?secret=hush")).await.unwrap_err();
    assert_eq!((lost.why, lost.uncertain), (Why::NoConnection, false));
    assert_eq!(world.slept(), [250, 500, 1000]);
    assert!(lost.message.contains("refused"), "{}", lost.message);
    assert!(!format!("{lost:?}").contains("hush"));
}

/// A server that reads a request, says this much and hangs up; tells how many it has read.
async fn cuts_off_after(said: &'static str) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let count = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&count);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut buffer = [0; 4096];
            let _ = stream.read(&mut buffer).await.unwrap();
            seen.fetch_add(1, Ordering::Relaxed);
            stream.write_all(said.as_bytes()).await.unwrap();
        }
    });
    (url, count)
}

#[tokio::test]
async fn a_connection_cut_after_the_request_leaves_a_write_uncertain_and_unrepeated() {
    for said in ["", "HTTP/1.1 201 Created\r\ncontent-length: 100\r\n\r\n{\"id\":"] {
        let (url, seen) = cuts_off_after(said).await;
        let lost = World::at(&url).client.send(Request::write(Method::POST, "/x")).await.unwrap_err();
        assert_eq!((lost.why, lost.uncertain), (Why::Cut, true), "{said}");
        assert_eq!(seen.load(Ordering::Relaxed), 1, "{said}");

        let (url, seen) = cuts_off_after(said).await;
        let lost = World::at(&url).client.send(Request::get("/x")).await.unwrap_err();
        assert_eq!((lost.why, lost.uncertain), (Why::Cut, false), "{said}");
        assert_eq!(seen.load(Ordering::Relaxed), 4, "{said}");
    }
}

#[tokio::test]
async fn a_write_without_an_answer_in_time_is_uncertain() {
    let server = MockServer::start().await;
    Mock::given(method("PUT"))
        .respond_with(status(200).set_delay(Duration::from_secs(5)))
        .expect(1)
        .mount(&server)
        .await;
    let lost = World::at(&server.uri()).client.send(Request::write(Method::PUT, "/x")).await.unwrap_err();
    assert_eq!((lost.why, lost.uncertain), (Why::TimedOut, true));
}

#[tokio::test]
async fn what_one_request_is_told_to_wait_all_wait() {
    let server = MockServer::start().await;
    Mock::given(path("/limited"))
        .respond_with(in_turn(vec![status(429).insert_header("retry-after", "7"), status(200)]))
        .mount(&server)
        .await;
    Mock::given(path("/other")).respond_with(status(200)).mount(&server).await;
    let world = World::at(&server.uri());
    world.client.budget.postpone(Timestamp::UNIX_EPOCH, Duration::from_secs(7));
    world.client.send(Request::get("/other")).await.unwrap();
    assert_eq!(world.slept(), [7000]);

    let world = World::at(&server.uri());
    assert_eq!(world.client.send(Request::get("/limited")).await.unwrap().status, 200);
    assert_eq!(world.slept(), [7000]);
    let throttle = world.client.budget.throttle(Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!((throttle.pause, throttle.at_a_time), (Some(Duration::from_secs(7)), 2));
    assert_eq!(throttle.why, "429 to GET /limited");
}

#[tokio::test]
async fn an_hour_is_not_waited_for() {
    let server = MockServer::start().await;
    Mock::given(path("/x"))
        .respond_with(status(429).insert_header("retry-after", "3600"))
        .expect(1)
        .mount(&server)
        .await;
    let world = World::at(&server.uri());
    assert_eq!(world.client.send(Request::get("/x")).await.unwrap().status, 429);
    assert_eq!(world.slept(), [0_u128; 0]);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_the_token_stays_here() {
    let server = MockServer::start().await;
    let elsewhere = MockServer::start().await;
    Mock::given(path("/x"))
        .respond_with(status(302).insert_header("location", elsewhere.uri().as_str()))
        .mount(&server)
        .await;
    let request = Request::get("/x").authorization("Bearer", "hush");
    assert_eq!(World::at(&server.uri()).client.send(request).await.unwrap().status, 302);
    assert!(elsewhere.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_bomb_is_not_swallowed() {
    let server = MockServer::start().await;
    Mock::given(path("/x")).respond_with(status(200).set_body_bytes(vec![b' '; LARGEST_BODY + 1])).mount(&server).await;
    let mut world = World::at(&server.uri());
    world.client = {
        let patient = Trust { timeout: Duration::from_secs(60), ..world.client.trust.clone() };
        Client { http: build(&server.uri().parse().unwrap(), &patient).unwrap(), ..world.client }
    };
    assert_eq!(world.client.send(Request::get("/x")).await.unwrap_err().why, Why::TooLarge);
}

#[test]
fn authorities_that_are_none_are_refused() {
    let world = World::at("https://127.0.0.1:1");
    let trust = Trust { ca: Some(b"not PEM".to_vec()), ..world.client.trust.clone() };
    let refused = build(&"https://kaiten.example.com".parse().unwrap(), &trust).unwrap_err();
    assert!(matches!(refused, BuildError::Authorities(_)), "{refused}");
}

#[test]
fn another_url_of_the_target_shares_its_budget() {
    let world = World::at("http://127.0.0.1:1/");
    let sign_in = world.client.at(&"http://127.0.0.1:2/uaa/".parse().unwrap()).unwrap();
    assert_eq!(sign_in.base(), "http://127.0.0.1:2/uaa");
    assert!(Arc::ptr_eq(&sign_in.budget, &world.client.budget));
}
