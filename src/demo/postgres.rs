//! A private Postgres: the same engine as in production, on a Unix socket in a directory of its own, gone when we are gone.

mod account;
mod binaries;
mod home;
mod pid_file;
mod server;

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use account::Account;
use binaries::Binaries;
use home::Home;
use pid_file::Running;
use server::Server;

/// How long a server may take to come up, or to be gone.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often files and processes are looked at meanwhile.
const LOOK: Duration = Duration::from_millis(20);

/// Why there is no private Postgres.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    #[error(
        "Postgres is not installed here (no `{missing}`). Install Debian's package postgresql, or set DATABASE_URL"
    )]
    NotInstalled { missing: &'static str },
    #[error("{dir} was made by Postgres {made_by}, and only {found} is installed; remove the folder to start afresh")]
    OtherVersion { dir: PathBuf, made_by: String, found: String },
    #[error("Postgres refuses to run as root, and there is neither a user `postgres` nor `nobody` to run it as")]
    NoAccount,
    #[error("{dir} is not ours: it belongs to another user or others may write there; remove it")]
    NotOurs { dir: PathBuf },
    #[error("{program} failed: {output}")]
    Failed { program: &'static str, output: String },
    #[error("{doing} {path}: {source}")]
    Io { doing: &'static str, path: PathBuf, source: io::Error },
}

impl PostgresError {
    fn io<'a>(doing: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Self + 'a {
        move |source| Self::Io { doing, path: path.to_owned(), source }
    }
}

/// What a crash of the machine may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Durability {
    /// Nothing that was committed.
    Kept,
    /// Everything; for tests, which it makes several times faster.
    Lost,
}

/// A running private server. Stops with its value, and also when this process is killed; unless it was running before.
#[derive(Debug)]
pub struct Cluster {
    home: Home,
    /// `None` when a server of ours was already up and is somebody else's to stop.
    server: Option<Server>,
}

impl Cluster {
    /// Starts the cluster whose files are in `dir`, made when missing, or adopts the server that runs on it.
    ///
    /// Run as root, the server runs as `postgres` or `nobody`; where that user cannot reach `dir` (a folder below a 0700 home), and
    /// where the path is too long for a socket, the files go to a folder below `/var/tmp` that is always the same for `dir`.
    /// Blocks for a second or two the first time, well below one later.
    pub fn start(dir: &Path) -> Result<Self, PostgresError> {
        let account = Account::choose()?;
        Self::start_in(Home::prepare(dir, account)?, Durability::Kept)
    }

    /// Starts a cluster that is removed when it stops, with durability off: for tests.
    pub fn temporary() -> Result<Self, PostgresError> {
        let account = Account::choose()?;
        Self::start_in(Home::temporary(account)?, Durability::Lost)
    }

    fn start_in(home: Home, durability: Durability) -> Result<Self, PostgresError> {
        let _one_at_a_time = lock(&home)?;
        let binaries = Binaries::find(home.version()?.as_deref(), &home.data())?;
        if !home.data().exists() {
            initdb(&home, &binaries, durability)?;
        }
        let server = match pid_file::running(&home, PATIENCE)? {
            Running::Ready => None,
            Running::Gone => Some(Server::start(&home, &binaries, durability)?),
        };
        Ok(Self { home, server })
    }

    /// The address of its database `postgres`, for sqlx and psql alike.
    pub fn url(&self) -> String {
        let socket = percent_encoded(&self.home.path().to_string_lossy());
        format!("postgres://postgres@localhost/postgres?host={socket}")
    }

    /// Where the files are.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Whether this value started the server, rather than found it running.
    pub fn is_owner(&self) -> bool {
        self.server.is_some()
    }

    /// Stops the server if this value started it: sessions end, everything committed stays. Dropping does the same.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop();
            self.home.remove_if_temporary();
        }
    }
}

/// Two processes that start on one folder take turns.
fn lock(home: &Home) -> Result<File, PostgresError> {
    let path = home.path().join("lock");
    let file = File::create(&path).map_err(PostgresError::io("cannot create", &path))?;
    file.lock().map_err(PostgresError::io("cannot lock", &path))?;
    Ok(file)
}

/// Makes the cluster under another name first, so that a killed initdb leaves nothing that looks like one.
fn initdb(home: &Home, binaries: &Binaries, durability: Durability) -> Result<(), PostgresError> {
    let unfinished = home.path().join("data.new");
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).map_err(PostgresError::io("cannot remove", &unfinished))?;
    }
    let mut initdb = home.command(&binaries.initdb());
    initdb.arg("--pgdata").arg(&unfinished);
    initdb.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--data-checksums"]);
    if durability == Durability::Lost {
        initdb.arg("--no-sync");
    }
    run(initdb, "initdb")?;
    fs::rename(&unfinished, home.data()).map_err(PostgresError::io("cannot rename", &unfinished))
}

fn run(mut command: Command, program: &'static str) -> Result<(), PostgresError> {
    let output = command
        .output()
        .map_err(|source| PostgresError::Failed { program, output: format!("cannot be started: {source}") })?;
    if output.status.success() {
        return Ok(());
    }
    let output = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(PostgresError::Failed { program, output })
}

/// Looks every [`LOOK`] until `found` finds something, at most for `patience`.
fn wait_for<T>(patience: Duration, mut found: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    loop {
        if let Some(result) = found() {
            return Some(result);
        }
        if start.elapsed() > patience {
            return None;
        }
        std::thread::sleep(LOOK);
    }
}

fn percent_encoded(text: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if keep(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_becomes_part_of_an_address() {
        assert_eq!(percent_encoded("/var/tmp/a b"), "%2Fvar%2Ftmp%2Fa%20b");
    }
}
