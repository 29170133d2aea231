//! An instance brought into a state behind the back of trueup, and what trueup does about it, in a few words.

use std::fmt::Write as _;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use trueup::emulator::cloudfoundry::Options;
use trueup::emulator::cloudfoundry::marketplace::{Behaviour, SeedBroker, SeedOffering, SeedPlan};
use trueup::emulator::{Effect, Fault, kaiten};

use crate::support::{Output, World};

/// Which API trueup speaks; the foundation speaks both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    V2,
    V3,
}

/// A foundation on which `db` may be, and a project that declares it.
pub struct Scene {
    pub world: World,
    api: Api,
    /// The guid of the `db` that was brought into a state.
    first: Option<String>,
}

const INSTANCES: &str = "/v3/service_instances";

impl Scene {
    /// A broker that answers at once, and jobs that run with the next request.
    pub fn new(api: Api) -> Self {
        Self::with(api, Options::default())
    }

    /// The same, with other options.
    pub fn with(api: Api, options: Options) -> Self {
        let plan = |name| SeedPlan::new(name, Behaviour::synchronous());
        let offerings = vec![
            SeedOffering::new("database", vec![plan("small"), plan("large")]),
            SeedOffering::new("cache", vec![plan("small")]),
        ];
        let brokers = vec![SeedBroker::new("broker", offerings)];
        let options = Options { brokers, job_delay: Duration::ZERO, ..options };
        let world = World::with(kaiten::Options::default(), options);
        let scene = Self { world, api, first: None };
        scene.sign_in_with(r#"{ method = "password", username = "admin", password = { env = "CF_PASSWORD" } }"#);
        scene
    }

    /// The settings, with this `auth`.
    pub fn sign_in_with(&self, auth: &str) {
        let settings = self.world.settings("", "parallelism = 4");
        let (before, rest) = settings.split_once("auth = ").expect("it signs in");
        let (_, after) = rest.split_once('\n').expect("that is a line");
        let api = if self.api == Api::V2 { "v2" } else { "v3" };
        self.world.project.write("trueup.toml", format!("{before}api = \"{api}\"\nauth = {auth}\n{after}"));
    }

    /// Steers the sandbox.
    pub fn steer(&self, method: Method, path: &str, body: &Value) {
        self.world.send_in_the_weather(self.world.cf(), method, &format!("/_sandbox/{path}"), Some(body));
    }

    /// Has the broker do something with the next request about `db` of this kind.
    pub fn order(&self, step: &str, trouble: &Value) {
        self.steer(Method::POST, "broker/orders", &json!({ "instance": "db", "step": step, "trouble": trouble }));
    }

    fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        self.world.send_in_the_weather(self.world.cf(), method, path, body)
    }

    /// Creates `db`, in v3 as everybody else does.
    fn create(&self) {
        let guid = |path: &str| {
            let list = self.send(Method::GET, path, None);
            list["resources"][0]["guid"].as_str().unwrap_or_else(|| panic!("{path}: {list}")).to_owned()
        };
        let (space, plan) =
            (guid("/v3/spaces?names=dev"), guid("/v3/service_plans?names=small&service_offering_names=database"));
        let relationships = json!({"space": {"data": {"guid": space}}, "service_plan": {"data": {"guid": plan}}});
        let body = json!({"type": "managed", "name": "db", "tags": ["a"], "relationships": relationships});
        self.send(Method::POST, INSTANCES, Some(&body));
    }

    /// `db` as it is, if it is there.
    fn db(&self) -> Option<Value> {
        let list = self.send(Method::GET, &format!("{INSTANCES}?names=db&type=managed"), None);
        let rows = list["resources"].as_array().expect("a list");
        assert!(rows.len() < 2, "there is one at most: {list}");
        rows.first().cloned()
    }

    fn guid(&self) -> String {
        self.db().expect("it is there")["guid"].as_str().expect("a guid").to_owned()
    }

    /// What is asked to bring an instance that is there into a state.
    pub fn put_to_work(&self, kind: &str, state: &str) {
        let trouble = match state {
            "in progress" => json!("never_end"),
            "failed" => json!({ "fail_later": "no room" }),
            _ => panic!("no way into `{state}`"),
        };
        let own = format!("{INSTANCES}/{}", self.guid());
        match kind {
            "update" => {
                self.order("update", &trouble);
                self.send(Method::PATCH, &own, Some(&json!({ "parameters": {} })));
            }
            "delete" => {
                self.order("deprovision", &trouble);
                self.send(Method::DELETE, &own, None);
            }
            _ => panic!("no way into `{kind}`"),
        }
        self.settle();
    }

