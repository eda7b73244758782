//! Slack at the wire: answers like the real one, records every call, and fails as told.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Bytes,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::sync::Notify;

/// What a call gets instead of a good answer.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// 429 with so many seconds.
    RateLimited(u64),
    Status(u16),
    /// HTTP 200 and `ok: false`.
    Code(&'static str),
    /// HTTP 200 and a page that is no JSON.
    Garbage,
    /// No answer for so long.
    Stall(Duration),
    /// It is done, and then the answer is lost.
    DoneThen500,
    Answer(Value),
    /// Not done before the gate opens; then done even if nobody waits for the answer any more.
    HeldBefore(Gate),
    /// Done, and answered once the gate opens.
    HeldAfter(Gate),
}

/// Where a call is held.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gate {
    /// The call is here.
    pub(crate) arrived: Arc<Notify>,
    /// It may go on.
    pub(crate) open: Arc<Notify>,
}

/// One call as it came in.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) method: String,
    pub(crate) body: Value,
    pub(crate) token: String,
    pub(crate) at: Instant,
}

#[derive(Default)]
struct Recorded {
    calls: Vec<Call>,
    faults: HashMap<String, VecDeque<Fault>>,
    uploads: HashMap<String, Vec<u8>>,
    /// Channels in which a file is shared.
    shares: HashMap<String, Vec<String>>,
    answers: HashMap<String, Value>,
    /// The code that every call gets.
    dead: Option<&'static str>,
    ids: u64,
}

/// A running stand-in.
#[derive(Clone)]
pub(crate) struct FaultServer {
    pub(crate) origin: String,
    recorded: Arc<Mutex<Recorded>>,
}

