//! A `PgBouncer` that lends sessions for one transaction at a time, set up as it comes, between the program and Postgres.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _},
        process::CommandExt as _,
    },
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use segment_bot::{
    config::Secret,
    queue::{self, Beat, JobKind, Listener, Outcome, RequestState, Settled, Wake},
};
use sqlx::postgres::PgConnectOptions;

use crate::support::{
    command::{finished, segment_bot, text},
    database::database_url,
    requests::{claimed, now, submitted, summary},
};

const NOBODY: u32 = 65_534;

/// A pooler that ends with its value.
struct Pooler {
    child: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Pooler {
    /// `None` where `PgBouncer` is not installed.
    #[expect(clippy::print_stderr, reason = "says why a test did nothing")]
    fn start(server: &PgConnectOptions) -> Option<Self> {
        let binary = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"].into_iter().find(|path| Path::new(path).exists());
        let Some(binary) = binary else {
            eprintln!("skipped: pgbouncer is not installed");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let host = server.get_socket().map_or_else(|| server.get_host().to_owned(), |path| path.display().to_string());
        let settings = format!(
            "[databases]\n* = host={host} port={} user={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = any\npool_mode = transaction\ndefault_pool_size = 3\n",
            server.get_port(),
            server.get_username()
        );
        let file = folder.path().join("pgbouncer.ini");
        fs::write(&file, settings).unwrap();
        let mut command = Command::new(binary);
        if nix::unistd::geteuid().is_root() {
            // It refuses to run as root; who owns the socket's folder may enter it.
            let owner = server.get_socket().and_then(|socket| fs::metadata(socket).ok());
            let (user, group) = owner.map_or((NOBODY, NOBODY), |owner| (owner.uid(), owner.gid()));
            command.uid(user).gid(group);
        }
        let child = command.arg(&file).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let pooler = Self { child, port, _folder: folder };
        for _ in 0..200 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Some(pooler);
            }
            std::thread::sleep(Duration::from_millis(25));
        }
        panic!("pgbouncer did not start");
    }
}

/// A fresh database behind a pooler.
async fn behind_a_pooler() -> Option<(Secret, Pooler)> {
    let direct: PgConnectOptions = database_url().await.expose().parse().unwrap();
    let pooler = Pooler::start(&direct)?;
    let url = format!("postgres://anybody@127.0.0.1:{}/{}", pooler.port, direct.get_database().unwrap());
    Some((Secret::new(url), pooler))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_step_of_a_request_works_behind_a_pooler() {
    let Some((url, _pooler)) = behind_a_pooler().await else { return };
    let pool = queue::connect(&url).await.unwrap();
    for _ in 0..3 {
        queue::migrate(&pool).await.unwrap();
    }
    // More people than sessions, all at once, again and again.
    let asked = (0..20).map(|n| {
        let pool = pool.clone();
        async move { submitted(&pool, &format!("U{n}")).await }
    });
    assert_eq!(futures::future::join_all(asked).await.len(), 20);
    let looks = (1..=40).map(|n| {
        let pool = pool.clone();
        async move { queue::request(&pool, n % 20 + 1).await.unwrap().is_some() }
    });
    assert!(futures::future::join_all(looks).await.into_iter().all(|found| found));

    let lease = claimed(&pool, JobKind::Segment).await.unwrap();
    let mut conn = pool.acquire().await.unwrap();
    for _ in 0..5 {
        assert_eq!(queue::beat(&mut conn, &lease, Duration::from_secs(30)).await.unwrap(), Beat::Alive);
    }
    drop(conn);
    queue::report(&pool, &lease, "scoring", 1, 2).await.unwrap();
    queue::settle(&pool, &lease, Outcome::SegmentDone(summary())).await.unwrap();
    // All of them asked for the same, so any of them may be the first to get it.
    let delivery = claimed(&pool, JobKind::Deliver).await.unwrap();
    assert_eq!(queue::settle(&pool, &delivery, Outcome::Delivered).await.unwrap(), Settled::Yes);
    let last_word = claimed(&pool, JobKind::Notify).await.unwrap();
    assert_eq!(queue::settle(&pool, &last_word, Outcome::Notified).await.unwrap(), Settled::Yes);
    assert_eq!(now(&pool, last_word.request_id).await.state, RequestState::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_listens_in_a_session_that_is_lent() {
    let Some((url, _pooler)) = behind_a_pooler().await else { return };
    let pool = queue::connect(&url).await.unwrap();
    queue::migrate(&pool).await.unwrap();
    let mut listener = Listener::start(&pool);
    // The loops look whenever they poll, and that is all that they hear.
    for _ in 0..3 {
        submitted(&pool, "U1").await;
        assert_eq!(listener.next(Duration::from_millis(50)).await, Wake::Look);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_say_the_same_every_time() {
    let Some((url, _pooler)) = behind_a_pooler().await else { return };
    let run = |arguments: &'static [&'static str]| {
        let mut command = segment_bot();
        command.env("DATABASE_URL", url.expose()).args(arguments);
        tokio::task::spawn_blocking(move || finished(command))
    };
    for _ in 0..3 {
        let migrated = run(&["migrate"]).await.unwrap();
        assert!(migrated.status.success(), "{}", text(&migrated));
        let looked = text(&run(&["doctor"]).await.unwrap());
        assert!(looked.contains("ok     database") && looked.contains("a pooler gives each transaction"), "{looked}");
    }
    for _ in 0..10 {
        let listed = run(&["queue", "list"]).await.unwrap();
        assert!(listed.status.success(), "{}", text(&listed));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_a_pooler_drops_is_said() {
    let Some((url, pooler)) = behind_a_pooler().await else { return };
    let url = format!("{}?options=-csearch_path%3Dprod", url.expose());
    let mut command = segment_bot();
    command.env("DATABASE_URL", url).arg("migrate");
    let refused = tokio::task::spawn_blocking(move || finished(command)).await.unwrap();
    assert!(!refused.status.success());
    let said = text(&refused);
    assert!(said.contains("ignore_startup_parameters") || said.contains("search_path"), "{said}");
    drop(pooler);
}
