//! Databases that refuse, that are no database for us, or that are another program's: each says what mends it.

use segment_bot::{
    config::Secret,
    queue::{self, QueueError},
};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, postgres::PgConnectOptions};

use crate::support::{
    command::{finished, segment_bot, text},
    database::database_url,
    requests::submitted,
    stage::{Stage, said},
};

async fn run(url: &str, arguments: &[&str]) -> (bool, String) {
    let mut command = segment_bot();
    command.env("DATABASE_URL", url).args(arguments);
    let output = tokio::task::spawn_blocking(move || finished(command)).await.unwrap();
    (output.status.success(), text(&output))
}

/// What `migrate` refuses with.
async fn refused(url: &str) -> String {
    let (done, said) = run(url, &["migrate"]).await;
    assert!(!done, "{said}");
    said
}

/// The line of `doctor` about the database, and the one that says how to mend it.
async fn diagnosed(url: &str) -> String {
    let (_, said) = run(url, &["doctor"]).await;
    let from = said.lines().skip_while(|line| !line.contains(" database "));
    from.take(2).collect::<Vec<_>>().join("\n")
}

fn contains(said: &str, words: &[&str]) {
    for word in words {
        assert!(said.contains(word), "`{word}` is not in: {said}");
    }
}

async fn sql(url: &Secret, statements: &str) {
    let mut conn = PgConnection::connect(url.expose()).await.unwrap();
    conn.execute(AssertSqlSafe(statements.to_owned())).await.unwrap();
}

/// The same server as `url`, with another user and database.
fn with(url: &Secret, user: &str, database: Option<&str>) -> String {
    let options: PgConnectOptions = url.expose().parse().unwrap();
    let database = database.or(options.get_database()).unwrap().to_owned();
    match options.get_socket() {
        Some(socket) => {
            let host = socket.to_string_lossy().replace('/', "%2F");
            format!("postgres://{user}@localhost/{database}?host={host}&port={}", options.get_port())
        }
        None => format!("postgres://{user}@{}:{}/{database}", options.get_host(), options.get_port()),
    }
}

