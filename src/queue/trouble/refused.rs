//! What Postgres answers with an error code, by code: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.

use sqlx::postgres::{PgConnectOptions, PgDatabaseError};

use super::{OWN_SCHEMA, Trouble};

/// The parts of an answer that words are made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answer<'a> {
    pub(super) code: &'a str,
    pub(super) message: &'a str,
    pub(super) detail: Option<&'a str>,
}

impl<'a> From<&'a PgDatabaseError> for Answer<'a> {
    fn from(error: &'a PgDatabaseError) -> Self {
        Self { code: error.code(), message: error.message(), detail: error.detail() }
    }
}

pub(super) fn words(answer: &Answer<'_>, at: Option<&PgConnectOptions>) -> Trouble {
    let said = match answer.detail {
        Some(detail) if answer.code == "42501" => format!("{} ({})", answer.message, detail.trim_end_matches('.')),
        _ => answer.message.to_owned(),
    };
    let says = format!("the database says: {said}");
    let Some((remedy, transient)) = remedy(answer, at) else {
        let what = format!("{says} (SQLSTATE {})", answer.code);
        return Trouble { what, remedy: None, transient: class_may_pass(answer.code) };
    };
    Trouble { what: says, remedy: Some(remedy), transient }
}

/// Class 08 is the connection, 40 a deadlock or serialisation, 53 resources, 55 a lock, 57 an operator or a restart, 58 the disk.
fn class_may_pass(code: &str) -> bool {
    ["08", "40", "53", "55", "57", "58"].contains(&code.get(..2).unwrap_or_default())
}

/// What to do, and whether it may also pass by itself; `None` where the sentence says all there is.
fn remedy(answer: &Answer<'_>, at: Option<&PgConnectOptions>) -> Option<(String, bool)> {
    let lasting = |text: &str| Some((text.to_owned(), false));
    let passing = |text: &str| Some((text.to_owned(), true));
    match answer.code {
        "28P01" => lasting(PASSWORD),
        "28000" => Some((not_let_in(answer.message), false)),
        "3D000" => Some((no_database(at), false)),
        "42501" => Some((grant(answer, at), false)),
        "25006" => lasting(
            "it is read-only here: a standby, or a role with `default_transaction_read_only`; DATABASE_URL must name the primary and a role that may write",
        ),
        "3F000" => Some((
            format!(
                "the schema that `search_path` names is not there; `create schema <name> authorization {}`",
                role(at)
            ),
            false,
        )),
        "42P01" | "42703" => lasting("run `segment-bot migrate`, with the same schema in DATABASE_URL"),
        "42P07" | "42710" => Some((format!("something of another program has that name; {OWN_SCHEMA}"), false)),
        "26000" | "42P05" => passing(
            "a pooler lies between that gives every statement another session; update it, or let it pool by transaction or session",
        ),
        "22021" | "22P05" => lasting("the database's encoding must be UTF8; `segment-bot doctor` says how to make one"),
        "42704" => lasting("mend `options` in DATABASE_URL"),
        "55000" if answer.message.contains("not currently accepting") => {
            lasting("`alter database … allow_connections true`, or name another database in DATABASE_URL")
        }
        "53300" => passing(
            "raise `max_connections` in Postgres, lower what other programs hold, or put a pooler between; segment-bot holds up to 10 in each process",
        ),
        "53100" => passing("the database's disk is full; make room"),
        "57014" | "25P03" => passing(
            "a time limit of the database ended it; `statement_timeout` below some seconds is too short for segment-bot",
        ),
        "57P03" => passing("it is starting or stopping; it answers in a moment"),
        "57P01" | "57P02" => passing("it was stopped or restarted; it answers in a moment"),
        "08P01" => pooler(answer.message),
        _ => None,
    }
}

const PASSWORD: &str = "mend user and password in DATABASE_URL; in a password, write `/` as %2F, `#` as %23, `?` as %3F, `@` as %40, `:` as %3A and `%` as %25";

/// Sentences that `PgBouncer` has for what Postgres has codes for.
fn pooler(message: &str) -> Option<(String, bool)> {
    let low = message.to_lowercase();
    if low.contains("query_wait_timeout") || low.contains("no more connections allowed") {
        let remedy = "the pooler has no session free: raise its `default_pool_size` and `max_client_conn`, or let it pool by transaction; segment-bot holds up to 10 in each process";
        Some((remedy.to_owned(), true))
    } else if low.contains("statement pooling") {
        let remedy =
            "let PgBouncer pool by transaction or by session (`pool_mode`), or name Postgres itself in DATABASE_URL";
        Some((remedy.to_owned(), false))
    } else if low.contains("startup parameter") {
        let remedy = "the pooler before the database does not pass this on: add it to `ignore_startup_parameters` of PgBouncer; a schema is better given by `alter role … set search_path`";
        Some((remedy.to_owned(), false))
    } else if low.contains("password") || low.contains("auth") || low.contains("no such user") || low.contains("sasl") {
        Some((PASSWORD.to_owned(), false))
    } else if low.contains("no such database") || low.contains("does not exist") {
        Some((
            "the pooler does not know this database; mend DATABASE_URL or the pooler's [databases]".to_owned(),
            false,
        ))
    } else {
        None
    }
}

