//! A proxy in front of Postgres that can be slow, or fall silent: a half-open connection, as a network makes it.

use std::{path::PathBuf, time::Duration};

use segment_bot::{config::Secret, queue};
use sqlx::{PgPool, postgres::PgConnectOptions};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpStream, UnixListener, UnixStream},
    sync::watch,
};

use super::database::database_url;

#[derive(Debug, Clone, Copy)]
enum Passing {
    After(Duration),
    Never,
}

/// Listens on a Unix socket of its own.
pub(crate) struct Proxy {
    /// The database's address, through here.
    url: Secret,
    passing: watch::Sender<Passing>,
    folder: tempfile::TempDir,
}

impl Proxy {
    /// A database of its own, and the same through a proxy.
    pub(crate) async fn database() -> (PgPool, Self, PgPool) {
        let url = database_url().await;
        let pool = queue::connect(&url).await.unwrap();
        queue::migrate(&pool).await.unwrap();
        let proxy = Self::start(&url);
        let through = queue::connect(&proxy.url).await.unwrap();
        (pool, proxy, through)
    }

    /// Starts a proxy to the database at `url`.
    fn start(url: &Secret) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join(".s.PGSQL.5432")).unwrap();
        let options: PgConnectOptions = url.expose().parse().unwrap();
        let database = options.get_database().unwrap().to_owned();
        let host = folder.path().display();
        let through = format!("postgres://{}@localhost/{database}?host={host}&sslmode=disable", options.get_username());
        let (passing, watched) = watch::channel(Passing::After(Duration::ZERO));
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                tokio::spawn(connect(client, options.clone(), watched.clone()));
            }
        });
        Self { url: Secret::new(through), passing, folder }
    }

    /// From now on nothing passes, and nobody is told.
    pub(crate) fn freeze(&self) {
        assert!(self.folder.path().exists());
        self.passing.send_replace(Passing::Never);
    }

    /// From now on everything comes so much later, either way.
    pub(crate) fn slow_down(&self, delay: Duration) {
        self.passing.send_replace(Passing::After(delay));
    }
}

async fn connect(client: UnixStream, options: PgConnectOptions, passing: watch::Receiver<Passing>) {
    if let Some(folder) = options.get_socket() {
        let socket: PathBuf = folder.join(format!(".s.PGSQL.{}", options.get_port()));
        both(client, UnixStream::connect(socket).await.unwrap(), passing).await;
    } else {
        let server = TcpStream::connect((options.get_host(), options.get_port())).await.unwrap();
        both(client, server, passing).await;
    }
}

async fn both(client: UnixStream, server: impl AsyncRead + AsyncWrite, passing: watch::Receiver<Passing>) {
    let (from_client, to_client) = tokio::io::split(client);
    let (from_server, to_server) = tokio::io::split(server);
    tokio::select! {
        () = pass(from_client, to_server, passing.clone()) => {}
        () = pass(from_server, to_client, passing) => {}
    }
}

async fn pass(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, passing: watch::Receiver<Passing>) {
    let mut bytes = vec![0; 8_192];
    while let Ok(read) = from.read(&mut bytes).await {
        let now = *passing.borrow();
        match now {
            Passing::After(delay) => tokio::time::sleep(delay).await,
            Passing::Never => std::future::pending().await,
        }
        if read == 0 || to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}