    /// Lets everything happen that is due: one request for the job, one for what it began.
    fn settle(&self) {
        for _ in 0..2 {
            self.send(Method::GET, "/v3/spaces", None);
        }
    }

    /// Brings `db` into the state that a row begins with: `update / in progress`.
    pub fn bring(&mut self, row: &str) {
        let (kind, state) = row.split_once(" / ").expect("an operation and its state");
        match (kind, state) {
            ("create", "initial") => self.steer(Method::PUT, "jobs", &json!({ "delay_ms": 3_600_000 })),
            ("create", "in progress") => self.order("provision", &json!("never_end")),
            ("create", "failed") => self.order("provision", &json!({ "fail_later": "no room" })),
            _ => {}
        }
        self.create();
        self.settle();
        match (kind, state) {
            ("create", _) => {}
            ("update", "succeeded") => {
                self.send(Method::PATCH, &format!("{INSTANCES}/{}", self.guid()), Some(&json!({})));
            }
            _ => self.put_to_work(kind, state),
        }
        let db = self.db().expect("it is there");
        assert_eq!(operation(&db), row);
        self.first = Some(self.guid());
        self.world.cf().recorder().clear();
    }

    /// Ends what goes on, well.
    pub fn release(&self) {
        self.steer(Method::PUT, "jobs", &json!({ "delay_ms": 0 }));
        self.steer(Method::POST, "jobs", &json!({}));
        self.steer(Method::POST, "broker/release", &json!({}));
    }

    /// How many operations the broker has not ended yet; it is not asked how they go, which would bring them nearer to their
    /// end. Afterwards there is none.
    pub fn still_in_progress(&self) -> u64 {
        let path = "/_sandbox/broker/release";
        let answer = self.world.send_in_the_weather(self.world.cf(), Method::POST, path, Some(&json!({})));
        answer["released"].as_u64().expect("a count")
    }

    /// Takes away what is there, as somebody else does.
    pub fn take_away(&self) {
        self.send(Method::DELETE, &format!("{INSTANCES}/{}?purge=true", self.guid()), None);
    }

    /// Holds trueup's next write of this kind back until [`Scene::let_go`].
    pub fn hold(&self, method: &str, path: &str) {
        self.world.cf().faults().add(Fault::on(method, path, Effect::Held));
    }

    /// Whether a write is held back.
    pub fn holds(&self) -> bool {
        self.world.cf().faults().list().iter().any(|entry| entry.hits > 0)
    }

    /// Lets it go its way.
    pub fn let_go(&self) {
        self.world.cf().faults().clear();
    }

    /// What trueup is to hold back for in this table: what it sends to make a change.
    pub fn write(&self, wanted: &str) -> (&'static str, &'static str) {
        match (self.api, wanted) {
            (Api::V2, "key" | "key alone") => ("POST", "/v2/service_keys"),
            (Api::V3, "key" | "key alone") => ("POST", "/v3/service_credential_bindings"),
            (Api::V2, "plan") => ("DELETE", "/v2/service_instances/*"),
            (Api::V3, "plan") => ("DELETE", "/v3/service_instances/*"),
            (Api::V2, _) => ("PUT", "/v2/service_instances/*"),
            (Api::V3, _) => ("PATCH", "/v3/service_instances/*"),
        }
    }

    /// Declares what is wanted.
    pub fn declare(&self, wanted: &str) {
        let instance =
            |more: &str| format!("service_instances:\n  db: {{ space: sandbox/dev, plan: database/small, {more} }}\n");
        let yaml = match wanted {
            "nothing else" => instance("tags: [a]"),
            "tags" => instance("tags: [b]"),
            // The broker is asked, and may take its time.
            "large" => instance("tags: [a]").replace("small", "large"),
            "plan" => instance("tags: [a], lifecycle: { replace: true }").replace("database/small", "cache/small"),
            "labels" => instance("tags: [a], labels: { team: core }"),
            "key" => instance("tags: [a]") + "service_keys:\n  ci: { service_instance: db }\n",
            "key alone" => "service_keys:\n  ci: { service_instance: sandbox/dev/db }\n".to_owned(),
            _ => panic!("nobody wants `{wanted}`"),
        };
        self.world.declare(&yaml);
    }

    /// What a plan says, in words: `wait db, create ci`, or the codes of its errors; and those of its warnings.
    pub fn plan(&self) -> String {
        let output = self.world.run(&["plan", "--format", "json"]);
        let plan = output.json();
        if plan["errored"] == json!(true) {
            return format!("{}: {}", output.code, codes(&plan["diagnostics"], "error"));
        }
        let step = |one: &Value| format!("{} {}", text(&one["action"]), key(&one["address"]));
        let steps = plan["actions"].as_array().expect("actions").iter().map(step).collect::<Vec<_>>().join(", ");
        let warnings = codes(&plan["diagnostics"], "warning");
        if warnings.is_empty() { steps } else { format!("{steps} ({warnings})") }
    }

