//! Keeps worker processes running: one that dies is started again, and none outlives its parent.

use std::{ffi::OsString, path::PathBuf, process::Stdio, time::Duration};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::{
    process::{Child, ChildStdin, Command},
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

/// The first wait before a child that died is started again; doubled each time it dies young.
const RESTART_FIRST: Duration = Duration::from_millis(500);
/// The longest such wait.
const RESTART_LONGEST: Duration = Duration::from_secs(30);
/// A child that lived this long was healthy.
const HEALTHY: Duration = Duration::from_secs(30);

/// What to keep running.
#[derive(Debug, Clone)]
pub struct Children {
    /// Usually `std::env::current_exe()`.
    pub program: PathBuf,
    pub args: Vec<OsString>,
    /// Variables on top of ours.
    pub envs: Vec<(OsString, OsString)>,
    pub count: usize,
    /// How long a child may take to end after SIGTERM before it is killed.
    pub grace: Duration,
}

/// Keeps `children` running until `shutdown`, then ends them: SIGTERM, and SIGKILL after the grace.
///
/// Each child's standard input is a pipe from us that never carries anything: when it ends, we are gone, see [`follow_parent`].
/// A child has a process group of its own, so that Ctrl-C reaches it through us, in order.
pub async fn supervise(children: Children, shutdown: CancellationToken) {
    let mut keepers = JoinSet::new();
    for number in 1..=children.count {
        keepers.spawn(keep(children.clone(), number, shutdown.clone()));
    }
    while keepers.join_next().await.is_some() {}
}

async fn keep(children: Children, number: usize, shutdown: CancellationToken) {
    let mut wait = RESTART_FIRST;
    while !shutdown.is_cancelled() {
        let started = Instant::now();
        match spawn(&children) {
            Ok((mut child, _input)) => {
                tokio::select! {
                    ended = child.wait() => tracing::warn!(worker = number, status = ?ended.ok(), "a worker ended"),
                    () = shutdown.cancelled() => return end(child, children.grace).await,
                }
            }
            Err(error) => tracing::error!(%error, program = %children.program.display(), "cannot start a worker"),
        }
        wait = if started.elapsed() >= HEALTHY { RESTART_FIRST } else { wait };
        tokio::select! {
            () = sleep(wait) => {}
            () = shutdown.cancelled() => return,
        }
        wait = (wait * 2).min(RESTART_LONGEST);
    }
}

/// The pipe is apart from the child, because waiting for a child would close it, and the child would take that for our end.
fn spawn(children: &Children) -> std::io::Result<(Child, Option<ChildStdin>)> {
    let mut child = Command::new(&children.program)
        .args(&children.args)
        .envs(children.envs.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()?;
    let input = child.stdin.take();
    Ok((child, input))
}

async fn end(mut child: Child, grace: Duration) {
    if let Some(pid) = child.id().and_then(|id| i32::try_from(id).ok()) {
        let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
    }
    if timeout(grace, child.wait()).await.is_err() {
        tracing::warn!("a worker did not end in time; killing it");
        let _ = child.kill().await;
    }
}

/// In a child of [`supervise`]: asks for a shutdown when the parent is gone, however it went.
pub fn follow_parent(shutdown: CancellationToken) -> std::io::Result<()> {
    let wait = move || {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        tracing::warn!("the parent process is gone; ending");
        shutdown.cancel();
    };
    std::thread::Builder::new().name("follow-parent".to_owned()).spawn(wait).map(drop)
}
