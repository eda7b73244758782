//! The tables brought up to date: all that is missing in one transaction, so that nothing is ever half there.
//!
//! The table of what has run is sqlx's, in its shape; only the way is ours, because sqlx's own takes a lock of the session and prepares
//! under names, neither of which survives a pooler.

use sqlx::{
    FromRow, PgConnection, PgPool,
    migrate::{Migration, Migrator},
    postgres::PgConnectOptions,
};

use super::{
    QueueError, sql,
    trouble::{OWN_SCHEMA, Trouble},
};

/// The tables, as files in `migrations/`. None may say `no-transaction`.
pub static MIGRATOR: Migrator = sqlx::migrate!();

/// Postgres' own number of the oldest version that will do.
const OLDEST: i32 = 140_000;

/// A migration that the database says it has.
#[derive(Debug, Clone, FromRow)]
struct Applied {
    version: i64,
    checksum: Vec<u8>,
    success: bool,
}

/// Brings the tables up to date. Several processes may do so at once. Where nothing is missing, nothing is written, so that a role
/// that may only use the tables can start the service.
pub async fn migrate(pool: &PgPool) -> Result<(), QueueError> {
    if pending(pool).await?.is_empty() {
        return Ok(());
    }
    let at = pool.connect_options();
    let trouble = |error: &sqlx::Error| Trouble::of(error, Some(&at));
    let mut tx = sql::begin(pool).await?;
    prepare(&mut tx).await.map_err(|error| trouble(&error))?;
    // Somebody else may have done it while we waited.
    let applied = applied(&mut tx).await.map_err(|error| trouble(&error))?;
    for migration in missing(&applied)? {
        apply(&mut tx, migration).await.map_err(|error| {
            trouble(&error).while_doing(&format!("migration {} ({})", migration.version, migration.description))
        })?;
    }
    Ok(tx.commit().await?)
}

/// The migrations that have not run; fails where the database is none that they could run in.
pub(super) async fn pending(pool: &PgPool) -> Result<Vec<i64>, QueueError> {
    let at = pool.connect_options();
    let mut tx = sql::begin(pool).await.map_err(|error| Trouble::of(&error, Some(&at)))?;
    let looked = look(&mut tx).await.map_err(|error| Trouble::of(&error, Some(&at)))?;
    tx.commit().await?;
    looked.check(&at)
}

/// What decides whether the tables can be made.
#[derive(Debug)]
pub(super) struct Looked {
    pub(super) version_number: i32,
    pub(super) version: String,
    pub(super) encoding: String,
    pub(super) database: String,
    search_path: String,
    /// Whether the table of what has run is there and not in sqlx's shape.
    foreign: bool,
    applied: Vec<Applied>,
}

impl Looked {
    /// How many migrations have run.
    pub(super) fn applied(&self) -> usize {
        self.applied.len()
    }

    /// The migrations that have not run.
    pub(super) fn check(&self, at: &PgConnectOptions) -> Result<Vec<i64>, QueueError> {
        self.check_schema(at)?;
        if self.version_number < OLDEST {
            let what = format!("this is Postgres {}, and segment-bot needs 14 or newer", self.version);
            return Err(Trouble::lasting(what, "update Postgres").into());
        }
        if self.foreign {
            let what = "the table _sqlx_migrations in this schema belongs to another program (it has other columns)";
            return Err(Trouble::lasting(what, OWN_SCHEMA).into());
        }
        let missing: Vec<i64> = missing(&self.applied)?.map(|migration| migration.version).collect();
        // Tables that exist are kept in use; `doctor` goes on saying it.
        if self.applied.is_empty() {
            self.check_encoding()?;
        }
        Ok(missing)
    }

    /// A pooler may drop what an address asks for at the start of a session; the tables would go somewhere else.
    fn check_schema(&self, at: &PgConnectOptions) -> Result<(), QueueError> {
        let bare = |path: &str| path.replace(['"', ' ', '\''], "");
        let asked = at.get_options().and_then(|options| options.rsplit_once("search_path=")).map(|(_, path)| path);
        let Some(asked) = asked.map(|path| bare(path.split(" -").next().unwrap_or_default())) else { return Ok(()) };
        if asked == bare(&self.search_path) {
            return Ok(());
        }
        let what =
            format!("DATABASE_URL asks for the schema {asked}, and the session has search_path {}", self.search_path);
        let remedy = format!(
            "a pooler on the way drops `options`: give the schema by `alter role \"{}\" in database \"{}\" set search_path = {asked}`, and take it out of DATABASE_URL",
            at.get_username(),
            self.database
        );
        Err(Trouble::lasting(what, remedy).into())
    }

    /// Names in any script must fit.
    pub(super) fn check_encoding(&self) -> Result<(), QueueError> {
        if self.encoding == "UTF8" {
            return Ok(());
        }
        let what = format!("the encoding of database \"{}\" is {} and must be UTF8", self.database, self.encoding);
        let remedy = "make another one by `create database <name> encoding 'UTF8' locale 'C.UTF-8' template template0`, and name it in DATABASE_URL";
        Err(Trouble::lasting(what, remedy).into())
    }
}

pub(super) async fn look(conn: &mut PgConnection) -> Result<Looked, sqlx::Error> {
    let (version_number, version, encoding, database, search_path): (i32, String, String, String, String) =
        sql::query_as(
            "select current_setting('server_version_num')::int, current_setting('server_version'),
                current_setting('server_encoding'), current_database()::text, current_setting('search_path')",
        )
        .fetch_one(&mut *conn)
        .await?;
    // Another program's table of this name may have any columns; sqlx's has these.
    let (columns, ours): (i64, i64) = sql::query_as(
        "select count(*), count(*) filter (where (attname, atttypid) in
                (('version', 'bigint'::regtype), ('checksum', 'bytea'::regtype), ('success', 'boolean'::regtype)))
         from pg_catalog.pg_attribute
         where attrelid = to_regclass(quote_ident(current_schema()) || '._sqlx_migrations') and attnum > 0 and not attisdropped",
    )
    .fetch_one(&mut *conn)
    .await?;
    let foreign = columns > 0 && ours < 3;
    let applied = if columns > 0 && !foreign { applied(conn).await? } else { Vec::new() };
    Ok(Looked { version_number, version, encoding, database, search_path, foreign, applied })
}

