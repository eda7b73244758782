//! The delivery protocol, played through: whatever happens at whichever call of the first attempts, the files are in the thread once.
//!
//! The real `deliver` runs against the fault server and Postgres. An attempt is killed, loses an answer, or stalls until the next
//! one is over and then goes on as a zombie, at every call, in every combination of two attempts, and of three at the calls that
//! matter. Afterwards attempts run undisturbed.

use std::time::Duration;

use segment_bot::{
    queue::{self, JobKind, Lease, Outcome, Request},
    segment::Failure,
    slack::{ConfirmSettings, Delivery, ResultFile, ResultFiles, deliver},
};
use sqlx::PgPool;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::support::{
    database::database,
    fault_server::{Fault, Gate},
    requests::{claimed, now, performed, submitted, summary},
    stage::{Stage, catalog},
};

/// The calls of one delivery, in order.
const CALLS: [&str; 5] =
    ["chat.postMessage", "files.getUploadURLExternal", "upload", "files.completeUploadExternal", "files.info"];
/// Databases, and combinations at the same time.
const LANES: usize = 4;
/// More attempts than any combination needs.
const ATTEMPTS_MAX: usize = 12;

/// What befalls an attempt at a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mishap {
    /// Killed; the call was never made.
    KilledBefore,
    /// Killed; the call was made.
    KilledAfter,
    /// Killed with the call on its way: it takes effect when the next attempt is over.
    KilledInFlight,
    /// An error, and nothing was done.
    Failed,
    /// An error, and it was done.
    AnswerLost,
    /// Stopped before the call, and goes on when the next attempt is over.
    StalledBefore,
    /// Stopped behind the call, and goes on when the next attempt is over.
    StalledAfter,
}

impl Mishap {
    const ALL: [Self; 7] = [
        Self::KilledBefore,
        Self::KilledAfter,
        Self::KilledInFlight,
        Self::Failed,
        Self::AnswerLost,
        Self::StalledBefore,
        Self::StalledAfter,
    ];

    fn fault(self, gate: &Gate) -> Fault {
        match self {
            Self::KilledBefore | Self::KilledInFlight | Self::StalledBefore => Fault::HeldBefore(gate.clone()),
            Self::KilledAfter | Self::StalledAfter => Fault::HeldAfter(gate.clone()),
            Self::Failed => Fault::Status(500),
            Self::AnswerLost => Fault::DoneThen500,
        }
    }
}

