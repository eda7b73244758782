//! A proxy in front of Postgres that can fall silent: a half-open connection, as a network makes it.

use std::path::PathBuf;

use segment_bot::config::Secret;
use sqlx::postgres::PgConnectOptions;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpStream, UnixListener, UnixStream},
    sync::watch,
};

/// Listens on a Unix socket of its own.
pub(crate) struct Proxy {
    /// The database's address, through here.
    pub(crate) url: Secret,
    frozen: watch::Sender<bool>,
    folder: tempfile::TempDir,
}

impl Proxy {
    /// Starts a proxy to the database at `url`.
    pub(crate) fn start(url: &Secret) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join(".s.PGSQL.5432")).unwrap();
        let options: PgConnectOptions = url.expose().parse().unwrap();
        let database = options.get_database().unwrap().to_owned();
        let host = folder.path().display();
        let through = format!("postgres://{}@localhost/{database}?host={host}&sslmode=disable", options.get_username());
        let (frozen, watched) = watch::channel(false);
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                tokio::spawn(connect(client, options.clone(), watched.clone()));
            }
        });
        Self { url: Secret::new(through), frozen, folder }
    }

    /// From now on nothing passes, and nobody is told.
    pub(crate) fn freeze(&self) {
        assert!(self.folder.path().exists());
        self.frozen.send_replace(true);
    }
}

async fn connect(client: UnixStream, options: PgConnectOptions, frozen: watch::Receiver<bool>) {
    if let Some(folder) = options.get_socket() {
        let socket: PathBuf = folder.join(format!(".s.PGSQL.{}", options.get_port()));
        both(client, UnixStream::connect(socket).await.unwrap(), frozen).await;
    } else {
        let server = TcpStream::connect((options.get_host(), options.get_port())).await.unwrap();
        both(client, server, frozen).await;
    }
}

async fn both(client: UnixStream, server: impl AsyncRead + AsyncWrite, frozen: watch::Receiver<bool>) {
    let (from_client, to_client) = tokio::io::split(client);
    let (from_server, to_server) = tokio::io::split(server);
    tokio::select! {
        () = pass(from_client, to_server, frozen.clone()) => {}
        () = pass(from_server, to_client, frozen) => {}
    }
}

async fn pass(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, frozen: watch::Receiver<bool>) {
    let mut bytes = vec![0; 8_192];
    while let Ok(read) = from.read(&mut bytes).await {
        if *frozen.borrow() {
            std::future::pending::<()>().await;
        }
        if read == 0 || to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}
