//! The demo's one scripted request: a planner types it, the thread fills.

use std::time::Duration;

use serde_json::Value;
use sqlx::PgPool;
use tokio::time::{Instant, sleep};

use super::local_slack::{CHANNEL, LocalSlack, LocalSlackError, PLANNER, TEAM};
use crate::{
    queue::{self, QueueError, RequestState},
    segment::Failure,
};

/// What the planner types.
pub const COMMAND: &str = "/segment";
pub const TEXT: &str = "product=skincare gender=f age=25-39 region=tokyo,osaka size=1000 name=\"春のスキンケア\" --go";

/// An acknowledged request is in the database; so this is generous.
const QUEUED_WAIT: Duration = Duration::from_secs(15);
const FINISHED_WAIT: Duration = Duration::from_mins(15);
const POLL: Duration = Duration::from_millis(150);

/// Why the tour stopped.
#[derive(Debug, thiserror::Error)]
pub enum TourError {
    #[error("the command was not accepted; the bot said: {0}")]
    NotAccepted(String),
    #[error("the request ended without a segment: {0:?}")]
    Failed(Option<Failure>),
    #[error("the request had not finished after {} minutes", FINISHED_WAIT.as_secs() / 60)]
    TooSlow,
    #[error("the thread has no CSV, though the request is done")]
    NoFile,
    #[error(transparent)]
    LocalSlack(#[from] LocalSlackError),
    #[error(transparent)]
    Queue(#[from] QueueError),
}

/// A finished thread.
#[derive(Debug)]
pub struct Thread {
    /// Timestamp of its root message.
    pub ts: String,
    /// Names of its files.
    pub files: Vec<String>,
}

/// Types the command and waits for the thread with its CSV.
pub async fn play(slack: &LocalSlack, pool: &PgPool) -> Result<Thread, TourError> {
    let before = newest(pool).await?.map(|(number, ..)| number);
    slack.command(COMMAND, TEXT).await?;
    let asked = Instant::now();
    loop {
        match newest(pool).await?.filter(|(number, ..)| Some(*number) != before) {
            Some((_, RequestState::Done, _)) => return thread(slack).await,
            Some((_, RequestState::Failed | RequestState::Cancelled, failure)) => {
                return Err(TourError::Failed(failure));
            }
            Some(_) if asked.elapsed() > FINISHED_WAIT => return Err(TourError::TooSlow),
            None if asked.elapsed() > QUEUED_WAIT => return Err(TourError::NotAccepted(last_words(slack).await?)),
            _ => {}
        }
        sleep(POLL).await;
    }
}

async fn newest(pool: &PgPool) -> Result<Option<(i64, RequestState, Option<Failure>)>, QueueError> {
    let requests = queue::requests_of(pool, TEAM, PLANNER, 1).await?;
    Ok(requests.into_iter().next().map(|request| (request.number, request.state, request.failure)))
}

/// The newest thread with files in it.
async fn thread(slack: &LocalSlack) -> Result<Thread, TourError> {
    let messages = slack.messages(CHANNEL).await?;
    let with_files = messages.iter().rev().find(|message| message["files"][0]["name"].is_string());
    let ts = with_files.and_then(|message| message["thread_ts"].as_str()).ok_or(TourError::NoFile)?;
    let files = messages
        .iter()
        .filter(|message| message["thread_ts"] == ts)
        .flat_map(|message| message["files"].as_array().into_iter().flatten())
        .filter_map(|file| file["name"].as_str().map(str::to_owned));
    Ok(Thread { ts: ts.to_owned(), files: files.collect() })
}

async fn last_words(slack: &LocalSlack) -> Result<String, LocalSlackError> {
    let messages = slack.messages(CHANNEL).await?;
    let last = messages.last().and_then(|message| message["text"].as_str().map(str::to_owned));
    Ok(last.filter(|text| !text.is_empty()).unwrap_or_else(|| "nothing".to_owned()))
}

/// The private address and the name of each file in a message.
pub fn files_of(message: &Value) -> Vec<(String, String)> {
    let files = message["files"].as_array().into_iter().flatten();
    files
        .filter_map(|file| Some((file["name"].as_str()?.to_owned(), file["url_private"].as_str()?.to_owned())))
        .collect()
}