impl FaultServer {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let server = Self { origin, recorded: Arc::default() };
        let router = Router::new()
            .route("/api/{method}", get(called).post(called))
            .route("/upload/{file}", post(uploaded))
            .with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        server
    }

    /// The next calls of `method` get these, one each.
    pub(crate) fn fail(&self, method: &str, faults: impl IntoIterator<Item = Fault>) {
        self.recorded.lock().unwrap().faults.entry(method.to_owned()).or_default().extend(faults);
    }

    /// No further call fails.
    pub(crate) fn recover(&self) {
        self.recorded.lock().unwrap().faults.clear();
    }

    /// Every call of `method` gets this from now on.
    pub(crate) fn answer(&self, method: &str, answer: Value) {
        self.recorded.lock().unwrap().answers.insert(method.to_owned(), answer);
    }

    /// Every call of every method is refused with `code`, until it is `None`.
    pub(crate) fn dead(&self, code: Option<&'static str>) {
        self.recorded.lock().unwrap().dead = code;
    }

    pub(crate) fn calls(&self, method: &str) -> Vec<Value> {
        let recorded = self.recorded.lock().unwrap();
        recorded.calls.iter().filter(|call| call.method == method).map(|call| call.body.clone()).collect()
    }

    /// Names of all methods called, in order.
    pub(crate) fn methods(&self) -> Vec<String> {
        self.recorded.lock().unwrap().calls.iter().map(|call| call.method.clone()).collect()
    }

    pub(crate) fn tokens(&self, method: &str) -> Vec<String> {
        let recorded = self.recorded.lock().unwrap();
        recorded.calls.iter().filter(|call| call.method == method).map(|call| call.token.clone()).collect()
    }

    /// When the calls of `method` came in, of those whose body has `value` in `field`.
    pub(crate) fn times(&self, method: &str, field: &str, value: &str) -> Vec<Instant> {
        let recorded = self.recorded.lock().unwrap();
        let wanted = |call: &&Call| call.method == method && call.body[field] == value;
        recorded.calls.iter().filter(wanted).map(|call| call.at).collect()
    }

    pub(crate) fn uploads(&self) -> HashMap<String, Vec<u8>> {
        self.recorded.lock().unwrap().uploads.clone()
    }

    /// Files that people see, one entry for each time that they were shared.
    pub(crate) fn shared(&self) -> Vec<String> {
        let recorded = self.recorded.lock().unwrap();
        let mut shared: Vec<String> =
            recorded.shares.iter().flat_map(|(file, channels)| channels.iter().map(|_| file.clone())).collect();
        shared.sort();
        shared
    }

    /// The `n`-th call of `method`, waited for.
    pub(crate) async fn wait_for(&self, method: &str, n: usize) -> Value {
        for _ in 0..500 {
            if let Some(call) = self.calls(method).into_iter().nth(n) {
                return call;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{method} was not called {} times: {:?}", n + 1, self.methods());
    }

    fn take_fault(&self, method: &str) -> Option<Fault> {
        let mut recorded = self.recorded.lock().unwrap();
        recorded.dead.map(Fault::Code).or_else(|| recorded.faults.get_mut(method)?.pop_front())
    }

    fn good_answer(&self, method: &str, body: &Value) -> Value {
        let mut recorded = self.recorded.lock().unwrap();
        if let Some(answer) = recorded.answers.get(method) {
            return answer.clone();
        }
        recorded.ids += 1;
        let id = recorded.ids;
        match method {
            "chat.postMessage" => {
                json!({ "ok": true, "channel": body["channel"], "ts": format!("1700000000.{id:06}") })
            }
            "users.info" => json!({ "ok": true, "user": { "locale": "en-US" } }),
            "conversations.info" => json!({ "ok": true, "channel": { "is_member": true, "is_private": false } }),
            "conversations.open" => json!({ "ok": true, "channel": { "id": "D777" } }),
            "files.getUploadURLExternal" => {
                let file = format!("F{id}");
                json!({ "ok": true, "file_id": file, "upload_url": format!("{}/upload/{file}", self.origin) })
            }
            "files.completeUploadExternal" => complete(&mut recorded, body),
            "files.info" => {
                let file = body["file"].as_str().unwrap_or_default();
                let channels = recorded.shares.get(file).cloned().unwrap_or_default();
                let shares: serde_json::Map<String, Value> =
                    channels.into_iter().map(|channel| (channel, json!([{ "ts": "1.0" }]))).collect();
                json!({ "ok": true, "file": { "id": file, "shares": { "public": shares } } })
            }
            _ => json!({ "ok": true }),
        }
    }
}

/// As with Slack, a file id can be completed once.
fn complete(recorded: &mut Recorded, body: &Value) -> Value {
    let channel = body["channel_id"].as_str().unwrap_or_default().to_owned();
    for file in body["files"].as_array().into_iter().flatten() {
        let id = file["id"].as_str().unwrap_or_default().to_owned();
        if !recorded.uploads.contains_key(&id) || recorded.shares.contains_key(&id) {
            return json!({ "ok": false, "error": "file_not_found" });
        }
        recorded.shares.entry(id).or_default().push(channel.clone());
    }
    json!({ "ok": true, "files": body["files"] })
}

async fn called(
    State(server): State<FaultServer>,
    Path(method): Path<String>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let body: Value = serde_json::from_slice(&body).unwrap_or_else(|_| json!(query));
    let token = headers.get("authorization").map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    let call = Call { method: method.clone(), body: body.clone(), token, at: Instant::now() };
    server.recorded.lock().unwrap().calls.push(call);
    match server.take_fault(&method) {
        None => axum::Json(server.good_answer(&method, &body)).into_response(),
        Some(Fault::Answer(answer)) => axum::Json(answer).into_response(),
        Some(Fault::RateLimited(seconds)) => {
            let body = axum::Json(json!({ "ok": false, "error": "ratelimited" }));
            (StatusCode::TOO_MANY_REQUESTS, [("retry-after", seconds.to_string())], body).into_response()
        }
        Some(Fault::Status(status)) => StatusCode::from_u16(status).unwrap().into_response(),
        Some(Fault::Code(code)) => axum::Json(json!({ "ok": false, "error": code })).into_response(),
        Some(Fault::Garbage) => axum::response::Html("<h1>proxy</h1>").into_response(),
        Some(Fault::Stall(time)) => {
            tokio::time::sleep(time).await;
            axum::Json(server.good_answer(&method, &body)).into_response()
        }
        Some(Fault::HeldBefore(gate)) => {
            let done = tokio::spawn(async move {
                gate.arrived.notify_one();
                gate.open.notified().await;
                server.good_answer(&method, &body)
            });
            axum::Json(done.await.unwrap()).into_response()
        }
        Some(Fault::HeldAfter(gate)) => {
            let answer = server.good_answer(&method, &body);
            gate.arrived.notify_one();
            gate.open.notified().await;
            axum::Json(answer).into_response()
        }
        Some(Fault::DoneThen500) => {
            server.good_answer(&method, &body);
            StatusCode::BAD_GATEWAY.into_response()
        }
    }
}

async fn uploaded(
    State(server): State<FaultServer>,
    Path(file): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    assert_eq!(headers["content-length"].to_str().unwrap(), body.len().to_string(), "the exact length is told");
    assert!(!headers.contains_key("authorization"), "the address itself is the permission");
    let keep = || drop(server.recorded.lock().unwrap().uploads.insert(file, body.to_vec()));
    match server.take_fault("upload") {
        Some(Fault::Status(status)) => return StatusCode::from_u16(status).unwrap().into_response(),
        Some(Fault::Code(_)) => return StatusCode::NOT_FOUND.into_response(),
        Some(Fault::Stall(time)) => {
            tokio::time::sleep(time).await;
            keep();
        }
        Some(Fault::HeldBefore(gate)) => {
            gate.arrived.notify_one();
            gate.open.notified().await;
            keep();
        }
        Some(Fault::HeldAfter(gate)) => {
            keep();
            gate.arrived.notify_one();
            gate.open.notified().await;
        }
        Some(Fault::DoneThen500) => {
            keep();
            return StatusCode::BAD_GATEWAY.into_response();
        }
        _ => keep(),
    }
    StatusCode::OK.into_response()
}