/// What befalls an attempt, and where; `None`: nothing.
type Event = Option<(&'static str, Mishap)>;

fn events(calls: &[&'static str], mishaps: &[Mishap]) -> Vec<Event> {
    let some = calls.iter().flat_map(|call| mishaps.iter().map(|mishap| Some((*call, *mishap))));
    some.chain([None]).collect()
}

/// How an attempt ended.
enum End {
    Returned(Box<Outcome>),
    /// The call that is still to take effect.
    Killed(Option<Gate>),
    Stalled(JoinHandle<Outcome>, Gate),
}

/// What goes on when the next attempt is over.
#[derive(Default)]
struct Late {
    gates: Vec<Gate>,
    zombies: Vec<JoinHandle<Outcome>>,
}

impl Late {
    async fn go_on(&mut self) {
        for gate in self.gates.drain(..) {
            gate.open.notify_one();
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
        for zombie in self.zombies.drain(..) {
            zombie.await.unwrap();
        }
    }
}

async fn attempt(stage: &Stage, request: &Request, lease: &Lease, event: Event) -> End {
    let gate = Gate::default();
    stage.slack.recover();
    if let Some((call, mishap)) = event {
        stage.slack.fail(call, [mishap.fault(&gate)]);
    }
    let (app, request, lease) = (stage.app.clone(), request.clone(), lease.clone());
    let mut running = tokio::spawn(async move {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("segment.csv");
        std::fs::write(&path, "user_id\nu1\n").unwrap();
        let files = ResultFiles::new(move |_| {
            let file = ResultFile::stored("segment.csv", path.clone());
            async move { Ok(vec![file]) }
        });
        let confirm = ConfirmSettings {
            give_up_after: Duration::from_secs(2),
            first_wait: Duration::from_millis(2),
            longest_wait: Duration::from_millis(10),
            in_place: Duration::MAX,
            again_after: Duration::from_millis(8),
            anew_after: Duration::from_millis(20),
        };
        let stop = CancellationToken::new();
        deliver(&app, &files, &confirm, Delivery { lease: &lease, request: &request, stop: &stop }).await
    });
    tokio::select! {
        outcome = &mut running => return End::Returned(Box::new(outcome.unwrap())),
        () = gate.arrived.notified() => {}
    }
    match event.unwrap().1 {
        Mishap::StalledBefore | Mishap::StalledAfter => End::Stalled(running, gate),
        mishap => {
            running.abort();
            End::Killed((mishap == Mishap::KilledInFlight).then_some(gate))
        }
    }
}

/// Attempts with these events, then undisturbed ones until one is final.
async fn play(stage: &Stage, script: &[Event]) -> Outcome {
    let request = submitted(&stage.pool, "U1").await;
    performed(&stage.pool, JobKind::Segment, Outcome::SegmentDone(summary())).await;
    let mut late = Late::default();
    for n in 0..ATTEMPTS_MAX {
        let lease = next_lease(&stage.pool).await;
        let request = now(&stage.pool, request.id).await;
        let mut before = std::mem::take(&mut late);
        let end = attempt(stage, &request, &lease, script.get(n).copied().flatten()).await;
        let outcome = match end {
            End::Returned(outcome) => *outcome,
            End::Killed(gate) => {
                late.gates.extend(gate);
                Outcome::HandBack
            }
            End::Stalled(zombie, gate) => {
                late.zombies.push(zombie);
                late.gates.push(gate);
                Outcome::HandBack
            }
        };
        if script.get(n).is_some_and(Option::is_some) {
            // Whoever was posting the root message is gone; the claim runs out after fifteen seconds.
            let text = "update segment_request set root_claimed_until = now() where root_claimed_until is not null";
            sqlx::query(text).execute(&stage.pool).await.unwrap();
        }
        let last = matches!(outcome, Outcome::Delivered | Outcome::Failed(Failure::DeliveryUnconfirmed));
        queue::settle(&stage.pool, &lease, outcome.clone()).await.unwrap();
        before.go_on().await;
        if last {
            late.go_on().await;
            return outcome;
        }
    }
    panic!("no attempt was final after {script:?}: {:?}", stage.slack.methods());
}

async fn next_lease(pool: &PgPool) -> Lease {
    for _ in 0..500 {
        if let Some(lease) = claimed(pool, JobKind::Deliver).await {
            return lease;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    panic!("the job did not come back");
}

/// Plays one script: the file must be shared, once.
async fn check(pool: &PgPool, script: &[Event]) {
    let stage = Stage::on(catalog(), pool.clone()).await;
    let outcome = play(&stage, script).await;
    let (shared, story) = (stage.slack.shared(), stage.slack.methods());
    assert_eq!(outcome, Outcome::Delivered, "{script:?}: {story:?}");
    assert_eq!(shared.len(), 1, "{script:?}: shared {shared:?} by {story:?}");
    assert_eq!(stage.slack.uploads()[&shared[0]], b"user_id\nu1\n");
}

/// Plays all scripts in lanes.
async fn check_all(scripts: Vec<Vec<Event>>) {
    let mut lanes = tokio::task::JoinSet::new();
    for lane in 0..LANES {
        let scripts: Vec<Vec<Event>> = scripts.iter().skip(lane).step_by(LANES).cloned().collect();
        let pool = database().await;
        lanes.spawn(async move {
            for script in scripts {
                check(&pool, &script).await;
            }
        });
    }
    lanes.join_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_in_two_attempts_the_files_are_shared_once() {
    let all = events(&CALLS, &Mishap::ALL);
    let scripts: Vec<Vec<Event>> =
        all.iter().flat_map(|first| all.iter().map(move |second| vec![*first, *second])).collect();
    check_all(scripts).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_in_three_attempts_around_the_share_it_is_shared_once() {
    let mishaps = [Mishap::KilledBefore, Mishap::KilledInFlight, Mishap::StalledBefore];
    let all = events(&CALLS[2..4], &mishaps);
    let mut scripts = Vec::new();
    for first in &all {
        for second in &all {
            scripts.extend(all.iter().map(|third| vec![*first, *second, *third]));
        }
    }
    check_all(scripts).await;
}
