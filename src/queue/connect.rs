//! From `DATABASE_URL` to connections that work the same everywhere, or to what is wrong with it.

use std::time::Duration;

use sqlx::{
    ConnectOptions as _, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::time::timeout;

use super::{
    QueueError,
    trouble::{self, Trouble},
};
use crate::config::Secret;

/// How long anyone waits for a connection; a click must hear within Slack's three seconds that the database is down.
const ACQUIRE_WAIT: Duration = Duration::from_millis(2_500);
/// How long one more try may take that is made to learn what is wrong.
const SECOND_LOOK: Duration = Duration::from_secs(5);

/// Opens a pool on a database that answers. Changes nothing there; see [`super::migrate()`].
pub async fn connect(database_url: &Secret) -> Result<PgPool, QueueError> {
    let options = options(database_url.expose())?;
    let pool = PgPoolOptions::new().max_connections(10).acquire_timeout(ACQUIRE_WAIT);
    match pool.connect_with(options.clone()).await {
        Ok(pool) => Ok(pool),
        // The pool tries again and again, and does not say what it met.
        Err(sqlx::Error::PoolTimedOut) => Err(match timeout(SECOND_LOOK, options.connect()).await {
            Ok(Ok(_)) => Trouble::of(&sqlx::Error::PoolTimedOut, Some(&options)),
            Ok(Err(error)) => Trouble::of(&error, Some(&options)),
            Err(_) => trouble::silent(&options),
        }
        .into()),
        Err(error) => Err(Trouble::of(&error, Some(&options)).into()),
    }
}

/// Poolers refuse settings at the start of a session that they do not know, so there are no more than must be; and what they keep
/// between transactions is not ours, so nothing is prepared under a name (see [`super::sql`]).
fn options(url: &str) -> Result<PgConnectOptions, QueueError> {
    let well_formed = check(url)?;
    let options: PgConnectOptions = well_formed.parse().map_err(|_| QueueError::BadUrl(NO_ADDRESS))?;
    // Written in brackets in an address, and known without.
    let bare = options.get_host().strip_prefix('[').and_then(|host| host.strip_suffix(']')).map(str::to_owned);
    let options = match bare {
        Some(host) => options.host(&host),
        None => options,
    };
    Ok(options.application_name("segment-bot").extra_float_digits(None).statement_cache_capacity(0))
}

const NO_ADDRESS: &str = "is not an address such as postgres://user:password@host/database";
const ENCODE: &str = "holds a `/`, `#` or `?` in its password, which ends that part of an address; write `/` as %2F, `#` as %23, `?` as %3F, \
                      and `@` as %40, `:` as %3A, `%` as %25";
const SCHEME: &str =
    "must begin with postgres://, such as postgres://user:password@host/database; other notations are not read";
const SSLMODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];
const SSLMODE: &str = "has an unknown `sslmode`: write disable, allow, prefer, require, verify-ca or verify-full";

/// An address that means something else than was meant is found here; none of it is ever printed.
fn check(url: &str) -> Result<&str, QueueError> {
    let url = url.trim();
    let bad = |why| Err(QueueError::BadUrl(why));
    let Some(rest) = url.strip_prefix("postgres://").or_else(|| url.strip_prefix("postgresql://")) else {
        return bad(SCHEME);
    };
    let end = rest.find(['/', '#', '?']).unwrap_or(rest.len());
    let (authority, behind) = rest.split_at(end);
    // The part before `@` has ended too early: what follows still holds one.
    let path = behind.split('?').next().unwrap_or_default();
    let in_path = path.contains('@')
        || behind.starts_with(['#', '?'])
            && behind[1..].split('&').next().is_some_and(|first| first.contains('@') && !first.contains('='));
    if !authority.contains('@') && authority.contains(':') && in_path {
        return bad(ENCODE);
    }
    let sslmode = behind.split_once('?').and_then(|(_, query)| {
        query.split('&').find_map(|pair| pair.strip_prefix("sslmode=").or_else(|| pair.strip_prefix("ssl-mode=")))
    });
    if sslmode.is_some_and(|mode| !SSLMODES.contains(&mode)) {
        return bad(SSLMODE);
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(url: &str) -> String {
        options(url).unwrap_err().to_string()
    }

    #[test]
    fn a_password_that_breaks_the_address_is_explained_and_not_printed() {
        for url in [
            "postgres://u:hun/ter2@h/d",
            "postgres://u:hun#ter2@h/d",
            "postgres://u:hun?ter2@h/d",
            "postgres://u:12/ter2@h:5432/d",
            "postgresql://u:/ter2@h",
        ] {
            let said = wrong(url);
            assert!(said.contains("%2F") && !said.contains("ter2"), "{url}: {said}");
        }
    }

    #[test]
    fn addresses_that_work_are_left_alone() {
        for url in [
            "postgres://u:p@h/d",
            "postgresql://u:p%2Fq@h:5433/d?sslmode=require",
            "postgres://u@h",
            "postgres://h:5432/d?user=me&password=p@q",
            "postgres://postgres@localhost/postgres?host=%2Ftmp%2Fx",
            " postgres://u:p@q@h/d\n",
        ] {
            assert!(options(url).is_ok(), "{url}: {:?}", options(url).err());
        }
    }

    #[test]
    fn an_ipv6_host_loses_its_brackets() {
        assert_eq!(options("postgres://u:p@[::1]:5433/d").unwrap().get_host(), "::1");
    }

    #[test]
    fn other_notations_are_named() {
        for url in ["mysql://u:p@h/d", "jdbc:postgresql://h/d", "host=h dbname=d password=hunter2", "h/d"] {
            assert!(wrong(url).contains("must begin with postgres://"), "{url}");
        }
        assert!(wrong("postgres://u:p@h/d?sslmode=on").contains("verify-full"));
        assert!(wrong("postgres://u:p@h:port/d").contains("is not an address"));
    }
}
