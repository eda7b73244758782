//! What the input tables hold, read through the same reader as a build: all of `users`, and the newest day of each events
//! table. Every column, type and code is compared with the catalog.

use std::num::NonZeroUsize;

use chrono::NaiveDate;

use super::Finding;
use crate::{
    catalog::{Catalog, Dumps},
    clock,
    config::Config,
    lake::{
        LakeError, Store, StoreOptions,
        tables::{self, Events, IdType, Misfit, Users},
    },
    texts::grouped,
};

const FIX: &str = "mend the table, or say in the catalog what its columns are called and hold";
/// Rows that are in memory together.
const TOGETHER: NonZeroUsize = NonZeroUsize::new(100_000).expect("not 0");

/// Every trouble of `users` and of the newest day's files of each events table.
pub(super) async fn check(config: &Config, catalog: Option<&Catalog>, options: &StoreOptions) -> Vec<Finding> {
    let Some(catalog) = catalog else { return Vec::new() };
    // That the lake cannot be opened is said elsewhere.
    let Ok(lake) = Store::open(&config.lake, options).await else { return Vec::new() };
    let latest = clock::last_full_day(clock::now(), catalog.time_zone);
    let mut findings = Vec::new();
    let id = match users(&lake, catalog, latest, &mut findings).await {
        Ok(id) => id,
        Err(error) => {
            findings.push(Finding::failed("users", &error.into(), FIX));
            return findings;
        }
    };
    match newest_events(&lake, catalog, latest, id).await {
        Ok(found) => findings.extend(found),
        Err(error) => findings.push(Finding::failed("events", &error.into(), FIX)),
    }
    findings
}

async fn users(
    lake: &Store,
    catalog: &Catalog,
    latest: NaiveDate,
    findings: &mut Vec<Finding>,
) -> Result<IdType, LakeError> {
    let users = Users::open(lake, catalog, latest).await?;
    let id = users.id;
    let misfits = tokio::task::block_in_place(|| users.misfits(catalog, latest))?;
    let mut people = users.people(TOGETHER).await?;
    while tokio::task::block_in_place(|| people.next(TOGETHER.get()))?.height() > 0 {}
    let counts = people.counts();
    findings.push(Finding::well("users", format!("{} rows, every column as the catalog says", grouped(counts.rows))));
    if counts.null_id + counts.duplicate_id > 0 {
        let (nobody, again) = (grouped(counts.null_id), grouped(counts.duplicate_id));
        let what = format!("{nobody} rows have no id, and {again} repeat an id");
        findings.push(Finding::wrong("users", what, "write each person once, with an id"));
    }
    findings.extend(misfits.iter().map(|misfit| misfit_of_users(catalog, misfit)));
    findings.extend(attributes_of_today(catalog));
    Ok(id)
}

/// Attributes that models learn from although past days have today's values.
fn attributes_of_today(catalog: &Catalog) -> Option<Finding> {
    let learned = catalog.attributes.iter().filter(|attribute| attribute.is_feature);
    let ids: Vec<String> = learned.map(|attribute| format!("`{}`", attribute.id)).collect();
    if ids.is_empty() || catalog.users.dumps == Some(Dumps::Newest) {
        return None;
    }
    let what = format!(
        "models learn from {} as `users` says it today, also for past days; if any follows from what people buy, write \
         `feature = false` there, or bring `users` as one dump a day",
        ids.join(", ")
    );
    Some(Finding::well("attributes", what))
}

/// Wrong is what differs in spelling only, or what stops a build.
fn misfit_of_users(catalog: &Catalog, misfit: &Misfit) -> Finding {
    if misfit.is_misspelt() || misfit.above(&catalog.limits).is_some() {
        Finding::wrong("users", misfit.to_string(), FIX)
    } else {
        Finding::well("users", misfit.to_string())
    }
}

async fn newest_events(
    lake: &Store,
    catalog: &Catalog,
    latest: NaiveDate,
    id: IdType,
) -> Result<Vec<Finding>, LakeError> {
    let Some(newest) = tables::newest_day(lake, catalog, latest).await? else {
        let fix = "bring events into the lake, and check the tables' `path` and `time` in the catalog";
        return Ok(vec![Finding::wrong("events", "no table has an event", fix)]);
    };
    let mut findings = Vec::new();
    for table in &catalog.events {
        let files = tables::event_files(lake, catalog, table, newest).await?;
        let last = files.last().cloned();
        let mut of_day: Vec<_> = files
            .iter()
            .filter(|file| last.as_ref().is_some_and(|last| tables::same_day(file, last)))
            .cloned()
            .collect();
        if of_day.is_empty() {
            of_day.extend(last);
        }
        let events = Events::open(lake, catalog, table, (id, &[]), &of_day).await?;
        let mut rows = 0;
        tokio::task::block_in_place(|| {
            events.for_each_batch::<LakeError>(TOGETHER, |frame| {
                rows += frame.height() as u64;
                Ok(())
            })
        })?;
        let words = format!(
            "table `{}`: {} rows of its newest files are as the catalog says; the newest day is {newest}",
            table.name,
            grouped(rows)
        );
        findings.push(Finding::well("events", words));
    }
    Ok(findings)
}
