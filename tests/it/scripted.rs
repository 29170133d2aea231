//! A Kaiten that holds nothing and says what a test tells it to say.

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, Response};
use serde_json::{Value, json};
use trueup::emulator::{Remote, Running, Sandbox, Wording};

use crate::support::Project;

/// What is answered to lists, and to a write.
#[derive(Clone)]
pub struct Script {
    /// The page of every list.
    pub page: Value,
    /// Status and body of the answer to each write.
    pub write: (u16, Value),
}

impl Default for Script {
    fn default() -> Self {
        Self { page: json!({ "items": [], "hasMore": false }), write: (500, json!({})) }
    }
}

/// A project whose only target is such a Kaiten.
pub struct Scripted {
    pub project: Project,
    pub remote: Running,
    _runtime: tokio::runtime::Runtime,
}

impl Scripted {
    pub fn new(script: &Script, yaml: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let script = script.clone();
        let router = Router::new().fallback(move |request: Request<Body>| {
            let script = script.clone();
            async move {
                let (status, body) = if request.method() == Method::GET { (200, script.page) } else { script.write };
                let kind = if status < 400 { "application/json" } else { "application/problem+json" };
                let answer = Response::builder().status(status).header("content-type", kind);
                answer.body(Body::from(body.to_string())).expect("a sound answer")
            }
        });
        let build = move |_: &str, _: Option<Value>| {
            let (save, generation) = (Box::new(|| Value::Null), Box::new(|| 0));
            Ok(Remote { router, save, generation, wording: Wording::Kaiten, control: Router::new() })
        };
        let sandbox = Sandbox::new().remote("kaiten", 0, Box::new(build));
        let remote = runtime.block_on(sandbox.start()).expect("it starts");
        let url = remote.kaiten().expect("it is served").url();
        let settings =
            format!("[project]\nname = \"acme\"\n[targets.kaiten]\nprovider = \"kaiten\"\nurl = \"{url}\"\n");
        let project = Project::empty().env("KAITEN_AUTH_TOKEN", "ksh_test");
        let project = project.file("trueup.toml", settings).file("resources.yaml", yaml);
        Self { project, remote, _runtime: runtime }
    }
}
