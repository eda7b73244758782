//! A real Postgres for tests: one private server per test process, one fresh database per test.

use std::sync::{
    LazyLock,
    atomic::{AtomicUsize, Ordering},
};

use segment_bot::{config::Secret, demo::postgres::Cluster, queue};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool, postgres::PgConnectOptions};

/// `DATABASE_URL`'s server when that is set, else a private one, which its watchdog stops and removes when the tests end.
static SERVER: LazyLock<String> = LazyLock::new(|| {
    #[expect(clippy::disallowed_methods, reason = "tests have no Config; CI names its server this way")]
    let given = std::env::var("DATABASE_URL").ok().filter(|url| !url.is_empty());
    given.unwrap_or_else(|| {
        let cluster = Box::leak(Box::new(Cluster::temporary().unwrap()));
        cluster.url()
    })
});

static DATABASES: AtomicUsize = AtomicUsize::new(0);

/// A pool on a fresh, migrated database. Made on the caller's runtime and for it alone.
pub(crate) async fn database() -> PgPool {
    let pool = empty_database().await;
    queue::migrate(&pool).await.unwrap();
    pool
}

/// A pool on a fresh database without tables.
pub(crate) async fn empty_database() -> PgPool {
    queue::connect(&database_url().await).await.unwrap()
}

/// The address of a fresh database without tables.
pub(crate) async fn database_url() -> Secret {
    let name = format!("test_{}_{}", std::process::id(), DATABASES.fetch_add(1, Ordering::Relaxed));
    let server = tokio::task::spawn_blocking(|| SERVER.as_str()).await.unwrap();
    let options: PgConnectOptions = server.parse().unwrap();
    let mut admin = PgConnection::connect_with(&options).await.unwrap();
    let again = format!("drop database if exists {name}");
    sqlx::raw_sql(AssertSqlSafe(again)).execute(&mut admin).await.unwrap();
    let create = format!("create database {name} template template0");
    sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut admin).await.unwrap();
    admin.close().await.unwrap();
    Secret::new(with_database(server, &name))
}

/// The same server, another database: the path of the address up to its query.
fn with_database(server: &str, name: &str) -> String {
    let (address, query) = server.split_once('?').map_or((server, String::new()), |(a, q)| (a, format!("?{q}")));
    let scheme = address.find("://").map_or(0, |at| at + 3);
    let host = address[scheme..].find('/').map_or(address, |slash| &address[..scheme + slash]);
    format!("{host}/{name}{query}")
}
