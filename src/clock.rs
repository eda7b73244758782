//! The one clock: nothing else in the project asks what time it is.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

/// The present moment.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
pub fn now() -> DateTime<Utc> {
    Utc::now()
}

/// The last day that is over in `zone`: the newest day a snapshot can be of.
pub fn last_full_day(now: DateTime<Utc>, zone: Tz) -> NaiveDate {
    now.with_timezone(&zone).date_naive().pred_opt().expect("the calendar does not start yesterday")
}