fn not_let_in(message: &str) -> String {
    if message.contains("no encryption") || message.contains("SSL off") {
        "it wants encrypted connections: write `?sslmode=require` at the end of DATABASE_URL".to_owned()
    } else if message.contains("pg_hba.conf") {
        "its pg_hba.conf must allow this user, database and address".to_owned()
    } else if message.contains("not permitted to log in") {
        "`alter role … login`, or name another role in DATABASE_URL".to_owned()
    } else if message.contains("does not exist") {
        "mend the user in DATABASE_URL, or `create role … login password '…'`".to_owned()
    } else {
        "mend user and password in DATABASE_URL".to_owned()
    }
}

fn no_database(at: Option<&PgConnectOptions>) -> String {
    let name = at.and_then(PgConnectOptions::get_database).unwrap_or("<name>");
    format!("mend its name in DATABASE_URL, or `create database \"{name}\" encoding 'UTF8' template template0`")
}

/// The statement that gives the right that is lacking, to be run by who owns the thing.
fn grant(answer: &Answer<'_>, at: Option<&PgConnectOptions>) -> String {
    let role = role(at);
    let thing = answer.message.rsplit(" for ").next().unwrap_or_default();
    let (kind, name) = thing.split_once(' ').unwrap_or((thing, ""));
    match kind {
        "schema" => format!("its owner must run `grant usage, create on schema {name} to {role}`"),
        "database" => format!("its owner must run `grant connect, create on database {name} to {role}`"),
        "sequence" => format!(
            "its owner must run `grant usage, select on all sequences in schema public to {role}` (or in the schema that it has of its own)"
        ),
        "table" | "relation" | "view" => format!(
            "the owner of {name} must run `grant select, insert, update, delete on all tables in schema public to {role}` (or in the schema that it has of its own)"
        ),
        _ if answer.message.starts_with("must be owner") => {
            format!(
                "run `segment-bot migrate` as the role that made the tables, or `reassign owned by <that role> to {role}`"
            )
        }
        _ => format!("the owner must grant it to {role}"),
    }
}

fn role(at: Option<&PgConnectOptions>) -> String {
    at.map_or_else(|| "<the role in DATABASE_URL>".to_owned(), |at| format!("\"{}\"", at.get_username()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(code: &str, message: &str, detail: Option<&str>) -> Trouble {
        let at: PgConnectOptions = "postgres://app:hunter2@db.example/ads".parse().unwrap();
        words(&Answer { code, message, detail }, Some(&at))
    }

    #[test]
    fn each_right_is_named_with_its_grant() {
        insta::assert_snapshot!(said("42501", "permission denied for schema public", None), @r#"the database says: permission denied for schema public; its owner must run `grant usage, create on schema public to "app"`"#);
        insta::assert_snapshot!(said("42501", "permission denied for table queue_pause", None), @r#"the database says: permission denied for table queue_pause; the owner of queue_pause must run `grant select, insert, update, delete on all tables in schema public to "app"` (or in the schema that it has of its own)"#);
        insta::assert_snapshot!(said("42501", "permission denied for database \"ads\"", Some("User does not have CONNECT privilege.")), @r#"the database says: permission denied for database "ads" (User does not have CONNECT privilege); its owner must run `grant connect, create on database "ads" to "app"`"#);
        insta::assert_snapshot!(said("42501", "must be owner of table job", None), @r#"the database says: must be owner of table job; run `segment-bot migrate` as the role that made the tables, or `reassign owned by <that role> to "app"`"#);
    }

    #[test]
    fn who_is_not_let_in_hears_why() {
        insta::assert_snapshot!(said("28P01", "password authentication failed for user \"app\"", None), @r#"the database says: password authentication failed for user "app"; mend user and password in DATABASE_URL; in a password, write `/` as %2F, `#` as %23, `?` as %3F, `@` as %40, `:` as %3A and `%` as %25"#);
        insta::assert_snapshot!(said("3D000", "database \"ads\" does not exist", None), @r#"the database says: database "ads" does not exist; mend its name in DATABASE_URL, or `create database "ads" encoding 'UTF8' template template0`"#);
        insta::assert_snapshot!(said("28000", "no pg_hba.conf entry for host \"10.0.0.1\", user \"app\", database \"ads\", no encryption", None), @r#"the database says: no pg_hba.conf entry for host "10.0.0.1", user "app", database "ads", no encryption; it wants encrypted connections: write `?sslmode=require` at the end of DATABASE_URL"#);
        insta::assert_snapshot!(said("28000", "role \"app\" is not permitted to log in", None), @r#"the database says: role "app" is not permitted to log in; `alter role … login`, or name another role in DATABASE_URL"#);
        insta::assert_snapshot!(said("08P01", "unsupported startup parameter: options", None), @"the database says: unsupported startup parameter: options; the pooler before the database does not pass this on: add it to `ignore_startup_parameters` of PgBouncer; a schema is better given by `alter role … set search_path`");
        insta::assert_snapshot!(said("08P01", "no such database: ads", None), @"the database says: no such database: ads; the pooler does not know this database; mend DATABASE_URL or the pooler's [databases]");
    }

    #[test]
    fn a_pooler_that_cannot_serve_is_told_how_to() {
        let refused = said("08P01", "transaction blocks not allowed in statement pooling mode", None);
        assert!(refused.to_string().contains("by transaction or by session") && !refused.is_transient(), "{refused}");
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        for code in ["53300", "57P03", "57P01", "40001", "40P01", "08006", "57014", "53100", "58030"] {
            assert!(said(code, "x", None).is_transient(), "{code}");
        }
        for code in ["42501", "28P01", "28000", "3D000", "25006", "42P01", "22021", "42P07", "23505", "XX000", "0A000"]
        {
            assert!(!said(code, "x", None).is_transient(), "{code}");
        }
    }
}
