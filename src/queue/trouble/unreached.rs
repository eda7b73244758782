//! When there is no connection: names, ports, networks, encryption.

use std::io::{self, ErrorKind};

use sqlx::postgres::PgConnectOptions;

use super::Trouble;

/// The server as messages name it; never with a password.
pub(super) fn place(at: Option<&PgConnectOptions>) -> String {
    match at {
        None => "the database".to_owned(),
        Some(at) => match at.get_socket() {
            Some(socket) => format!("the database at the socket in {}", socket.display()),
            None => format!("the database at {}:{}", at.get_host(), at.get_port()),
        },
    }
}

/// What the network said. It may be well again in a moment, so all of it may pass.
pub(super) fn network(error: &io::Error, at: Option<&PgConnectOptions>) -> Trouble {
    // A certificate is looked at while the connection is made.
    if error.to_string().contains("certificate") {
        return encryption(&error.to_string(), at);
    }
    let place = place(at);
    match error.kind() {
        ErrorKind::ConnectionRefused => {
            Trouble::passing(format!("{place} refuses the connection: nobody listens there"))
                .with_remedy("start Postgres, or mend host and port in DATABASE_URL")
        }
        ErrorKind::TimedOut | ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
            at.map_or_else(|| Trouble::passing("the database does not answer"), silent)
        }
        ErrorKind::NotFound | ErrorKind::PermissionDenied if at.is_some_and(|at| at.get_socket().is_some()) => {
            Trouble::passing(format!("{place} is not there, or may not be opened"))
                .with_remedy("start Postgres, or mend `host` in DATABASE_URL")
        }
        ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::UnexpectedEof => Trouble::passing(format!("the connection to {place} broke off")),
        _ if is_unknown_name(error) => {
            let host = at.map_or_else(|| "in DATABASE_URL".to_owned(), |at| format!("`{}`", at.get_host()));
            Trouble::passing(format!("no machine is known by the host name {host}"))
                .with_remedy("mend the host in DATABASE_URL, or this machine's name service")
        }
        _ => Trouble::passing(format!("{place} cannot be reached: {}", plain(error))),
    }
}

/// Nothing came back at all.
pub(in crate::queue) fn silent(at: &PgConnectOptions) -> Trouble {
    Trouble::passing(format!("{} does not answer", place(Some(at))))
        .with_remedy("look whether it runs, whether a firewall lies between, and at host and port in DATABASE_URL")
}

/// What became of encryption. A certificate stays as it is until somebody changes it.
pub(super) fn encryption(said: &str, at: Option<&PgConnectOptions>) -> Trouble {
    let place = place(at);
    let low = said.to_lowercase();
    if low.contains("does not support tls") {
        return Trouble::lasting(
            format!("{place} does not encrypt connections, and DATABASE_URL asks for it"),
            "turn on `ssl` in Postgres, or write `sslmode=prefer` in DATABASE_URL",
        );
    }
    if !low.contains("certificate") && !low.contains("pem") && !low.contains("no such file") {
        return Trouble::passing(format!("an encrypted connection to {place} could not be agreed on"))
            .with_remedy("Postgres must offer TLS 1.2 or newer");
    }
    let why = if low.contains("expired") {
        "has expired"
    } else if low.contains("name") {
        "is for another host name"
    } else if low.contains("unknownissuer") || low.contains("unknown issuer") || low.contains("causedasendentity") {
        "is signed by nobody whom this machine trusts"
    } else if low.contains("no such file") || low.contains("pem") {
        return Trouble::lasting(
            "the file of certificates that DATABASE_URL names (`sslrootcert`, `sslcert` or `sslkey`) cannot be read",
            "mend its path; it must hold certificates in PEM form",
        );
    } else {
        "is not valid"
    };
    Trouble::lasting(
        format!("the certificate of {place} {why}"),
        "name its authority by `sslrootcert=/path/to/ca.crt` in DATABASE_URL, use the host name that it is for, or write \
         `sslmode=require`, which encrypts without looking at it",
    )
}

fn is_unknown_name(error: &io::Error) -> bool {
    let said = error.to_string();
    ["lookup address", "Name or service", "No address associated", "name resolution"]
        .iter()
        .any(|words| said.contains(words))
}

/// The operating system's own words, without its number.
fn plain(error: &io::Error) -> String {
    let said = error.to_string();
    said.split(" (os error").next().unwrap_or_default().to_owned()
}
