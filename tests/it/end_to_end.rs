//! The whole product through local-slack: the real binary, a private Postgres, a small lake, clicks on a page that is not ours.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use chrono::NaiveDate;
use futures::{SinkExt as _, StreamExt as _};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use segment_bot::{
    demo::{
        local_slack::{CHANNEL, LocalSlack, PLANNER, TEAM},
        postgres::Cluster,
        site::Site,
        tour,
    },
    digest::sha256_hex,
    progress::Silent,
    queue::{self, Request, RequestState},
    segment::Manifest,
};
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::{
    process::{Child, Command},
    time::{sleep, timeout},
};
use tokio_tungstenite::tungstenite::Message;

const USERS: u64 = 20_000;
const PATIENCE: Duration = Duration::from_mins(5);

/// Everything that runs for one test; ends when dropped.
struct Stage {
    folder: tempfile::TempDir,
    pool: PgPool,
    slack: LocalSlack,
    serve: Child,
    _cluster: Cluster,
}

impl Stage {
    /// `None`, with a word why, where local-slack is not installed.
    #[expect(clippy::print_stdout, reason = "says why a test did nothing")]
    async fn set() -> Option<Self> {
        let Some(program) = std::env::var_os("SEGMENT_LOCAL_SLACK").map(PathBuf::from) else {
            println!("skipped: SEGMENT_LOCAL_SLACK does not name local-slack; .ci/setup installs it");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let last_day = NaiveDate::from_ymd_opt(2026, 11, 22).unwrap();
        let site = Site::prepare(folder.path(), USERS, last_day, &Silent).await.unwrap();
        let cluster = tokio::task::spawn_blocking(Cluster::temporary).await.unwrap().unwrap();
        let port = free_port();
        let events = format!("http://127.0.0.1:{port}/slack/events");
        let slack = LocalSlack::start(&program, folder.path(), &events, 0).await.unwrap();
        let variables = site.variables(&cluster, &slack);
        let database = variables.iter().find(|(name, _)| name == "DATABASE_URL").unwrap().1.clone();
        let serve = serve(&variables, port, folder.path());
        let pool = queue::connect(&segment_bot::config::Secret::new(database)).await.unwrap();
        ready(port).await;
        Some(Self { folder, pool, slack, serve, _cluster: cluster })
    }

    /// The newest request of the planner, once `wanted` says so.
    async fn request(&self, wanted: impl Fn(&Request) -> bool) -> Request {
        let found = async {
            loop {
                let newest = queue::requests_of(&self.pool, TEAM, PLANNER, 1).await.unwrap().pop();
                if let Some(request) = newest.filter(&wanted) {
                    return request;
                }
                sleep(Duration::from_millis(10)).await;
            }
        };
        let Ok(request) = timeout(PATIENCE, found).await else { panic!("{}", self.state().await) };
        request
    }

    async fn state(&self) -> String {
        let requests = queue::requests_of(&self.pool, TEAM, PLANNER, 3).await;
        let log = fs::read_to_string(self.folder.path().join("serve.log")).unwrap_or_default();
        format!("{requests:#?}\n{:#?}\n{log}", self.slack.messages(CHANNEL).await)
    }

    /// The CSVs of the channel, as name and bytes.
    async fn csvs(&self) -> Vec<(String, Vec<u8>)> {
        let mut found = Vec::new();
        for message in self.slack.messages(CHANNEL).await.unwrap() {
            for (name, url) in tour::files_of(&message).into_iter().filter(|(name, _)| is_csv(name)) {
                assert!(message["thread_ts"].is_string(), "a file outside a thread: {message}");
                found.push((name, self.slack.download(&url).await.unwrap().to_vec()));
            }
        }
        found
    }

    fn manifest(&self, request: &Request) -> Manifest {
        let path = self.folder.path().join("lake/segments").join(request.id.to_string()).join("manifest.json");
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
    }

    /// Ends the service as an operator would, and sees that its workers are gone too.
    async fn strike(mut self) {
        let workers = children(self.serve.id().unwrap());
        signal(self.serve.id().unwrap(), Signal::SIGTERM);
        let status = timeout(Duration::from_secs(40), self.serve.wait()).await.unwrap().unwrap();
        assert!(status.success(), "{}", self.state().await);
        for worker in workers {
            assert!(!Path::new(&format!("/proc/{worker}")).exists(), "worker {worker} outlived the service");
        }
        self.slack.stop().await;
    }
}

fn serve(variables: &[(String, String)], port: u16, folder: &Path) -> Child {
    let log = fs::File::create(folder.join("serve.log")).unwrap();
    Command::new(env!("CARGO_BIN_EXE_segment-bot"))
        .arg("serve")
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .env("SEGMENT_LISTEN", format!("127.0.0.1:{port}"))
        .env("SEGMENT_LEASE_SECONDS", "2")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

async fn ready(port: u16) {
    let answered = async {
        while segment_bot::demo::http::get(&format!("http://127.0.0.1:{port}/readyz"), "").await.is_err() {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(Duration::from_mins(1), answered).await.unwrap();
}

fn is_csv(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|ending| ending == "csv")
}

/// The processes that `parent` started.
fn children(parent: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{parent}/task")).unwrap();
    let started = tasks.filter_map(|task| fs::read_to_string(task.unwrap().path().join("children")).ok());
    started.flat_map(|pids| pids.split_whitespace().map(|pid| pid.parse().unwrap()).collect::<Vec<u32>>()).collect()
}

fn signal(process: u32, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(process).unwrap()), signal).unwrap();
}

/// Opens the form with `/segment`, fills it with `values`, submits it, and returns once the page has an answer.
async fn submit_form(slack: &LocalSlack, values: Value) {
    let (mut page, _) = tokio_tungstenite::connect_async(slack.ui_url()).await.unwrap();
    slack.command("/segment", "").await.unwrap();
    next(&mut page, |event| event["t"] == "view" && !event.to_string().contains("\"modalStack\":[]")).await;
    let submit = json!({ "t": "view_submit", "user": PLANNER, "values": values });
    page.send(Message::text(submit.to_string())).await.unwrap();
    let answer = next(&mut page, |event| event["t"] == "view" || event["t"] == "view_errors").await;
    assert_eq!(answer["t"], "view", "{answer}");
}

async fn next<S>(page: &mut S, wanted: impl Fn(&Value) -> bool) -> Value
where
    S: futures::Stream<Item = Result<Message, tokio_tungstenite::tungstenite::Error>> + Unpin,
{
    let found = async {
        loop {
            let message = page.next().await.unwrap().unwrap();
            let event: Value = serde_json::from_str(message.to_text().unwrap()).unwrap();
            if wanted(&event) {
                return event;
            }
        }
    };
    timeout(Duration::from_secs(20), found).await.unwrap()
}

/// What a planner fills in, by block and action as the form names them.
fn filled() -> Value {
    let option = |value: &str| json!({ "text": { "type": "plain_text", "text": value }, "value": value });
    json!({
        "product": { "product": { "type": "static_select", "selected_option": option("skincare") } },
        "gender": { "gender": { "type": "checkboxes", "selected_options": [option("f")] } },
        "size_exact": { "size_exact": { "type": "plain_text_input", "value": "500" } },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submitted_form_becomes_the_file_that_the_manifest_names() {
    let Some(stage) = Stage::set().await else { return };
    submit_form(&stage.slack, filled()).await;

    let request = stage.request(|request| request.finished_at.is_some()).await;
    assert_eq!(request.state, RequestState::Done, "{}", stage.state().await);

    let csvs = stage.csvs().await;
    assert_eq!(csvs.len(), 1, "{}", stage.state().await);
    let csv = &csvs[0].1;
    let manifest = stage.manifest(&request);
    let file = manifest.files.iter().find(|file| file.name == "segment.csv").unwrap();
    assert_eq!(sha256_hex(csv), file.sha256);
    let rows = std::str::from_utf8(csv).unwrap().lines().count() - 1;
    assert_eq!((rows, manifest.waterfall.delivered), (500, 500));
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_worker_loses_nothing_and_repeats_nothing() {
    let Some(stage) = Stage::set().await else { return };
    stage.slack.command(tour::COMMAND, tour::TEXT).await.unwrap();

    stage.request(|request| request.state == RequestState::Running).await;
    let workers = children(stage.serve.id().unwrap());
    assert_eq!(workers.len(), 1);
    signal(workers[0], Signal::SIGKILL);
    let killed = stage.request(|_| true).await;
    assert_eq!(killed.state, RequestState::Running, "the worker was faster than the test");

    let request = stage.request(|request| request.finished_at.is_some()).await;
    assert_eq!(request.state, RequestState::Done, "{}", stage.state().await);
    assert_eq!(stage.csvs().await.len(), 1, "{}", stage.state().await);
    let roots = stage.slack.messages(CHANNEL).await.unwrap();
    let roots = roots.iter().filter(|message| !message["thread_ts"].is_string() && message["subtype"] != "ephemeral");
    assert_eq!(roots.count(), 1, "{}", stage.state().await);
    stage.strike().await;
}
