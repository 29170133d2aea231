//! What stands in front of a remote: the recorder, latency and faults.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, TRANSFER_ENCODING};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::watch;

use super::fault::{Effect, Faults, Reply, ReplyBody};
use super::line::Line;
use super::recorder::{Recorder, Ticket};
use super::remote::Wording;

/// The largest request body taken, in bytes.
const LARGEST_BODY: usize = 32 << 20;

/// The weather at one remote, shared by its requests and by those who make it.
#[derive(Debug)]
pub(super) struct Weather {
    pub(super) faults: Faults,
    pub(super) recorder: Recorder,
    /// What each request takes longer than it has to, in milliseconds.
    pub(super) latency: AtomicU64,
    pub(super) wording: Wording,
    /// True once the sandbox shuts down: nobody waits any longer then.
    pub(super) closing: watch::Receiver<bool>,
}

impl Weather {
    pub(super) fn new(wording: Wording, closing: watch::Receiver<bool>) -> Self {
        let (faults, recorder, latency) = (Faults::default(), Recorder::default(), AtomicU64::new(0));
        Self { faults, recorder, latency, wording, closing }
    }

    async fn wait(&self, milliseconds: u64) {
        if milliseconds > 0 {
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(milliseconds)) => {}
                () = self.closed() => {}
            }
        }
    }

    async fn closed(&self) {
        // An error means the sandbox is gone, which is as good as closing.
        let _ = self.closing.clone().wait_for(|closing| *closing).await;
    }

    /// The answer that never comes; the connection ends with the sandbox.
    async fn silence(&self, line: &Line) -> Response {
        self.closed().await;
        cut(line)
    }

    fn stand_in(&self, reply: &Reply, path: &str) -> Response {
        let (content_type, body) = match reply.body {
            ReplyBody::Remote => self.wording.error(reply, path),
            ReplyBody::Text => {
                ("text/plain; charset=utf-8", reply.detail.clone().unwrap_or_else(|| "try later\n".to_owned()))
            }
            ReplyBody::Html => ("text/html", page(reply.status)),
            ReplyBody::Empty => ("", String::new()),
        };
        let mut response = body.into_response();
        *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.remove(CONTENT_TYPE);
        if !content_type.is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        if let Some(after) = reply.retry_after.as_deref().and_then(|after| HeaderValue::from_str(after).ok()) {
            headers.insert(RETRY_AFTER, after);
        }
        response
    }
}

/// Lets a request through the weather to the remote.
pub(super) async fn pass(
    State(weather): State<Arc<Weather>>,
    ConnectInfo(line): ConnectInfo<Line>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LARGEST_BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let (method, path) = (parts.method.as_str().to_owned(), parts.uri.path().to_owned());
    let ticket = weather.recorder.begin(&method, &path, parts.uri.query(), &parts.headers, &body);
    let request = Request::from_parts(parts, Body::from(body));

    weather.wait(weather.latency.load(Ordering::Relaxed)).await;
    let Some((fault, effect)) = weather.faults.strike(&method, &path) else {
        return answered(&ticket, next.run(request).await);
    };
    tracing::debug!(%method, %path, ?effect, "a fault strikes");
    ticket.struck_by(name(&effect));
    match effect {
        Effect::Reply(reply) => {
            if reply.processed {
                next.run(request).await;
            }
            answered(&ticket, weather.stand_in(&reply, &path))
        }
        Effect::Delay(milliseconds) => {
            weather.wait(milliseconds).await;
            answered(&ticket, next.run(request).await)
        }
        Effect::Held => {
            while weather.faults.has(fault) && !*weather.closing.borrow() {
                weather.wait(2).await;
            }
            answered(&ticket, next.run(request).await)
        }
        Effect::CutBefore => cut(&line),
        Effect::CutAfter => {
            next.run(request).await;
            cut(&line)
        }
        Effect::Truncated => {
            let Some((mut response, body)) = whole(next.run(request).await).await else { return cut(&line) };
            let Some(half) = NonZeroUsize::new(body.len() / 2) else { return cut(&line) };
            line.cut_in_body(half);
            *response.body_mut() = Body::from(body);
            answered(&ticket, response)
        }
        Effect::Malformed => {
            let Some((mut response, body)) = whole(next.run(request).await).await else { return cut(&line) };
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            // Half of a JSON text can be one; with a comma in front it never is.
            let half = [b",", &body[..body.len() / 2]].concat();
            *response.body_mut() = Body::from(half);
            answered(&ticket, response)
        }
        Effect::SilentBefore => weather.silence(&line).await,
        Effect::SilentAfter => {
            next.run(request).await;
            weather.silence(&line).await
        }
    }
}

