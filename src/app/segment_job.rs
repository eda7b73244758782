//! A segment job: the pipeline on a thread of its own, its progress into the queue, its end as an outcome.

use std::{sync::Arc, time::Duration};

use tokio::{runtime::Handle, sync::watch, time::sleep};

use crate::{
    catalog::Catalog,
    jobs::{Job, StopFlag},
    lake::Store,
    pipeline::{
        BuildError, Suppress,
        build_segment::{Ask, BuildContext, Built, DEFAULT_SEED, build_segment},
    },
    progress::Report,
    queue::{self, Outcome},
    segment::{Failure, Grade, Quality, Replayed},
    suppression,
};

/// The least time between two writes of progress.
const BETWEEN_WRITES: Duration = Duration::from_millis(500);

/// What every segment job of this process shares.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) catalog: Arc<Catalog>,
    pub(super) store: Store,
}

/// Builds what a job's request asks for.
pub(super) async fn perform(shared: Arc<Shared>, job: Job) -> Outcome {
    let (progress, heard) = watch::channel(Progress::default());
    let telling = tokio::spawn(tell(job.clone(), heard));
    let list = match suppression::in_force(&shared.store, &job.pool).await {
        Ok(list) => list,
        Err(error) => return outcome(&job, Err(error.into())),
    };
    let ask = Ask {
        request: job.request.id.to_string(),
        conditions: job.request.conditions.clone(),
        as_of: None,
        seed: DEFAULT_SEED,
        suppress: Suppress::Recorded(list),
        replays: None,
    };
    let listener = Listener { progress, stop: job.stop.clone() };
    // Blocks for as long as it computes, so it gets a thread of its own.
    let building = tokio::task::spawn_blocking(move || {
        let context = BuildContext { catalog: &shared.catalog, store: &shared.store };
        Handle::current().block_on(async {
            tokio::select! {
                built = build_segment(context, &ask, &listener) => Some(built),
                // Between computations only, such as while the store is away.
                () = listener.stop.stopped() => None,
            }
        })
    });
    let built = building.await;
    telling.abort();
    match built {
        Ok(Some(built)) => outcome(&job, built),
        Ok(None) => job.stop.outcome(),
        Err(panic) => {
            tracing::error!(request = job.request.reference, %panic, "a build panicked");
            Outcome::Failed(Failure::Internal)
        }
    }
}

fn outcome(job: &Job, built: Result<Built, BuildError>) -> Outcome {
    let request = &job.request.reference;
    match built {
        Ok(built) => {
            tracing::info!(request, people = built.summary.waterfall.delivered, grade = ?built.summary.quality.grade, "built");
            match doubt(&built.summary.quality) {
                Some(failure) if !job.request.anyway => Outcome::Failed(failure),
                _ => Outcome::SegmentDone(built.summary),
            }
        }
        Err(error) => match error.failure() {
            None => job.stop.outcome(),
            Some(failure) => {
                tracing::warn!(request, error = format!("{:#}", anyhow::Error::new(error)), "not built");
                Outcome::Failed(failure)
            }
        },
    }
}

/// Why nobody should get the segment before somebody said so.
fn doubt(quality: &Quality) -> Option<Failure> {
    if quality.grade != Some(Grade::NoBetterThanChance) {
        return None;
    }
    let Some(Replayed { day, picked, came, random, .. }) = quality.replay else {
        return Some(Failure::NoBetterThanChance { day: None, picked: 0, came: 0, random: 0 });
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of people")]
    let random = random.round() as u64;
    Some(Failure::NoBetterThanChance { day: Some(day), picked, came, random })
}

/// How far the pipeline is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Progress {
    stage: &'static str,
    done: u64,
    of: u64,
}

/// The pipeline's ear: keeps the latest progress, and knows whether to go on.
struct Listener {
    progress: watch::Sender<Progress>,
    stop: StopFlag,
}

impl Report for Listener {
    fn stage(&self, stage: &'static str) {
        self.progress.send_replace(Progress { stage, done: 0, of: 0 });
    }

    fn advance(&self, done: u64, of: u64) {
        self.progress.send_modify(|progress| (progress.done, progress.of) = (done, of));
    }

    fn stopped(&self) -> bool {
        self.stop.is_set()
    }
}

/// Writes the latest progress into the request; what comes faster than it can be shown is left out.
async fn tell(job: Job, mut heard: watch::Receiver<Progress>) {
    while heard.changed().await.is_ok() {
        let Progress { stage, done, of } = *heard.borrow_and_update();
        let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        if let Err(error) = queue::report(&job.pool, &job.lease, stage, count(done), count(of)).await {
            tracing::debug!(request = job.request.reference, %error, "progress is not written");
        }
        sleep(BETWEEN_WRITES).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quality(grade: &str, replay: &str) -> Quality {
        let text = format!(
            r#"{{ "auc": 0.5, "auc_low": 0.45, "auc_high": 0.55, "grade": {grade}, "replay": {replay}, "positives": 100, "base_rate": 0.1,
                "expected": 1.0, "expected_random": 1.0, "lift": 1.0 }}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn only_an_order_that_is_no_better_than_chance_is_doubted() {
        for grade in [r#""strong""#, r#""useful""#, r#""weak""#, "null"] {
            assert_eq!(doubt(&quality(grade, "null")), None);
        }
        let (chance, replay) =
            (r#""no_better_than_chance""#, r#"{ "day": "2026-10-25", "picked": 100, "came": 3, "random": 2.6 }"#);
        let day = chrono::NaiveDate::from_ymd_opt(2026, 10, 25);
        let told = Failure::NoBetterThanChance { day, picked: 100, came: 3, random: 3 };
        assert_eq!(doubt(&quality(chance, replay)), Some(told));
        assert!(doubt(&quality(chance, "null")).is_some());
    }
}
