//! What we may do in the database, and what lies between it and us: for `doctor`, which changes nothing.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::{ConnectOptions as _, Connection as _, FromRow, PgConnection, PgPool};
use tokio::time::timeout;

use super::{
    QueueError, migrate,
    sql::{self, once},
    trouble::Trouble,
};

/// How long two sessions may take to be had.
const SESSION_WAIT: Duration = Duration::from_secs(10);

/// A database that segment-bot can work with.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// Such as `15.4`.
    pub version: String,
    pub database: String,
    /// Where the tables are, or will be.
    pub schema: String,
    /// Migrations that have run.
    pub applied: usize,
    /// Migrations that have not.
    pub pending: usize,
    /// Whether a pooler gives each transaction another session.
    pub pooled: bool,
    /// The database's clock.
    pub now: DateTime<Utc>,
}

#[derive(FromRow)]
#[expect(clippy::struct_excessive_bools, reason = "each is an answer of the database")]
struct Rights {
    role: String,
    schema: Option<String>,
    search_path: String,
    standby: bool,
    read_only: bool,
    may_use: bool,
    may_create: bool,
    now: DateTime<Utc>,
}

#[derive(FromRow)]
struct Lacking {
    table: String,
    rights: String,
}

/// Looks at everything that the service needs of the database; the first thing that it lacks is the error.
pub async fn examine(pool: &PgPool) -> Result<Standing, QueueError> {
    let mut tx = sql::begin(pool).await?;
    let rights = rights(&mut tx).await?;
    let Some(schema) = rights.schema.clone() else { return Err(no_schema(&rights).into()) };
    rights.check(&schema)?;
    let looked = migrate::look(&mut tx).await?;
    let pending = looked.check(&pool.connect_options())?.len();
    looked.check_encoding()?;
    tx.commit().await?;
    if pending > 0 && !rights.may_create {
        let what = format!(
            "{pending} migrations have not run, and \"{}\" may not create tables in schema {schema}",
            rights.role
        );
        let remedy = format!("its owner must run `grant usage, create on schema {schema} to \"{}\"`", rights.role);
        return Err(Trouble::lasting(what, remedy).into());
    }
    if looked.applied() > 0 {
        check_tables(pool, &rights.role, &schema).await?;
    }
    Ok(Standing {
        applied: looked.applied(),
        pending,
        version: looked.version,
        database: looked.database,
        schema,
        pooled: is_pooled(pool).await?,
        now: rights.now,
    })
}

/// Whether two connections of ours can have the same session: a pooler lends it for one transaction at a time. Then no notification
/// reaches who listens. Both are connections of their own, so that nobody waits for the pool's.
pub(super) async fn is_pooled(pool: &PgPool) -> Result<bool, sqlx::Error> {
    // Whoever lends sessions by transaction has one free soon.
    timeout(SESSION_WAIT, is_shared(pool)).await.unwrap_or(Ok(false))
}

async fn is_shared(pool: &PgPool) -> Result<bool, sqlx::Error> {
    let options = pool.connect_options();
    let (mut one, mut other) = (options.connect().await?, options.connect().await?);
    let first = session(&mut one).await?;
    let mut pooled = false;
    for _ in 0..3 {
        let theirs = session(&mut other).await?;
        let ours = session(&mut one).await?;
        pooled |= theirs == first || ours != first;
    }
    one.close().await?;
    other.close().await?;
    Ok(pooled)
}

async fn session(conn: &mut PgConnection) -> Result<i32, sqlx::Error> {
    let mut tx = sql::begin_on(conn).await?;
    let id = sql::query_scalar("select pg_backend_pid()").fetch_one(&mut *tx).await?;
    tx.commit().await?;
    Ok(id)
}

async fn rights(conn: &mut PgConnection) -> Result<Rights, sqlx::Error> {
    sql::query_as(
        "select current_user::text as role, current_schema()::text as schema, current_setting('search_path') as search_path,
                pg_is_in_recovery() as standby, current_setting('transaction_read_only') = 'on' as read_only,
                coalesce(has_schema_privilege(current_schema(), 'usage'), false) as may_use,
                coalesce(has_schema_privilege(current_schema(), 'create'), false) as may_create,
                clock_timestamp() as now",
    )
    .fetch_one(conn)
    .await
}

fn no_schema(rights: &Rights) -> Trouble {
    let what = format!("none of the schemas in search_path ({}) is there for \"{}\"", rights.search_path, rights.role);
    Trouble::lasting(what, format!("`create schema <name> authorization \"{}\"`", rights.role))
}

impl Rights {
    fn check(&self, schema: &str) -> Result<(), Trouble> {
        if self.standby {
            return Err(Trouble::lasting(
                "this database is read-only: it is a standby",
                "DATABASE_URL must name the primary",
            ));
        }
        if self.read_only {
            let what = format!("the database is read-only for \"{}\" (default_transaction_read_only)", self.role);
            let remedy = format!(
                "`alter role \"{}\" set default_transaction_read_only = off`, or name a role in DATABASE_URL that may write",
                self.role
            );
            return Err(Trouble::lasting(what, remedy));
        }
        if !self.may_use {
            let what = format!("\"{}\" may not use schema {schema}", self.role);
            let remedy = format!("its owner must run `grant usage, create on schema {schema} to \"{}\"`", self.role);
            return Err(Trouble::lasting(what, remedy));
        }
        Ok(())
    }
}

/// What the migrations make.
const TABLES: &[&str] = &["segment_request", "job", "incident", "queue_pause"];

/// Tables that were removed after the migrations ran.
async fn check_names(pool: &PgPool, schema: &str) -> Result<(), QueueError> {
    let gone: Option<String> = sql::query_scalar(
        "select name from unnest($1::text[]) as name
         where to_regclass(quote_ident(current_schema()) || '.' || quote_ident(name)) is null limit 1",
    )
    .bind(TABLES)
    .fetch_optional(once(pool))
    .await?;
    let Some(gone) = gone else { return Ok(()) };
    let what = format!("the migrations have run in schema {schema}, and the table {gone} is not there");
    Err(Trouble::lasting(what, "restore the tables from a backup, or give segment-bot an empty schema").into())
}

/// Our tables, as far as this role lacks a right to one of them.
async fn check_tables(pool: &PgPool, role: &str, schema: &str) -> Result<(), QueueError> {
    let lacking: Vec<Lacking> = sql::query_as(
        "select t.tablename::text as table, string_agg(p.name, ', ' order by p.at) as rights
         from pg_catalog.pg_tables t
         cross join (values (1, 'select'), (2, 'insert'), (3, 'update'), (4, 'delete')) as p (at, name)
         where t.schemaname = current_schema()
           and (t.tablename = any ($1) or t.tablename = '_sqlx_migrations')
           and (t.tablename <> '_sqlx_migrations' or p.name = 'select')
           and not has_table_privilege(format('%I.%I', t.schemaname, t.tablename), p.name)
         group by t.tablename
         order by t.tablename",
    )
    .bind(TABLES)
    .fetch_all(once(pool))
    .await?;
    let Some(first) = lacking.first() else { return check_names(pool, schema).await };
    let others =
        if lacking.len() > 1 { format!(", and {} other tables likewise", lacking.len() - 1) } else { String::new() };
    let what = format!("\"{role}\" lacks the right to {} on table {}{others}", first.rights, first.table);
    let remedy = format!(
        "their owner must run `grant select, insert, update, delete on all tables in schema {schema} to \"{role}\"`"
    );
    Err(Trouble::lasting(what, remedy).into())
}
