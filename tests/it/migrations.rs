//! Every migration is applied to a database that already holds rows of the tables before it.

use segment_bot::queue::MIGRATOR;
use sqlx::AssertSqlSafe;

use crate::support::database::empty_database;

#[tokio::test]
async fn every_migration_runs_on_a_database_with_rows() {
    let pool = empty_database().await;
    for migration in MIGRATOR.iter() {
        MIGRATOR.run_to(migration.version, &pool).await.unwrap();
        let name = format!("{}_{}.sql", migration.version, migration.description.replace(' ', "_"));
        let path = format!("{}/tests/data/migrations/{name}", env!("CARGO_MANIFEST_DIR"));
        let rows = std::fs::read_to_string(&path);
        assert!(rows.is_ok(), "write {path}: rows that the next migration must live with");
        sqlx::raw_sql(AssertSqlSafe(rows.unwrap())).execute(&pool).await.unwrap();
    }
    // The rows of old are requests that today's code reads.
    assert_eq!(segment_bot::queue::requests_of(&pool, "T1", "U2", 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn migrating_twice_changes_nothing() {
    let pool = empty_database().await;
    segment_bot::queue::migrate(&pool).await.unwrap();
    segment_bot::queue::migrate(&pool).await.unwrap();
}

/// A column that is `not null` without a default cannot be added to a table with rows.
#[test]
fn added_columns_are_nullable_or_have_a_default() {
    for migration in MIGRATOR.iter() {
        for line in migration.sql.as_str().lines().map(str::to_lowercase).filter(|line| line.contains("add column")) {
            assert!(!line.contains("not null") || line.contains("default"), "{}: {line}", migration.description);
        }
    }
}
