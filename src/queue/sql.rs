//! How statements reach Postgres: each in a transaction, none prepared under a name, all in the same isolation.
//!
//! A pooler that lends a session for one transaction at a time (`PgBouncer` in transaction mode) gives the next statement to another session:
//! what was prepared there is not known here. And what a database sets as its default isolation would make some statements fail
//! that must wait instead.

use futures::{StreamExt as _, TryStreamExt as _, future::BoxFuture, stream::BoxStream};
use sqlx::{
    Connection as _, Describe, Either, Execute, Executor, FromRow, PgConnection, PgPool, Postgres, SqlSafeStr, SqlStr,
    Transaction,
    postgres::{PgArguments, PgQueryResult, PgRow, PgStatement, PgTypeInfo},
    query::{Query, QueryAs, QueryScalar},
};

/// A session that hangs in a transaction, because the way to it is cut, gives its locks back after five seconds: others wait for them.
const BEGIN: &str = "begin isolation level read committed; set local idle_in_transaction_session_timeout = '5s'";
const BEGIN_BRIEFLY: &str = "begin isolation level read committed; set local statement_timeout = '3s'; \
                             set local idle_in_transaction_session_timeout = '5s'";

/// As [`sqlx::query()`], prepared without a name.
pub(super) fn query<'q>(sql: impl SqlSafeStr) -> Query<'q, Postgres, PgArguments> {
    sqlx::query(sql).persistent(false)
}

/// As [`sqlx::query_as()`], prepared without a name.
pub(super) fn query_as<'q, O>(sql: impl SqlSafeStr) -> QueryAs<'q, Postgres, O, PgArguments>
where
    O: for<'r> FromRow<'r, PgRow>,
{
    sqlx::query_as(sql).persistent(false)
}

/// As [`sqlx::query_scalar()`], prepared without a name.
pub(super) fn query_scalar<'q, O>(sql: impl SqlSafeStr) -> QueryScalar<'q, Postgres, O, PgArguments>
where
    (O,): for<'r> FromRow<'r, PgRow>,
{
    sqlx::query_scalar(sql).persistent(false)
}

/// Begins a transaction on a connection of the pool.
pub(super) async fn begin(pool: &PgPool) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    pool.begin_with(BEGIN).await
}

/// Begins a transaction on this connection.
pub(super) async fn begin_on(conn: &mut PgConnection) -> Result<Transaction<'_, Postgres>, sqlx::Error> {
    conn.begin_with(BEGIN).await
}

/// As [`begin_on`], for what must not take long: the database itself ends it after three seconds.
pub(super) async fn begin_briefly(conn: &mut PgConnection) -> Result<Transaction<'_, Postgres>, sqlx::Error> {
    conn.begin_with(BEGIN_BRIEFLY).await
}

/// Runs one statement, in a transaction of its own.
pub(super) fn once(pool: &PgPool) -> Once {
    Once(pool.clone())
}

/// See [`once`].
#[derive(Debug)]
pub(super) struct Once(PgPool);

impl<'c> Executor<'c> for Once {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Either<PgQueryResult, PgRow>, sqlx::Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let all = async move {
            let mut tx = begin(&self.0).await?;
            let found: Vec<_> = tx.fetch_many(query).try_collect().await?;
            tx.commit().await?;
            Ok::<_, sqlx::Error>(futures::stream::iter(found).map(Ok))
        };
        futures::stream::once(all).try_flatten().boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<PgRow>, sqlx::Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        Box::pin(async move {
            let mut tx = begin(&self.0).await?;
            let found = tx.fetch_optional(query).await?;
            tx.commit().await?;
            Ok(found)
        })
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [PgTypeInfo],
    ) -> BoxFuture<'e, Result<PgStatement, sqlx::Error>>
    where
        'c: 'e,
    {
        Box::pin(async move { self.0.acquire().await?.prepare_with(sql, parameters).await })
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<Postgres>, sqlx::Error>>
    where
        'c: 'e,
    {
        Box::pin(async move { self.0.acquire().await?.describe(sql).await })
    }
}
