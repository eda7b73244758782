//! The private Postgres: starts, is adopted, keeps what it was given, ends with us.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use segment_bot::demo::postgres::Cluster;
use sqlx::{Connection, PgConnection};

/// Set in the child process that a test kills.
const CHILD_HOME: &str = "SEGMENT_BOT_TEST_CLUSTER_HOME";

async fn number(cluster: &Cluster, sql: &'static str) -> i32 {
    let mut conn = PgConnection::connect(&cluster.url()).await.unwrap();
    sqlx::query_scalar(sql).fetch_one(&mut conn).await.unwrap()
}

/// A folder for one cluster, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("cluster-{}", uuid::Uuid::new_v4().simple())))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn postmaster(home: &Path) -> Option<i32> {
    fs::read_to_string(home.join("data/postmaster.pid")).ok()?.lines().next()?.parse().ok()
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(20), "not within 20 s: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[tokio::test]
async fn a_cluster_keeps_its_rows_over_a_restart_and_is_adopted_while_it_runs() {
    let folder = Folder::new();
    let first = Cluster::start(&folder.0).unwrap();
    assert!(first.is_owner());
    let mut conn = PgConnection::connect(&first.url()).await.unwrap();
    sqlx::raw_sql("create table kept (n int); insert into kept values (7)").execute(&mut conn).await.unwrap();

    let second = Cluster::start(&folder.0).unwrap();
    assert!(!second.is_owner(), "a server of ours that is still up is adopted");
    assert_eq!(number(&second, "select n from kept").await, 7);
    second.stop();
    assert_eq!(number(&first, "select n from kept").await, 7, "who adopts does not stop");

    first.stop();
    assert_eq!(postmaster(&folder.0), None);
    let third = Cluster::start(&folder.0).unwrap();
    assert!(third.is_owner());
    assert_eq!(number(&third, "select n from kept").await, 7);
    assert_eq!(
        number(&third, "select count(*)::int from pg_settings where name = 'listen_addresses' and setting = ''").await,
        1
    );
}

#[tokio::test]
async fn a_folder_that_the_server_cannot_reach_has_a_stand_in() {
    let blocked = tempfile::tempdir().unwrap();
    fs::set_permissions(blocked.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let long = blocked.path().join("a".repeat(90));
    let cluster = Cluster::start(&long).unwrap();
    assert!(cluster.home().starts_with("/var/tmp"));
    assert_eq!(number(&cluster, "select 1").await, 1);
    let home = cluster.home().to_owned();
    cluster.stop();
    let again = Cluster::start(&long).unwrap();
    assert_eq!(again.home(), home, "the same folder finds the same rows");
    again.stop();
    fs::remove_dir_all(home).unwrap();
}

#[tokio::test]
async fn a_killed_server_starts_again() {
    let folder = Folder::new();
    let first = Cluster::start(&folder.0).unwrap();
    let pid = nix::unistd::Pid::from_raw(postmaster(&folder.0).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
    // The first value is alive and has not reaped its child: a zombie, which must not count as a server.
    let second = Cluster::start(&folder.0).unwrap();
    assert!(second.is_owner());
    assert_eq!(number(&second, "select 1").await, 1);
    second.stop();
    first.stop();
}

#[tokio::test]
async fn a_half_made_cluster_is_made_again() {
    let folder = Folder::new();
    let first = Cluster::start(&folder.0).unwrap();
    let home = first.home().to_owned();
    first.stop();
    fs::rename(home.join("data"), home.join("data.new")).unwrap();
    fs::remove_file(home.join("data.new/PG_VERSION")).unwrap();
    let second = Cluster::start(&folder.0).unwrap();
    assert_eq!(number(&second, "select 1").await, 1);
}

/// Not a test of its own: what the child of the next one does.
#[test]
fn a_child_that_holds_a_cluster() {
    let Some(dir) = std::env::var_os(CHILD_HOME) else { return };
    let _cluster = Cluster::start(Path::new(&dir)).unwrap();
    std::thread::sleep(Duration::from_mins(1));
}

#[test]
fn the_server_stops_when_its_owner_is_killed() {
    let folder = Folder::new();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "postgres::a_child_that_holds_a_cluster"])
        .env(CHILD_HOME, &folder.0)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let pid_file = folder.0.join("data/postmaster.pid");
    wait_until("ready", || fs::read_to_string(&pid_file).is_ok_and(|text| text.contains("ready")));
    child.kill().unwrap();
    child.wait().unwrap();
    wait_until("stopped", || !pid_file.exists());
}
