//! A rolling deploy does not restart twenty minutes of work: what a segment job had finished when it was handed back is kept.

use std::{sync::Arc, time::Duration};

use segment_bot::{
    jobs::{self, Job, StopFlag, WorkerSettings},
    pipeline::{
        Suppress,
        build_segment::{Ask, BuildContext, build_segment},
    },
    progress::Report,
    queue::{self, JobKind, Outcome, RequestState},
    segment::Draft,
};
use tokio_util::sync::CancellationToken;

use crate::support::{
    database::database,
    requests::{limits, new_request, now},
    sample::{LAST_DAY, Sample, sample},
};

/// No other test's, so that no other test trains this model.
const SEED: u64 = 4711;

/// Asks for a shutdown as soon as people are scored, and goes on once the job was told to stop.
struct Deploy {
    at_scoring: CancellationToken,
    stop: StopFlag,
}

impl Report for Deploy {
    fn stage(&self, stage: &'static str) {
        if stage == "scoring" && !self.at_scoring.is_cancelled() {
            self.at_scoring.cancel();
            while !self.stop.is_set() {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }

    fn advance(&self, _done: u64, _of: u64) {}

    fn stopped(&self) -> bool {
        self.stop.is_set()
    }
}

/// Builds as the worker process does.
async fn perform(sample: Arc<Sample>, at_scoring: CancellationToken, job: Job) -> Outcome {
    let building = tokio::task::spawn_blocking(move || {
        let ask = Ask {
            request: job.request.id.to_string(),
            conditions: job.request.conditions.clone(),
            as_of: Some(LAST_DAY),
            seed: SEED,
            suppress: Suppress::Current,
            replays: None,
        };
        let context = BuildContext { catalog: &sample.catalog, store: &sample.store };
        let deploy = Deploy { at_scoring, stop: job.stop.clone() };
        match tokio::runtime::Handle::current().block_on(build_segment(context, &ask, &deploy)) {
            Ok(built) => Outcome::SegmentDone(built.summary),
            Err(error) => error.failure().map_or_else(|| job.stop.outcome(), Outcome::Failed),
        }
    });
    building.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handed_back_job_whose_model_was_stored_does_not_train_again() {
    let (pool, sample) = (database().await, sample().await);
    let draft = Draft::from_text(&sample.catalog, "product=skincare size=500").unwrap();
    let new = queue::NewRequest { conditions: draft.check(&sample.catalog).unwrap(), ..new_request("V1", "U1") };
    let request = queue::submit(&pool, &new).await.unwrap().request;
    let settings = WorkerSettings {
        poll: Duration::from_millis(50),
        grace: Duration::from_millis(50),
        ..WorkerSettings::new("test", limits(Duration::from_secs(30)))
    };

    let deployed = CancellationToken::new();
    let (old, at_scoring) = (sample.clone(), deployed.clone());
    let work = move |job| perform(old.clone(), at_scoring.clone(), job);
    jobs::run(&pool, JobKind::Segment, &settings, work, deployed.clone()).await;
    let handed_back = now(&pool, request.id).await;
    assert_eq!((handed_back.state, handed_back.summary), (RequestState::Queued, None));

    let stopping = CancellationToken::new();
    let work = move |job| perform(sample.clone(), deployed.clone(), job);
    let working = jobs::run(&pool, JobKind::Segment, &settings, work, stopping.clone());
    let watching = async {
        while now(&pool, request.id).await.state != RequestState::Delivering {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        stopping.cancel();
    };
    tokio::join!(working, watching);
    let built = now(&pool, request.id).await.summary.unwrap();
    assert!(built.model_reused, "the first attempt's model serves");
    let (attempt, failures): (i32, i16) =
        sqlx::query_as("select attempt, failures from job where kind = 'segment'").fetch_one(&pool).await.unwrap();
    assert_eq!((attempt, failures), (2, 0));
}