/// One at a time, however long the database would let others wait.
async fn prepare(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(
        "set local statement_timeout = 0; set local lock_timeout = 0; set local idle_in_transaction_session_timeout = 0;
         select pg_advisory_xact_lock(hashtextextended('segment_bot.migrate', 0));
         create table if not exists _sqlx_migrations (
             version bigint primary key,
             description text not null,
             installed_on timestamptz not null default now(),
             success boolean not null,
             checksum bytea not null,
             execution_time bigint not null
         )",
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn applied(conn: &mut PgConnection) -> Result<Vec<Applied>, sqlx::Error> {
    sql::query_as("select version, checksum, success from _sqlx_migrations order by version").fetch_all(conn).await
}

async fn apply(conn: &mut PgConnection, migration: &Migration) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(migration.sql.clone()).execute(&mut *conn).await?;
    sql::query(
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time) values ($1, $2, true, $3, 0)",
    )
    .bind(migration.version)
    .bind(&*migration.description)
    .bind(&*migration.checksum)
    .execute(conn)
    .await?;
    Ok(())
}

/// The migrations of this program that have not run, in order; fails where what has run is not what this program knows.
fn missing(applied: &[Applied]) -> Result<impl Iterator<Item = &'static Migration>, QueueError> {
    let known = || MIGRATOR.iter().filter(|migration| !migration.migration_type.is_down_migration());
    let of = |version: i64| known().find(|migration| migration.version == version);
    let unknown: Vec<i64> = applied.iter().map(|done| done.version).filter(|version| of(*version).is_none()).collect();
    let newest = known().map(|migration| migration.version).max().unwrap_or_default();
    if let Some(strange) = unknown.first() {
        let ours = unknown.len() < applied.len();
        return Err(if ours && *strange > newest {
            Trouble::lasting(
                format!("the tables were made by a newer segment-bot: migration {} is not known here", list(&unknown)),
                "run that version or a newer one here, too",
            )
        } else {
            let what = format!("the table _sqlx_migrations in this schema belongs to another program (its migration {strange} is not ours)");
            Trouble::lasting(what, OWN_SCHEMA)
        }
        .into());
    }
    for done in applied {
        if !done.success {
            let what = format!("migration {} was begun by an earlier version and did not end", done.version);
            let remedy = format!(
                "undo what it made, `delete from _sqlx_migrations where version = {}`, and migrate again",
                done.version
            );
            return Err(Trouble::lasting(what, remedy).into());
        }
        if of(done.version).is_some_and(|migration| *migration.checksum != *done.checksum) {
            let what = format!("migration {} ran with another content than this program has", done.version);
            return Err(Trouble::lasting(
                what,
                "another build of segment-bot made these tables: use that one, or an empty database",
            )
            .into());
        }
    }
    let done: Vec<i64> = applied.iter().map(|done| done.version).collect();
    Ok(MIGRATOR
        .iter()
        .filter(move |migration| !migration.migration_type.is_down_migration() && !done.contains(&migration.version)))
}

fn list(versions: &[i64]) -> String {
    versions.iter().map(i64::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Applied> {
        let applied = |migration: &Migration| Applied {
            version: migration.version,
            checksum: migration.checksum.to_vec(),
            success: true,
        };
        MIGRATOR.iter().map(applied).collect()
    }

    fn refused(applied: &[Applied]) -> String {
        missing(applied).map(|_| ()).unwrap_err().to_string()
    }

    fn stranger(version: i64) -> Applied {
        Applied { version, checksum: vec![1], success: true }
    }

    #[test]
    fn what_has_run_is_compared_with_what_is_known() {
        assert_eq!(missing(&[]).unwrap().count(), all().len());
        assert_eq!(missing(&all()).unwrap().count(), 0);
        assert_eq!(missing(&all()[..2]).unwrap().count(), all().len() - 2);
        insta::assert_snapshot!(refused(&[stranger(1)]), @"the table _sqlx_migrations in this schema belongs to another program (its migration 1 is not ours); give segment-bot a schema of its own: `create schema segment_bot`, and `?options=-csearch_path%3Dsegment_bot` at the end of DATABASE_URL");
        insta::assert_snapshot!(refused(&[all(), vec![stranger(20_990_101_000_000)]].concat()), @"the tables were made by a newer segment-bot: migration 20990101000000 is not known here; run that version or a newer one here, too");
        let mixed = refused(&[all(), vec![stranger(7)]].concat());
        assert!(mixed.contains("belongs to another program") && mixed.contains('7'), "{mixed}");
        let mut begun = all();
        begun[1].success = false;
        insta::assert_snapshot!(refused(&begun), @"migration 20261123090100 was begun by an earlier version and did not end; undo what it made, `delete from _sqlx_migrations where version = 20261123090100`, and migrate again");
        let mut other = all();
        other[0].checksum = vec![0];
        insta::assert_snapshot!(refused(&other), @"migration 20261123090000 ran with another content than this program has; another build of segment-bot made these tables: use that one, or an empty database");
    }

    #[test]
    fn every_migration_may_run_in_one_transaction() {
        assert!(MIGRATOR.iter().all(|migration| !migration.no_tx));
    }
}
