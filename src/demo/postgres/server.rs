//! The server's process and its watchdog.

use std::{
    fs::{self, File},
    io::Write,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::{Binaries, Durability, Home, LOOK, PATIENCE, PostgresError, pid_file, wait_for};

const SH: &str = "/bin/sh";

/// How long a killed predecessor may hold on to its memory before the server can start.
const RETRY: Duration = Duration::from_secs(5);

/// Reads the server's process number from its input and waits until that ends, which it does when we do, however we end. Then stops the
/// server and removes a temporary folder. Killed before we could say the number, it looks into the server's own file.
const WATCHDOG: &str = r#"
while read -r line; do pid=$line; done
if [ -z "$pid" ]; then sleep 1; read -r pid < "$1/postmaster.pid"; fi
if [ -n "$pid" ]; then kill -INT "$pid"; fi
tries=0
while [ "$tries" -lt 100 ] && [ -n "$pid" ] && kill -0 "$pid"; do sleep 0.1; tries=$((tries + 1)); done
if [ -n "$2" ]; then rm -rf -- "$2"; fi
"#;

/// A server that we started.
#[derive(Debug)]
pub(super) struct Server {
    process: Child,
    watchdog: Child,
}

impl Server {
    /// Starts the server and waits until it takes connections.
    pub(super) fn start(home: &Home, binaries: &Binaries, durability: Durability) -> Result<Self, PostgresError> {
        let mut last = String::new();
        let mut watchdog = watch(home)?;
        let process = wait_for(RETRY, || match spawn(home, binaries, durability, &mut watchdog) {
            Ok(process) => Some(process),
            Err(error) => {
                last = error.to_string();
                std::thread::sleep(10 * LOOK);
                None
            }
        });
        if let Some(process) = process {
            return Ok(Self { process, watchdog });
        }
        end(&mut watchdog);
        Err(PostgresError::Failed { program: "postgres", output: last })
    }

    /// Ends sessions and stops (SIGINT); a server that does not listen is stopped the hard way, which loses nothing committed.
    pub(super) fn stop(mut self) {
        end(&mut self.watchdog);
        for signal in [Signal::SIGINT, Signal::SIGQUIT, Signal::SIGKILL] {
            let _ = kill(pid(&self.process), signal);
            if wait_for(PATIENCE / 3, || self.process.try_wait().ok().flatten()).is_some() {
                return;
            }
        }
    }
}

/// One try: a process that became ready, or what it said before it ended.
fn spawn(
    home: &Home,
    binaries: &Binaries,
    durability: Durability,
    watchdog: &mut Child,
) -> Result<Child, PostgresError> {
    let log = File::create(home.log()).map_err(PostgresError::io("cannot create", &home.log()))?;
    let also_log = log.try_clone().map_err(PostgresError::io("cannot write", &home.log()))?;
    let mut postgres = home.command(&binaries.postgres());
    postgres.arg("-D").arg(home.data()).arg("-k").arg(home.path()).stdout(log).stderr(also_log);
    for setting in settings(durability) {
        postgres.arg("-c").arg(setting);
    }
    let mut process = postgres.spawn().map_err(PostgresError::io("cannot start", &binaries.postgres()))?;
    let number = pid(&process).as_raw();
    if let Some(input) = &mut watchdog.stdin {
        writeln!(input, "{number}").map_err(PostgresError::io("cannot tell", Path::new(SH)))?;
    }
    let came_up = wait_for(PATIENCE, || match process.try_wait() {
        Ok(None) => pid_file::read(&home.data()).filter(|file| file.ready && file.pid == number).map(|_| true),
        _ => Some(false),
    });
    if came_up == Some(true) {
        return Ok(process);
    }
    end(&mut process);
    Err(PostgresError::Failed { program: "postgres", output: last_lines(&home.log()) })
}

fn settings(durability: Durability) -> Vec<&'static str> {
    let mut settings = vec!["listen_addresses=", "unix_socket_permissions=0700", "max_connections=200"];
    if durability == Durability::Lost {
        settings.extend(["fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off"]);
    }
    settings
}

fn watch(home: &Home) -> Result<Child, PostgresError> {
    Command::new(SH)
        .args(["-c", WATCHDOG, "watchdog"])
        .arg(home.data())
        .arg(home.to_remove().unwrap_or(Path::new("")))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(PostgresError::io("cannot start", Path::new(SH)))
}

fn end(process: &mut Child) {
    let _ = process.kill();
    let _ = process.wait();
}

fn last_lines(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(5)..].join("\n")
}

#[expect(clippy::cast_possible_wrap, reason = "process numbers are far below 2^31")]
fn pid(process: &Child) -> Pid {
    Pid::from_raw(process.id() as i32)
}
