//! Fault 22: strangers who hold the door. Whoever has a signature is answered as if nobody else were there.

use std::{
    fs,
    time::{Duration, Instant},
};

use nix::sys::{
    resource::{Resource, getrlimit, setrlimit},
    signal::Signal,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    service::{Site, free_port},
    support::stage::{form, now, signature},
    table::{Row, alone, longest, quick_or_full, seconds},
    workers::{ended, signal},
};

/// Slack gives up after three seconds; in the quick form others want the machine, too.
fn answered_within() -> Duration {
    quick_or_full(Duration::from_millis(2_500), Duration::from_secs(1))
}

const MIB: u64 = 1 << 20;
const MOST: u64 = 200 * MIB;
const AFTERWARDS: u64 = 128 * MIB;
/// A head that is whole and says that a body follows; nobody signed it.
const HEAD: &str = "POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-Slack-Signature: v0=00\r\n\
                    X-Slack-Request-Timestamp: 1\r\n";

/// What strangers do with a connection.
#[derive(Clone, Copy)]
enum Stranger {
    Silent,
    HalfHead,
    HalfBody,
    /// A byte of the head now and then.
    Drip,
    /// A body of almost 1 MiB that nobody signed.
    Fat,
}

const CROWD: [(Stranger, usize); 5] = [
    (Stranger::Silent, 2_000),
    (Stranger::HalfHead, 500),
    (Stranger::HalfBody, 500),
    (Stranger::Drip, 100),
    (Stranger::Fat, 1_000),
];

async fn holds_the_line(port: u16, how: Stranger) {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)).await else { return };
    let said = match how {
        Stranger::Silent => String::new(),
        Stranger::HalfHead => HEAD.to_owned(),
        Stranger::HalfBody => format!("{HEAD}Content-Length: 60000\r\n\r\n{{"),
        Stranger::Drip => {
            for byte in HEAD.bytes().cycle() {
                if stream.write_all(&[byte]).await.is_err() {
                    return;
                }
                sleep(Duration::from_millis(200)).await;
            }
            String::new()
        }
        Stranger::Fat => format!("{HEAD}Content-Length: 1000000\r\n\r\n{}", "x".repeat(1_000_000)),
    };
    // The service may close the line at any time.
    if stream.write_all(said.as_bytes()).await.is_ok() {
        let mut answer = Vec::new();
        drop(stream.read_to_end(&mut answer).await);
    }
}

/// How long a signed `/segment help` takes on a connection of its own; `None` when it is not answered with 200.
async fn answered(port: u16) -> Option<Duration> {
    let start = Instant::now();
    let body =
        form(&[("command", "/segment"), ("text", "help"), ("user_id", "U1"), ("channel_id", "C1"), ("team_id", "T1")]);
    let timestamp = now();
    let request = format!(
        "POST /slack/command HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         X-Slack-Signature: {}\r\nX-Slack-Request-Timestamp: {timestamp}\r\nContent-Length: {}\r\n\r\n{body}",
        signature(&body, timestamp),
        body.len()
    );
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok()?;
    answer.starts_with(b"HTTP/1.1 200").then(|| start.elapsed())
}

/// Resident memory of a process, in bytes.
fn resident(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_who_hold_the_door_keep_nobody_waiting() {
    let _alone = alone().await;
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).unwrap();
    let site = Site::new().await;
    let port = free_port();
    let serve = site.start_at(&["serve", "--with-worker=false"], port);
    while answered(port).await.is_none() {
        sleep(Duration::from_millis(50)).await;
    }
    let before = resident(serve.id());

    let mut strangers = JoinSet::new();
    for (how, count) in CROWD {
        for _ in 0..count {
            strangers.spawn(holds_the_line(port, how));
        }
    }
    let (mut waits, mut refused, mut most) = (Vec::new(), 0, 0);
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(quick_or_full(12, 60)) {
        match timeout(Duration::from_secs(5), answered(port)).await {
            Ok(Some(wait)) => waits.push(wait),
            _ => refused += 1,
        }
        most = most.max(resident(serve.id()));
        sleep(Duration::from_millis(50)).await;
    }
    strangers.shutdown().await;
    let mut after = resident(serve.id());
    for _ in 0..100 {
        if after < AFTERWARDS {
            break;
        }
        sleep(Duration::from_millis(100)).await;
        after = resident(serve.id());
    }
    let asked = waits.len();
    signal(serve.id(), Signal::SIGTERM);
    assert!(ended(serve).await.success());
    Row {
        number: "22",
        fault: "2,000 silent connections, 500 half heads, 500 half bodies, 100 that drip, 1,000 unsigned bodies of 1 MB",
        bar: format!(
            "each signed command answered ≤ {} meanwhile; at most 200 MiB resident, and at most 128 MiB afterwards",
            seconds(answered_within())
        ),
        measured: format!(
            "{asked} commands answered within {}, {refused} not; {} MiB before, at most {} MiB, {} MiB afterwards",
            seconds(longest(&waits)),
            before / MIB,
            most / MIB,
            after / MIB
        ),
        test: "flood::strangers_who_hold_the_door_keep_nobody_waiting",
    }
    .judge(
        asked > 20 && refused == 0 && longest(&waits) <= answered_within() && most <= MOST && after < AFTERWARDS,
    );
}
