//! Which language a person reads: Slack is asked once a day, and never for long.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use serde_json::json;
use tokio::time::Instant;

use crate::{
    catalog::Locale,
    slack::{
        client::{CallPriority, Method, SlackClient},
        deadline::Deadline,
    },
};

const KNOWN_FOR: Duration = Duration::from_hours(24);
/// When Slack did not say.
const UNTOLD_FOR: Duration = Duration::from_mins(10);
/// The trigger of a click lives three seconds, and the form needs most of them.
const WAIT: Duration = Duration::from_millis(500);
/// Beyond this many people the memory starts anew.
const REMEMBERED: usize = 100_000;

/// Languages by user id, with the moment when each must be asked for again.
#[derive(Debug, Default)]
pub(crate) struct Locales {
    known: Mutex<HashMap<String, (Locale, Instant)>>,
}

impl Locales {
    fn get(&self, user: &str) -> Option<Locale> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(user).filter(|(_, until)| *until > Instant::now()).map(|(locale, _)| *locale)
    }

    fn put(&self, user: &str, locale: Locale, lasts: Duration) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(user.to_owned(), (locale, Instant::now() + lasts));
    }

    /// The person's language; the fallback where Slack does not say it in time.
    pub(crate) async fn of(&self, user: &str, fallback: Locale, deadline: Deadline, client: &SlackClient) -> Locale {
        if let Some(known) = self.get(user) {
            return known;
        }
        let body = json!({ "user": user, "include_locale": true });
        let asked = client.call(Method::UsersInfo, &body, CallPriority::Hurried);
        let answer = deadline.courtesy(WAIT, asked).await.ok().and_then(Result::ok);
        let told = answer.as_ref().and_then(|answer| answer["user"]["locale"].as_str()).map(Locale::from_slack);
        let locale = told.flatten().unwrap_or(fallback);
        self.put(user, locale, if told.is_some() { KNOWN_FOR } else { UNTOLD_FOR });
        locale
    }
}