    /// What trueup has written since the last time somebody asked, with what was answered: `DELETE 202, POST 201`.
    pub fn sent(&self) -> String {
        let all = self.world.cf().recorder().all();
        self.world.cf().recorder().clear();
        let by_trueup = |headers: &[(String, String)]| {
            headers.iter().any(|(name, value)| name == "user-agent" && value.starts_with("trueup/"))
        };
        let writes = all.iter().filter(|one| one.method != "GET" && one.path != "/oauth/token");
        let words = writes.filter(|one| by_trueup(&one.headers)).map(|one| {
            let key = one.path.contains("service_keys") || one.path.contains("credential_bindings");
            let status = one.status.map_or("-".to_owned(), |status| status.to_string());
            format!("{}{} {status}", one.method, if key { " key" } else { "" })
        });
        let words: Vec<String> = words.collect();
        if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
    }

    /// What is at the remote, in words: `the same db [a], update / succeeded; ci`.
    pub fn there(&self) -> String {
        let Some(db) = self.db() else { return "no db".to_owned() };
        let mut words = if db["guid"].as_str() == self.first.as_deref() { "the same" } else { "a new" }.to_owned();
        write!(words, " db {}", db["tags"].to_string().replace('"', "")).unwrap();
        if db["metadata"]["labels"].get("team").is_some() {
            words.push_str(" with its label");
        }
        write!(words, ", {}", operation(&db)).unwrap();
        let keys = self.send(Method::GET, "/v3/service_credential_bindings", None);
        for key in keys["resources"].as_array().expect("a list") {
            write!(words, "; {}", text(&key["name"])).unwrap();
        }
        words
    }

    /// The guid of the `db` that was brought into a state first, or is there now.
    pub fn is_the_first(&self) -> bool {
        self.first.as_deref() == Some(&*self.guid())
    }

    /// How many creates of instances the remote has taken, answered or not, since somebody asked what was sent.
    pub fn creates(&self) -> usize {
        let all = self.world.cf().recorder().all();
        let created = all.iter().filter(|one| {
            let path = one.path == "/v2/service_instances" || one.path == INSTANCES;
            // What is held back has been seen by the recorder, and by the remote only once it has an answer.
            let taken = one.status.map_or(one.fault != Some("held"), |status| status < 300);
            one.method == "POST" && path && taken
        });
        created.count()
    }

    /// Starts an apply whose events can be read.
    pub fn apply(&self) -> crate::support::Run {
        self.world.project.start(&["apply", "--yes", "--format", "json"])
    }
}

/// The ledger of an apply that has ended, in words: `5: done db (not_converged)`.
pub fn told(output: &Output) -> String {
    let ledger = output.json_lines().pop().unwrap_or_default();
    let mut told = output.code.to_string();
    let Some(outcomes) = ledger["outcomes"].as_array() else { return format!("{told}: {output}") };
    for (number, one) in outcomes.iter().enumerate() {
        let mark = if number == 0 { ":" } else { "," };
        write!(told, "{mark} {} {}", text(&one["outcome"]), key(&one["address"])).unwrap();
        let codes = codes(&one["diagnostics"], "error");
        if !codes.is_empty() {
            write!(told, " ({codes})").unwrap();
        }
    }
    told
}

/// Its last operation, as the reference writes it.
fn operation(db: &Value) -> String {
    let last = &db["last_operation"];
    format!("{} / {}", text(&last["type"]), text(&last["state"]))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("-")
}

/// The key of an address.
fn key(address: &Value) -> &str {
    text(address).rsplit('.').next().unwrap_or_default()
}

/// The codes of diagnostics, without what they all begin with.
fn codes(diagnostics: &Value, severity: &str) -> String {
    let all = diagnostics.as_array().into_iter().flatten().filter(|one| one["severity"] == severity);
    let codes: Vec<&str> = all.map(|one| text(&one["code"]).rsplit("::").next().unwrap_or_default()).collect();
    codes.join(" ")
}

/// Rows of cells as a table of text, each column as wide as it needs.
pub fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or_default()).collect();
    let mut table = String::new();
    for row in rows {
        for (cell, width) in row.iter().zip(&widths) {
            write!(table, "| {cell:width$} ").unwrap();
        }
        table.push_str("|\n");
    }
    table
}

/// A table that was written down is what came out.
#[track_caller]
pub fn assert_table(written: &str, rows: &[Vec<String>]) {
    let came_out = table(rows);
    assert!(written.trim() == came_out.trim(), "── written down ──\n{}\n── came out ──\n{came_out}", written.trim());
}
