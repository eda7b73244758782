//! Fault 7: the bucket is away, says 503, is slow, breaks uploads off, in the middle of a build by the real worker.

use std::{
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use segment_bot::{
    config::Secret,
    digest::sha256_hex,
    lake::{Store, StoreOptions},
    queue::{self, Request, RequestState},
    segment::{Draft, Manifest},
};
use sqlx::PgPool;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::sleep,
};
use uuid::Uuid;

use crate::{
    support::{
        requests::new_request,
        s3::{Server, inside, make_bucket},
        sample::{Sample, sample},
    },
    table::{Row, alone, quick_or_full, seconds},
    workers::{LEASE, ended, shared_database, tries, until},
};

const BUCKET: &str = "faults";

/// What stands between the worker and the bucket.
#[derive(Debug, Clone, Copy)]
#[repr(u8)]
enum Trouble {
    None,
    Away,
    Busy,
    Slow,
    /// Uploads break off in the middle.
    Torn,
    /// Takes everything and never answers.
    Silent,
}

struct Between {
    address: String,
    trouble: Arc<AtomicU8>,
}

impl Between {
    async fn start(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let between = Self { address: listener.local_addr().unwrap().to_string(), trouble: Arc::default() };
        let trouble = Arc::clone(&between.trouble);
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let server = TcpStream::connect(&server).await.unwrap();
                tokio::spawn(pass(client, server, Arc::clone(&trouble)));
            }
        });
        between
    }

    fn is(&self, trouble: Trouble) {
        self.trouble.store(trouble as u8, Ordering::SeqCst);
    }
}

/// Passes bytes on until there is trouble; ends both connections then.
async fn pass(mut client: TcpStream, mut server: TcpStream, trouble: Arc<AtomicU8>) {
    let is = |wanted: Trouble| trouble.load(Ordering::SeqCst) == wanted as u8;
    let (mut asked, mut answered) = (vec![0; 16_384], vec![0; 16_384]);
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let Ok(read @ 1..) = read else { return };
                if is(Trouble::Away) || (is(Trouble::Torn) && asked.starts_with(b"PUT")) {
                    let _ = server.write_all(&asked[..read / 2]).await;
                    return;
                }
                if is(Trouble::Silent) {
                    continue;
                }
                if is(Trouble::Busy) {
                    let busy = b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
                    let _ = client.write_all(busy).await;
                    return;
                }
                if is(Trouble::Slow) {
                    sleep(Duration::from_millis(300)).await;
                }
                if server.write_all(&asked[..read]).await.is_err() { return }
            }
            read = server.read(&mut answered) => {
                let Ok(read @ 1..) = read else { return };
                if is(Trouble::Slow) {
                    sleep(Duration::from_millis(50)).await;
                }
                if client.write_all(&answered[..read]).await.is_err() { return }
            }
        }
    }
}

async fn bucket(cache: &std::path::Path) -> Store {
    let options = StoreOptions { cache_dir: cache.to_owned(), cache_bytes: 1 << 30, s3_path_style: true };
    Store::open(&format!("s3://{BUCKET}"), &options).await.unwrap()
}

/// The sample's snapshots, as the nightly batch leaves them in a bucket.
async fn fill(sample: &Sample, store: &Store) {
    for object in sample.store.list("snapshots/").await.unwrap() {
        store.write_file(&object.key, &sample.store.local(&object.key).await.unwrap()).await.unwrap();
    }
}

fn worker(sample: &Sample, url: &Secret, between: &Between, cache: &std::path::Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_segment-bot"))
        .args(["worker", "--while-stdin-open"])
        .env("AWS_ENDPOINT_URL", format!("http://{}", between.address))
        .env("SEGMENT_CATALOG", sample.folder.path().join("catalog.toml"))
        .env("SEGMENT_LAKE", format!("s3://{BUCKET}"))
        .env("SEGMENT_STORE", format!("s3://{BUCKET}"))
        .env("SEGMENT_S3_PATH_STYLE", "true")
        .env("SEGMENT_CACHE_DIR", cache)
        .env("SEGMENT_LEASE_SECONDS", LEASE.as_secs().to_string())
        .env("SEGMENT_LOG", "warn")
        .env("DATABASE_URL", url.expose())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

async fn asked(sample: &Sample, pool: &PgPool, people: usize) -> Request {
    let mut new = new_request(&Uuid::new_v4().to_string(), "U1");
    let draft = Draft::from_text(&sample.catalog, &format!("product=skincare gender=f size={people}")).unwrap();
    new.conditions = draft.check(&sample.catalog).unwrap();
    queue::submit(pool, &new).await.unwrap().request
}

/// Whether the files are what the manifest, written last, says.
async fn whole(store: &Store, request: &Request) -> bool {
    let read = async |name: &str| store.read(&format!("segments/{}/{name}", request.id)).await.unwrap();
    let manifest: Manifest = serde_json::from_slice(&read("manifest.json").await).unwrap();
    let mut whole = !manifest.files.is_empty();
    for file in &manifest.files {
        whole &= sha256_hex(read(&file.name).await) == file.sha256;
    }
    whole
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_in_trouble_costs_no_attempt_and_leaves_nothing_half() {
    if !inside("storage::a_bucket_in_trouble_costs_no_attempt_and_leaves_nothing_half", Server::Open) {
        return;
    }
    let _alone = alone().await;
    #[expect(clippy::disallowed_methods, reason = "tests have no Config")]
    let server = std::env::var("AWS_ENDPOINT_URL").unwrap().trim_start_matches("http://").to_owned();
    make_bucket(BUCKET);
    let (sample, caches) = (sample().await, tempfile::tempdir().unwrap());
    let store = bucket(&caches.path().join("ours")).await;
    fill(&sample, &store).await;
    let (url, pool) = shared_database().await;
    let between = Between::start(server).await;
    let worker = worker(&sample, &url, &between, &caches.path().join("worker"));

    let away = quick_or_full(Duration::from_secs(12), Duration::from_mins(2));
    let short = Duration::from_secs(2);
    let (mut measured, mut holds) = (Vec::new(), true);
    let mut troubles =
        vec![(Trouble::Away, away), (Trouble::Busy, short), (Trouble::Slow, short), (Trouble::Torn, short)];
    // Each call that is not answered is given up after half a minute, so only the full form waits for it.
    troubles.extend(quick_or_full(None, Some((Trouble::Silent, Duration::from_secs(40)))));
    for (n, (trouble, time)) in troubles.into_iter().enumerate() {
        between.is(trouble);
        let request = asked(&sample, &pool, 500 + n).await;
        until(&pool, request.id, RequestState::Running).await;
        sleep(time).await;
        between.is(Trouble::None);
        until(&pool, request.id, RequestState::Delivering).await;
        let (attempts, failures) = tries(&pool, request.id).await;
        let whole = whole(&store, &request).await;
        holds &= (attempts, failures) == (1, 0) && whole;
        measured.push(format!(
            "{trouble:?} {}: attempt {attempts}, files {}",
            seconds(time),
            if whole { "whole" } else { "torn" }
        ));
    }
    // Its input closes, so it ends.
    assert!(ended(worker).await.success());
    Row {
        number: "7",
        fault: "S3 away, 503, slow, or breaking uploads off, under a build by the real worker",
        bar: "the same attempt, no lost lease; the files are what the manifest says".to_owned(),
        measured: measured.join("; "),
        test: "storage::a_bucket_in_trouble_costs_no_attempt_and_leaves_nothing_half",
    }
    .judge(holds);
}
