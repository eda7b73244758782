//! Requests and jobs in Postgres.
