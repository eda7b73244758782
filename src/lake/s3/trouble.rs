//! The words for what S3, or what stands where S3 should be, answers: what is wrong, and what mends it.
//!
//! Credentials are blamed only where they are the cause. The server's own sentence is quoted where it says more than its code;
//! what the client library says of itself is not.

mod answered;
mod unanswered;

use std::time::SystemTime;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

use crate::{clock, lake::S3Trouble};

/// What was tried; decides which right is lacking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    List,
    Read,
    Write,
    Delete,
}

impl Action {
    /// The right in AWS's own words, and what it is given on.
    fn right(self) -> (&'static str, &'static str) {
        match self {
            Self::List => ("s3:ListBucket", ""),
            Self::Read => ("s3:GetObject", "/*"),
            Self::Write => ("s3:PutObject", "/*"),
            Self::Delete => ("s3:DeleteObject", "/*"),
        }
    }

    fn verb(self) -> &'static str {
        match self {
            Self::List => "listing",
            Self::Read => "reading",
            Self::Write => "writing",
            Self::Delete => "deleting",
        }
    }
}

/// Where it was tried, as messages name it.
#[derive(Debug, Clone)]
pub(super) struct Address {
    /// Of `AWS_ENDPOINT_URL`; `None` for AWS itself.
    pub(super) endpoint: Option<String>,
    pub(super) bucket: String,
    pub(super) region: String,
    pub(super) path_style: bool,
}

impl Address {
    pub(super) fn server(&self) -> &str {
        self.endpoint.as_deref().unwrap_or("AWS S3")
    }
}

/// The parts of an answer that words are made of.
#[derive(Debug, Clone, Default)]
struct Answer {
    status: u16,
    /// Empty where the answer has no body, such as one to HEAD.
    code: String,
    message: String,
    /// The bucket's region, where the server says it.
    region: Option<String>,
    /// Seconds that the server's clock is ahead of ours.
    clock_ahead: Option<i64>,
    body: String,
}

/// What an error of the client means for whoever runs this; `None` when there simply is no such object.
pub(super) fn words<E>(place: &Address, (action, key): (Action, &str), error: &SdkError<E>) -> Option<S3Trouble>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let Some(raw) = error.raw_response() else { return Some(unanswered::words(place, error)) };
    let header = |name: &str| raw.headers().get(name);
    let body = raw.body().bytes().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default();
    let answer = Answer {
        status: raw.status().as_u16(),
        code: error.code().unwrap_or_default().to_owned(),
        message: error.message().unwrap_or_default().to_owned(),
        region: header("x-amz-bucket-region").map(str::to_owned),
        clock_ahead: header("date").and_then(clock_ahead),
        body,
    };
    answered::words(place, (action, key), &answer)
}

/// A body that broke off while it was read.
pub(super) fn broke_off(place: &Address, error: &(dyn std::error::Error + 'static)) -> S3Trouble {
    unanswered::words_of_chain(place, error)
}

/// An answer that is none of S3's, or not whole.
pub(super) fn garbled(place: &Address) -> S3Trouble {
    S3Trouble::passing(format!("an answer of {} broke off or was garbled on the way", place.server())).with_remedy(
        "try again; where it stays so, AWS_ENDPOINT_URL names another kind of server, or a proxy changes answers",
    )
}

/// A server that does not know how listings go on would show the first thousand objects for all.
pub(super) fn old_listing(place: &Address) -> S3Trouble {
    S3Trouble::lasting(
        format!("{} lists the first objects and does not say how to go on (it knows no ListObjectsV2)", place.server()),
        "use a newer server",
    )
}

/// Seconds that a `Date` header is ahead of this machine's clock.
pub(super) fn clock_ahead(date: &str) -> Option<i64> {
    let theirs = chrono::DateTime::parse_from_rfc2822(date).ok()?;
    Some((theirs.to_utc() - chrono::DateTime::<chrono::Utc>::from(SystemTime::from(clock::now()))).num_seconds())
}

/// A sentence of a server in a line of ours.
fn cleaned(message: &str) -> String {
    let line = message.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = line.trim_end_matches('.');
    match line.char_indices().nth(300) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line.to_owned(),
    }
}