/// A role of its own for each test, because roles belong to the whole server.
async fn role(url: &Secret, name: &str, more: &str) -> String {
    let options: PgConnectOptions = url.expose().parse().unwrap();
    let name = format!("{name}_{}", options.get_database().unwrap());
    sql(url, &format!("drop role if exists {name}; create role {name} {more}")).await;
    with(url, &name, None)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_is_lacking_is_named_with_its_grant() {
    let url = database_url().await;
    sql(&url, "revoke create on schema public from public").await;
    let app = role(&url, "app", "login").await;
    contains(
        &refused(&app).await,
        &["permission denied for schema public", "grant usage, create on schema public to \"app_"],
    );
    contains(
        &diagnosed(&app).await,
        &["WRONG  database", "may not create tables in schema public", "→", "grant usage, create"],
    );

    queue::migrate(&queue::connect(&url).await.unwrap()).await.unwrap();
    contains(&diagnosed(&app).await, &["WRONG  database"]);
    sql(&url, "grant select on all tables in schema public to public").await;
    contains(
        &diagnosed(&app).await,
        &[
            "lacks the right to insert, update, delete on table incident",
            "grant select, insert, update, delete on all tables",
        ],
    );
    sql(&url, "grant insert, update, delete on all tables in schema public to public").await;
    contains(&diagnosed(&app).await, &["ok     database"]);
    // Whoever may only use the tables can start the service: nothing is missing, so nothing is made.
    let (done, said) = run(&app, &["migrate"]).await;
    assert!(done, "{said}");
    submitted(&queue::connect(&Secret::new(app)).await.unwrap(), "U1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_may_only_read_says_so() {
    let url = database_url().await;
    queue::migrate(&queue::connect(&url).await.unwrap()).await.unwrap();
    let reader = role(&url, "reader", "login").await;
    let name = reader.split("//").nth(1).unwrap().split('@').next().unwrap().to_owned();
    sql(&url, &format!("alter role {name} set default_transaction_read_only = on; grant all on all tables in schema public to {name}")).await;
    let (done, said) = run(&reader, &["queue", "pause"]).await;
    assert!(!done);
    contains(&said, &["read-only", "DATABASE_URL must name the primary"]);
    contains(&diagnosed(&reader).await, &["WRONG  database", "read-only", "default_transaction_read_only = off"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_let_in_hears_why() {
    let url = database_url().await;
    contains(
        &refused(&with(&url, "postgres", Some("nosuch"))).await,
        &["database \"nosuch\" does not exist", "create database \"nosuch\" encoding 'UTF8'"],
    );
    contains(&refused(&with(&url, "stranger", None)).await, &["role \"stranger\" does not exist", "DATABASE_URL"]);
    let locked = role(&url, "locked", "nologin").await;
    contains(&refused(&locked).await, &["is not permitted to log in", "alter role"]);
    let full = role(&url, "full", "login connection limit 0").await;
    contains(&refused(&full).await, &["too many connections for role"]);
    contains(&refused("postgres://u:p@127.0.0.1:1/d").await, &["127.0.0.1:1 refuses the connection", "DATABASE_URL"]);
    contains(&refused("postgres://u:p@no-such-host.invalid/d").await, &["no-such-host.invalid", "host name"]);
    let broken = refused("postgres://u:hun/ter2@h/d").await;
    contains(&broken, &["DATABASE_URL", "%2F"]);
    assert!(!broken.contains("ter2"), "{broken}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_not_utf8_is_refused() {
    let url = database_url().await;
    for encoding in ["SQL_ASCII", "LATIN1", "EUC_JP"] {
        let options: PgConnectOptions = url.expose().parse().unwrap();
        let name = format!("{}_{}", options.get_database().unwrap(), encoding.to_lowercase());
        sql(&url, &format!("create database {name} encoding '{encoding}' locale 'C' template template0")).await;
        let other = with(&url, options.get_username(), Some(&name));
        contains(&refused(&other).await, &[encoding, "must be UTF8", "encoding 'UTF8'"]);
        contains(&diagnosed(&other).await, &["WRONG  database", "must be UTF8"]);
        sql(&url, &format!("drop database {name}")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_database_sets_for_itself_changes_nothing() {
    let url = database_url().await;
    let options: PgConnectOptions = url.expose().parse().unwrap();
    let name = options.get_database().unwrap();
    for setting in [
        "timezone = 'Asia/Tokyo'",
        "datestyle = 'German'",
        "intervalstyle = 'sql_standard'",
        "bytea_output = 'escape'",
        "default_transaction_isolation = 'serializable'",
        "statement_timeout = '20s'",
        "standard_conforming_strings = off",
        "extra_float_digits = -15",
    ] {
        sql(&url, &format!("alter database {name} set {setting}")).await;
    }
    let pool = queue::connect(&url).await.unwrap();
    queue::migrate(&pool).await.unwrap();
    let asked = (0..12).map(|n| {
        let pool = pool.clone();
        async move { submitted(&pool, &format!("U{n}")).await }
    });
    let requests = futures::future::join_all(asked).await;
    let age = segment_bot::clock::now() - requests[0].created_at;
    assert!((0..60).contains(&age.num_seconds()), "{age}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_another_program_are_not_taken_for_ours() {
    let url = database_url().await;
    sql(
        &url,
        "create table _sqlx_migrations (version bigint primary key, description text not null,
             installed_on timestamptz not null default now(), success boolean not null, checksum bytea not null,
             execution_time bigint not null);
         insert into _sqlx_migrations values (1, 'theirs', now(), true, '\\x00', 1)",
    )
    .await;
    let words =
        ["_sqlx_migrations", "belongs to another program", "create schema segment_bot", "search_path%3Dsegment_bot"];
    contains(&refused(url.expose()).await, &words);
    contains(&diagnosed(url.expose()).await, &words);
    sql(&url, "create schema segment_bot").await;
    let separator = if url.expose().contains('?') { '&' } else { '?' };
    let own = format!("{}{separator}options=-csearch_path%3Dsegment_bot", url.expose());
    let (done, said) = run(&own, &["migrate"]).await;
    assert!(done, "{said}");
    contains(&diagnosed(&own).await, &["ok     database"]);

    let url = database_url().await;
    sql(&url, "create table _sqlx_migrations (id int)").await;
    contains(&refused(url.expose()).await, &["belongs to another program", "create schema segment_bot"]);

    let url = database_url().await;
    sql(&url, "create table job (theirs int)").await;
    contains(&refused(url.expose()).await, &["relation \"job\" already exists", "schema of its own"]);
    // All or nothing: the migrations before that one are not there either.
    sql(&url, "create table segment_request (x int)").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_was_removed_is_missed() {
    let url = database_url().await;
    queue::migrate(&queue::connect(&url).await.unwrap()).await.unwrap();
    sql(&url, "drop table queue_pause").await;
    contains(&diagnosed(url.expose()).await, &["WRONG  database", "table queue_pause is not there", "backup"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_database_is_named_with_its_migration() {
    let url = database_url().await;
    let pool = queue::connect(&url).await.unwrap();
    queue::migrate(&pool).await.unwrap();
    sql(&url, "insert into _sqlx_migrations values (20990101000000, 'later', now(), true, '\\x00', 1)").await;
    let error = queue::migrate(&pool).await.unwrap_err();
    contains(&diagnosed(url.expose()).await, &["newer segment-bot"]);
    assert!(matches!(&error, QueueError::Database(_)) && !error.is_transient());
    contains(&error.to_string(), &["newer segment-bot", "20990101000000"]);
}

#[tokio::test]
async fn a_planner_is_told_to_try_again_only_where_that_helps() {
    let stage = Stage::new().await;
    sqlx::raw_sql("alter table segment_request rename to elsewhere").execute(&stage.pool).await.unwrap();
    for text in ["list", "show 1", "product=skincare size=1000 --go"] {
        let heard = said(&stage.types(text).await);
        contains(&heard, &["waiting does not change that"]);
        assert!(!heard.contains("in a minute"), "{heard}");
    }
    stage.pool.close().await;
    contains(&said(&stage.types("list").await), &["try again in a minute"]);
}
