//! Reads `postmaster.pid`: whether a server is up on a folder, without asking it.

use std::{fs, os::unix::net::UnixStream, path::Path, time::Duration};

use nix::{errno::Errno, sys::signal::kill, unistd::Pid};

use super::{Home, PostgresError, wait_for};

/// The socket, in the home.
const SOCKET: &str = ".s.PGSQL.5432";

/// Whether a server is up.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Running {
    Ready,
    Gone,
}

/// What the file says; its eighth line is the state.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PidFile {
    pub(super) pid: i32,
    pub(super) ready: bool,
}

/// The file of the server on `data`; `None` when there is none or it is being written.
pub(super) fn read(data: &Path) -> Option<PidFile> {
    let text = fs::read_to_string(data.join("postmaster.pid")).ok()?;
    let mut lines = text.lines();
    let pid = lines.next()?.trim().parse().ok()?;
    Some(PidFile { pid, ready: lines.nth(6).is_some_and(|state| state.trim() == "ready") })
}

/// Waits until the server of this folder is clearly up or clearly gone; one that is starting or stopping is neither.
pub(super) fn running(home: &Home, patience: Duration) -> Result<Running, PostgresError> {
    wait_for(patience, || look(home)).ok_or_else(|| PostgresError::Failed {
        program: "postgres",
        output: format!("a server on {} neither starts nor stops; see {}", home.data().display(), home.log().display()),
    })
}

fn look(home: &Home) -> Option<Running> {
    let file = home.data().join("postmaster.pid");
    let gone = || {
        // Postgres takes a zombie for a living server, so what it left behind has to go; a dead one's may.
        for left in [file.clone(), home.path().join(format!("{SOCKET}.lock")), home.path().join(SOCKET)] {
            let _ = fs::remove_file(left);
        }
        Some(Running::Gone)
    };
    let Some(found) = read(&home.data()) else {
        return (!file.exists()).then_some(Running::Gone);
    };
    if !is_alive(found.pid) {
        return gone();
    }
    let answers = || UnixStream::connect(home.path().join(SOCKET)).is_ok();
    if found.ready && answers() {
        return Some(Running::Ready);
    }
    // The number may belong to another program by now: a restart of the machine hands them out again.
    if is_postgres(found.pid) { None } else { gone() }
}

/// Whether the process exists and has not ended; one that waits to be reaped has.
pub(super) fn is_alive(pid: i32) -> bool {
    let exists = match kill(Pid::from_raw(pid), None) {
        Ok(()) | Err(Errno::EPERM) => true,
        Err(_) => false,
    };
    exists && !is_zombie(pid)
}

/// Asks `/proc`; where there is none, nothing is a zombie.
fn is_zombie(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The state follows the name, which is in parentheses and may hold anything.
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z'))
}

/// Asks `/proc`; where there is none, every process may be a server.
fn is_postgres(pid: i32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/comm")).map_or(true, |name| name.trim() == "postgres")
}
