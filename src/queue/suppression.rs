//! Which suppression list is in force, remembered apart from the store that holds it.

use sqlx::{FromRow, PgPool};

use super::{QueueError, sql};

/// What the database knows of the list in force.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct RememberedList {
    /// Rises with every list that is put in force or taken out; 0 before the first.
    pub number: i64,
    /// SHA-256 of the list; `None` while there is none.
    pub sha256: Option<String>,
}

/// The list that was last seen in force.
pub async fn remembered_list(pool: &PgPool) -> Result<RememberedList, QueueError> {
    Ok(sql::query_as("select number, sha256 from suppression_in_force").fetch_one(sql::once(pool)).await?)
}

/// Remembers a list, unless a later one is remembered already.
pub async fn remember_list(pool: &PgPool, list: &RememberedList) -> Result<(), QueueError> {
    sql::query("update suppression_in_force set number = $1, sha256 = $2, changed_at = now() where number < $1")
        .bind(list.number)
        .bind(&list.sha256)
        .execute(sql::once(pool))
        .await?;
    Ok(())
}