fn answered(ticket: &Ticket<'_>, response: Response) -> Response {
    ticket.answered(response.status().as_u16());
    response
}

fn name(effect: &Effect) -> &'static str {
    match effect {
        Effect::Reply(_) => "reply",
        Effect::Delay(_) => "delay",
        Effect::Held => "held",
        Effect::CutBefore => "cut_before",
        Effect::CutAfter => "cut_after",
        Effect::Truncated => "truncated",
        Effect::Malformed => "malformed",
        Effect::SilentBefore => "silent_before",
        Effect::SilentAfter => "silent_after",
    }
}

/// The response without the headers that tell its length, and its whole body.
async fn whole(response: Response) -> Option<(Response, Bytes)> {
    let (mut parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.ok()?;
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.remove(TRANSFER_ENCODING);
    Some((Response::from_parts(parts, Body::empty()), body))
}

/// Closes the connection; what is returned never leaves.
fn cut(line: &Line) -> Response {
    line.cut();
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

fn page(status: u16) -> String {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    format!(
        "<html>\r\n<head><title>{status}</title></head>\r\n<body>\r\n<center><h1>{status}</h1></center>\r\n\
         <hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    )
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use reqwest::{Client, Method};
    use serde_json::{Value, json};

    use super::*;
    use crate::emulator::kaiten::{Catalogue, Options, SANDBOX_TOKEN};
    use crate::emulator::sandbox::PATIENCE;
    use crate::emulator::{Fault, Running, Sandbox, Served};

    struct World {
        sandbox: Running,
        client: Client,
    }

    impl World {
        async fn new() -> Self {
            let options = Options { catalogue: Catalogue::Empty, ..Options::default() };
            let sandbox = Sandbox::new().kaiten(0, options).start().await.unwrap();
            // The default client would send a request again whose connection was cut before an answer.
            let client = Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap();
            Self { sandbox, client }
        }

        fn kaiten(&self) -> &Served {
            self.sandbox.kaiten().unwrap()
        }

        fn fault(&self, effect: Effect) {
            self.kaiten().faults().add(Fault::on("POST", "/api/customers", effect));
        }

        async fn send(&self, method: Method, path: &str, body: &Value) -> reqwest::Result<reqwest::Response> {
            let request =
                self.client.request(method, format!("{}{path}", self.kaiten().url())).bearer_auth(SANDBOX_TOKEN);
            if body.is_null() { request.send().await } else { request.json(body).send().await }
        }

        async fn create(&self) -> reqwest::Result<reqwest::Response> {
            self.send(Method::POST, "/api/customers", &json!({ "name": "Acme", "slug": "acme" })).await
        }

        async fn exists(&self) -> bool {
            self.send(Method::GET, "/api/customers/acme", &Value::Null).await.unwrap().status() == 200
        }

        fn last(&self) -> (Option<u16>, Option<&'static str>) {
            let last = self.kaiten().recorder().matching("POST", "/api/customers").pop().unwrap();
            (last.status, last.fault)
        }
    }

    #[tokio::test]
    async fn without_faults_a_request_passes() {
        let world = World::new().await;
        let answer = world.create().await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["content-type"]),
            (201, &"application/json".parse().unwrap())
        );
        assert_eq!(answer.headers()["kaiten-traceid"].len(), 32);
        assert!(world.exists().await);
        assert_eq!(world.last(), (Some(201), None));
    }

    #[tokio::test]
    async fn a_connection_cut_before_leaves_no_trace_and_one_cut_after_does() {
        let world = World::new().await;
        world.fault(Effect::CutBefore);
        assert!(world.create().await.is_err());
        assert_eq!(world.last(), (None, Some("cut_before")));
        assert!(!world.exists().await);
        world.fault(Effect::CutAfter);
        assert!(world.create().await.is_err());
        assert_eq!(world.last(), (None, Some("cut_after")));
        assert!(world.exists().await);
        assert_eq!(world.kaiten().recorder().matching("POST", "/").len(), 2);
    }

    #[tokio::test]
    async fn a_truncated_answer_ends_early_and_a_malformed_one_is_no_json() {
        let world = World::new().await;
        world.fault(Effect::Truncated);
        let answer = world.create().await.unwrap();
        assert_eq!(answer.status(), 201);
        let declared = answer.content_length().unwrap();
        assert!(declared > 100 && answer.bytes().await.is_err());
        assert!(world.exists().await);

        world.send(Method::DELETE, "/api/customers/acme", &Value::Null).await.unwrap();
        world.fault(Effect::Malformed);
        let answer = world.create().await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["content-type"]),
            (201, &"application/json".parse().unwrap())
        );
        let body = answer.bytes().await.unwrap();
        assert!(!body.is_empty() && serde_json::from_slice::<Value>(&body).is_err());
    }

    #[tokio::test]
    async fn a_stand_in_has_the_body_of_the_remote_of_a_proxy_or_none() {
        let world = World::new().await;
        world.fault(Effect::Reply(Reply {
            status: 503,
            code: Some("Entitlement.VerificationUnavailable".to_owned()),
            ..Reply::default()
        }));
        let answer = world.create().await.unwrap();
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        let problem: Value = answer.json().await.unwrap();
        assert_eq!((&problem["status"], &problem["instance"]), (&json!(503), &json!("/api/customers")));
        assert_eq!(problem["code"], "Entitlement.VerificationUnavailable");

        world.fault(Effect::too_many_requests(Some("7")));
        let answer = world.create().await.unwrap();
        assert_eq!((answer.status().as_u16(), &answer.headers()["retry-after"]), (429, &"7".parse().unwrap()));
        world.fault(Effect::too_many_requests(None));
        assert_eq!(world.create().await.unwrap().headers().get("retry-after"), None);

        world.fault(Effect::bad_gateway_page());
        let answer = world.create().await.unwrap();
        assert_eq!((answer.status().as_u16(), &answer.headers()["content-type"]), (502, &"text/html".parse().unwrap()));
        assert!(answer.text().await.unwrap().contains("<h1>502 Bad Gateway</h1>"));

        world.fault(Effect::Reply(Reply { status: 504, body: ReplyBody::Empty, processed: true, ..Reply::default() }));
        assert!(!world.exists().await);
        let answer = world.create().await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.content_length()), (504, Some(0)));
        assert!(world.exists().await, "the proxy gave up, the server did not");
    }

    #[tokio::test]
    async fn latency_and_delay_make_a_request_wait() {
        let world = World::new().await;
        world.kaiten().set_latency(Duration::from_millis(60));
        let began = Instant::now();
        assert!(!world.exists().await);
        assert!(began.elapsed() >= Duration::from_millis(60));
        world.kaiten().set_latency(Duration::ZERO);
        world.fault(Effect::Delay(60));
        let began = Instant::now();
        assert_eq!(world.create().await.unwrap().status(), 201);
        assert!(began.elapsed() >= Duration::from_millis(60));
    }

    #[tokio::test]
    async fn an_answer_that_never_comes_does_not_hold_up_the_shutdown() {
        for effect in [Effect::SilentBefore, Effect::SilentAfter] {
            assert!(shut_down_under(effect).await.is_err());
        }
    }

    #[tokio::test]
    async fn a_request_delayed_for_long_is_let_through_at_the_shutdown() {
        assert_eq!(shut_down_under(Effect::Delay(3_600_000)).await.unwrap(), 201);
    }

    /// How a request ends that met this effect when the sandbox was shut down.
    async fn shut_down_under(effect: Effect) -> reqwest::Result<StatusCode> {
        let world = World::new().await;
        world.fault(effect);
        let World { sandbox, client } = world;
        let url = format!("{}/api/customers", sandbox.kaiten().unwrap().url());
        let waiting = tokio::spawn(async move {
            let request = client.post(url).bearer_auth(SANDBOX_TOKEN).json(&json!({ "name": "Acme" }));
            request.send().await.map(|answer| answer.status())
        });
        while sandbox.kaiten().unwrap().faults().list()[0].hits == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(!waiting.is_finished());
        let began = Instant::now();
        sandbox.shutdown().await.unwrap();
        assert!(began.elapsed() < PATIENCE, "the shutdown waited in vain");
        waiting.await.unwrap()
    }

    #[tokio::test]
    async fn everything_is_steered_over_http_too() {
        let world = World::new().await;
        let null = Value::Null;
        let health: Value = world.send(Method::GET, "/_sandbox/health", &null).await.unwrap().json().await.unwrap();
        assert_eq!(health, json!({ "status": "ok", "remote": "kaiten" }));

        let fault = json!({ "method": "GET", "path": "/api", "times": null, "effect": { "reply": { "status": 500 } } });
        let added = world.send(Method::POST, "/_sandbox/faults", &fault).await.unwrap();
        assert_eq!((added.status().as_u16(), added.json::<Value>().await.unwrap()), (201, json!({ "id": 0 })));
        assert_eq!(world.send(Method::GET, "/api/customers?limit=2", &null).await.unwrap().status(), 500);
        let faults: Value = world.send(Method::GET, "/_sandbox/faults", &null).await.unwrap().json().await.unwrap();
        assert_eq!((&faults[0]["hits"], &faults[0]["fault"]["path"]), (&json!(1), &json!("/api")));
        assert_eq!(world.send(Method::DELETE, "/_sandbox/faults/9", &null).await.unwrap().status(), 404);
        assert_eq!(world.send(Method::DELETE, "/_sandbox/faults/0", &null).await.unwrap().status(), 204);
        world.send(Method::POST, "/_sandbox/faults", &fault).await.unwrap();
        assert_eq!(world.send(Method::DELETE, "/_sandbox/faults", &null).await.unwrap().status(), 204);
        assert_eq!(world.create().await.unwrap().status(), 201);
        for wrong in [json!({ "effect": "no_such" }), json!({ "effect": { "reply": { "status": 99 } } })] {
            assert_eq!(world.send(Method::POST, "/_sandbox/faults", &wrong).await.unwrap().status(), 400);
        }

        let requests = world.send(Method::GET, "/_sandbox/requests", &null).await.unwrap();
        let requests: Value = requests.json().await.unwrap();
        assert_eq!(requests.as_array().unwrap().len(), 2, "its own requests are not among them");
        assert_eq!((&requests[0]["query"], &requests[0]["fault"]), (&json!("limit=2"), &json!("reply")));
        assert_eq!(requests[1]["json"], json!({ "name": "Acme", "slug": "acme" }));
        assert!(!requests.to_string().contains(SANDBOX_TOKEN));
        let counted = world.send(Method::GET, "/_sandbox/requests/count", &null).await.unwrap();
        let counted: Value = counted.json().await.unwrap();
        assert_eq!(counted, json!({ "count": 2, "methods": { "GET": 1, "POST": 1 } }));
        let path = "/_sandbox/requests/count?method=GET&path=/api/licenses";
        let none: Value = world.send(Method::GET, path, &null).await.unwrap().json().await.unwrap();
        assert_eq!(none, json!({ "count": 0, "methods": {} }));
        let path = "/_sandbox/requests?method=POST&path=/api/licenses";
        assert_eq!(world.send(Method::GET, path, &null).await.unwrap().text().await.unwrap(), "[]");
        world.send(Method::DELETE, "/_sandbox/requests", &null).await.unwrap();
        assert_eq!(world.kaiten().recorder().count(), 0);

        assert_eq!(world.send(Method::PUT, "/_sandbox/latency", &json!({ "ms": 30 })).await.unwrap().status(), 204);
        let latency: Value = world.send(Method::GET, "/_sandbox/latency", &null).await.unwrap().json().await.unwrap();
        assert_eq!(latency, json!({ "ms": 30 }));
        let began = Instant::now();
        world.exists().await;
        assert!(began.elapsed() >= Duration::from_millis(30));
    }
}
