//! The queue's database: does it answer, may we do what must be done, and is it up to date?

use super::{Finding, clock};
use crate::{
    clock as our_clock,
    config::Config,
    queue::{self, Standing},
};

const FIX: &str = "DATABASE_URL must name a Postgres that answers, such as postgres://user:password@host/database";

pub(super) async fn check(config: &Config) -> Vec<Finding> {
    match examine(config).await {
        Ok(standing) => {
            let ahead = (standing.now - our_clock::now()).num_seconds();
            [Some(judged(&standing)), clock("the database", ahead)].into_iter().flatten().collect()
        }
        Err(error) => vec![Finding::failed("database", &error, FIX)],
    }
}

async fn examine(config: &Config) -> anyhow::Result<Standing> {
    let pool = queue::connect(config.require_database()?).await?;
    Ok(queue::examine(&pool).await?)
}

fn judged(standing: &Standing) -> Finding {
    if standing.pending > 0 {
        let what = format!("{} migrations have not run in schema {}", standing.pending, standing.schema);
        return Finding::wrong("database", what, "run `segment-bot migrate`");
    }
    let pooled = if standing.pooled {
        "; a pooler gives each transaction another session, so nobody is woken and the queue is looked at every second: all works, up to a second later"
    } else {
        ""
    };
    let Standing { applied, version, database, .. } = standing;
    Finding::well("database", format!("{applied} migrations applied in \"{database}\", Postgres {version}{pooled}"))
}
