//! A real S3 server that nobody here wrote (moto), and test processes whose environment points at it.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    process::{Command, Stdio},
    sync::OnceLock,
    time::Duration,
};

/// Set in the process that runs a test's body.
const INSIDE: &str = "SEGMENT_TEST_S3";
const BEHIND: &str = "SEGMENT_TEST_S3_BEHIND";

/// What the test needs of the server.
#[derive(Clone, Copy)]
pub(crate) enum Server {
    /// Everybody may do everything.
    Open,
    /// Only known access keys, so none.
    Locked,
    /// Nobody listens.
    Down,
    /// Open, behind a port on which the test itself is to listen; see [`behind`].
    Proxied,
}

/// `true` in the process that is to run the body of `test`. In the other process it starts the server, runs that process
/// with the environment set (a process cannot change its own safely) and gives `false`.
#[expect(clippy::disallowed_methods, clippy::print_stderr, reason = "tests control their own environment")]
pub(crate) fn inside(test: &str, server: Server) -> bool {
    if std::env::var(INSIDE).is_ok() {
        return true;
    }
    let Some(port) = port_of(server) else {
        eprintln!("skipped: moto_server is not installed (pip install 'moto[server]')");
        return false;
    };
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args([test, "--exact", "--nocapture"]);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("AWS_") {
            child.env_remove(name);
        }
    }
    child.envs([
        (INSIDE, "1"),
        ("AWS_ACCESS_KEY_ID", "nobody"),
        ("AWS_SECRET_ACCESS_KEY", "nothing"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ]);
    let seen = if let Server::Proxied = server { free_port() } else { port };
    child.env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{seen}")).env(BEHIND, format!("127.0.0.1:{port}"));
    let output = child.output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && printed.contains("1 passed"), "{printed}");
    false
}

/// The port to listen on, and the server to pass everything on to.
#[expect(clippy::disallowed_methods, reason = "tests control their own environment")]
pub(crate) fn behind() -> (String, String) {
    let endpoint = std::env::var("AWS_ENDPOINT_URL").unwrap();
    (endpoint.strip_prefix("http://").unwrap().to_owned(), std::env::var(BEHIND).unwrap())
}

/// Makes a bucket on the server that the environment names.
#[expect(clippy::disallowed_methods, reason = "tests control their own environment")]
pub(crate) fn make_bucket(bucket: &str) {
    let endpoint = std::env::var("AWS_ENDPOINT_URL").unwrap();
    let address = endpoint.strip_prefix("http://").unwrap();
    let answer = request(address, &format!("PUT /{bucket}")).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

pub(crate) fn request(address: &str, what: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    let lines = format!("{what} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    stream.write_all(lines.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

fn port_of(server: Server) -> Option<u16> {
    static OPEN: OnceLock<Option<u16>> = OnceLock::new();
    static LOCKED: OnceLock<Option<u16>> = OnceLock::new();
    match server {
        Server::Open | Server::Proxied => *OPEN.get_or_init(|| start(&[])),
        Server::Locked => *LOCKED.get_or_init(|| start(&[("INITIAL_NO_AUTH_ACTION_COUNT", "0")])),
        Server::Down => Some(free_port()),
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Starts a server that ends with this process: its shell waits on our end of a pipe.
fn start(environment: &[(&str, &str)]) -> Option<u16> {
    let found = Command::new("moto_server").arg("--help").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !found.is_ok_and(|status| status.success()) {
        return None;
    }
    let port = free_port();
    let script = format!("moto_server -H 127.0.0.1 -p {port} </dev/null & server=$!; read _; kill $server");
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]).envs(environment.iter().copied());
    let child = shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    // The pipe stays open until this process ends.
    std::mem::forget(child);
    let address = format!("127.0.0.1:{port}");
    for _ in 0..300 {
        if request(&address, "GET /moto-api/").is_ok() {
            return Some(port);
        }
        std::thread::park_timeout(Duration::from_millis(100));
    }
    panic!("moto_server did not answer on {address}");
}
