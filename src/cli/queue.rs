//! `queue list|show|pause|resume|drain|retry|cancel`: what an operator sees of the queue and may do to it.

mod list;

use std::time::Duration;

use anyhow::Context as _;
use sqlx::PgPool;
use tokio::{signal::ctrl_c, time::sleep};

use super::output;
use crate::{
    config::Config,
    queue::{self, CancelOutcome, Request},
};

/// How often `drain` looks.
const LOOK: Duration = Duration::from_millis(500);

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Say what waits, what runs and what failed.
    List {
        /// Say it as one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Say everything about one request.
    Show {
        /// The number that people see, such as 128.
        number: Number,
        /// Say it as one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Let no further segment start; what runs goes on, and people can still ask.
    Pause,
    /// Let segments start again.
    Resume,
    /// Pause, and wait until nothing runs; before maintenance, for example.
    Drain,
    /// Put failed requests back into the queue.
    Retry(Retry),
    /// Cancel a request that is not delivered.
    Cancel {
        /// The number that people see, such as 128.
        number: Number,
    },
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = true)]
pub(super) struct Retry {
    /// Numbers of failed requests.
    numbers: Vec<Number>,
    /// Every failed request.
    #[arg(long, conflicts_with = "numbers")]
    all: bool,
    /// Every request that failed of this cause, such as `storage_unreachable`; `queue list` names causes.
    #[arg(long, conflicts_with_all = ["numbers", "all"])]
    code: Option<String>,
}

/// A request's number, with or without `#`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number(i64);

impl std::str::FromStr for Number {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.trim_start_matches('#').parse().ok().filter(|number| *number > 0);
        number.map(Self).ok_or_else(|| format!("`{text}` is not the number of a request, such as 128"))
    }
}

pub(super) async fn run(command: Command, config: &Config) -> anyhow::Result<()> {
    let pool = queue::connect(config.require_database()?).await.context("the database cannot be reached")?;
    match command {
        Command::List { json } => list::list(&pool, json).await,
        Command::Show { number, json } => list::show(&pool, &request(&pool, number).await?, json).await,
        Command::Pause => {
            let since = queue::pause(&pool).await?;
            output::line(format!("No further segment starts (since {}).", since.format("%Y-%m-%d %H:%M UTC")));
            Ok(())
        }
        Command::Resume => {
            let resumed = queue::resume(&pool).await?;
            output::line(if resumed { "Segments start again." } else { "The queue was not paused." });
            Ok(())
        }
        Command::Drain => drain(&pool).await,
        Command::Retry(which) => retry(&pool, which).await,
        Command::Cancel { number } => cancel(&pool, &request(&pool, number).await?).await,
    }
}

async fn request(pool: &PgPool, number: Number) -> anyhow::Result<Request> {
    queue::request(pool, number.0).await?.with_context(|| format!("there is no request #{}", number.0))
}

async fn drain(pool: &PgPool) -> anyhow::Result<()> {
    queue::pause(pool).await?;
    let mut told = None;
    loop {
        let running = queue::in_flight(pool).await?.iter().filter(|one| one.is_worked_on()).count();
        if told != Some(running) {
            output::line(format!("{running} running"));
            told = Some(running);
        }
        if running == 0 {
            output::line("Nothing runs. The queue stays paused; `segment-bot queue resume` starts it again.");
            return Ok(());
        }
        tokio::select! {
            () = sleep(LOOK) => {}
            _ = ctrl_c() => {
                output::line("Stopped waiting. The queue stays paused; `segment-bot queue resume` starts it again.");
                return Ok(());
            }
        }
    }
}

async fn retry(pool: &PgPool, which: Retry) -> anyhow::Result<()> {
    let numbers: Vec<i64> = if which.all || which.code.is_some() {
        queue::failed(pool, which.code.as_deref()).await?.iter().map(|failed| failed.number).collect()
    } else {
        which.numbers.iter().map(|number| number.0).collect()
    };
    let mut again = 0;
    for number in numbers {
        let request = request(pool, Number(number)).await?;
        if queue::retry(pool, request.id).await? {
            again += 1;
        } else {
            output::line(format!("#{number} is {} and not failed; left alone.", request.state.as_str()));
        }
    }
    output::line(format!("{again} requests are in the queue again."));
    Ok(())
}

async fn cancel(pool: &PgPool, request: &Request) -> anyhow::Result<()> {
    let number = request.number;
    output::line(match queue::cancel(pool, request.id).await? {
        CancelOutcome::Now => format!("#{number} is cancelled."),
        CancelOutcome::Stopping => format!("#{number} is being stopped."),
        CancelOutcome::TooLate(state) => format!("#{number} is {} and cannot be cancelled.", state.as_str()),
    });
    Ok(())
}
