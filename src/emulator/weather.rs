//! What stands in front of a remote: the recorder, latency and faults.

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
    let Some(effect) = weather.faults.strike(&method, &path) else {
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
        Effect::CutBefore => cut(&line),
        Effect::CutAfter => {
            next.run(request).await;
            cut(&line)
        }
        Effect::Truncated => match whole(next.run(request).await).await {
            Some((mut response, body)) if body.len() > 1 => {
                ticket.answered(response.status().as_u16());
                // The body ends before its declared length: the server then closes the connection.
                response.headers_mut().insert(CONTENT_LENGTH, body.len().into());
                *response.body_mut() = Body::from(body.slice(..body.len() / 2));
                response
            }
            _ => cut(&line),
        },
        Effect::Malformed => match whole(next.run(request).await).await {
            Some((mut response, body)) => {
                ticket.answered(response.status().as_u16());
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                // Half of a JSON text is not a JSON text, unless it is a bare number; with a comma in front it never is.
                let mut half = b",".to_vec();
                half.extend_from_slice(&body[..body.len() / 2]);
                *response.body_mut() = Body::from(half);
                response
            }
            None => cut(&line),
        },
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
