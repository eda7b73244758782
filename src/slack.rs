//! The conversation in Slack: what arrives, the form, the thread, the files. Knows neither polars nor the order of a worker's stages.
//!
//! ```text
//! HTTP (routes) ──┐
//!                 ├─> inbound ─> dispatch ─> command · form · actions · shortcuts · home ─> queue
//! socket_mode ────┘
//! queue ─> announce (root message) · deliver (files) · notify (result) · incidents (operators) ─> client ─> Slack
//! ```

mod actions;
mod announce;
mod away;
mod blocks;
mod clearance;
mod client;
mod command;
mod counted;
mod deliver;
mod dispatch;
mod earlier;
mod estimates;
mod events;
mod failures;
mod form;
mod home;
mod ids;
mod inbound;
mod incidents;
pub mod limits;
mod locales;
mod messages;
mod notify;
mod offer;
mod outsider;
mod problems;
mod reach;
mod result;
mod routes;
mod seen;
mod shortcuts;
mod socket_mode;
mod submit;
mod words;

use std::{future::Future, sync::Arc};

use sqlx::PgPool;
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

pub use announce::{AnnounceSettings, announce};
pub use client::{Installed, Method, Pace, Patience, SlackCallError, SlackClient, SlackLook, Upload, look};
pub use counted::Counted;
pub use deliver::{ConfirmSettings, Delivery, LinkedFile, ResultFile, ResultFiles, ResultLinks, Whereabouts, deliver};
pub use estimates::Estimates;
pub use ids::{
    ACTION_CANCEL, ACTION_OPEN_FORM, ACTION_RERUN, ACTION_RETRY, CALLBACK_FORM, COMMAND, SHORTCUT_GLOBAL,
    SHORTCUT_MESSAGE,
};
pub use incidents::{IncidentSettings, incidents};
pub use notify::notify;
pub use routes::{BODY_BYTES_MAX, ROUTES, router};
pub use socket_mode::socket_mode;

use crate::{
    catalog::{Catalog, Locale},
    config::SlackConfig,
    texts::{Say, Texts},
};

/// Everything that answering needs; cheap to clone.
#[derive(Clone)]
pub struct SlackApp {
    inner: Arc<Inner>,
}

struct Inner {
    catalog: Arc<Catalog>,
    pool: PgPool,
    texts: Arc<Texts>,
    client: SlackClient,
    config: SlackConfig,
    /// Counts people for the form; without it the form says that it cannot.
    estimates: Option<Estimates>,
    locales: locales::Locales,
    seen_events: seen::Seen,
    /// Work behind an acknowledgement.
    tasks: TaskTracker,
    /// Something changed that a root message should show.
    changed: Notify,
    /// Held while a root message is posted, so that announcer and delivery do not post two.
    root: tokio::sync::Mutex<()>,
}

impl std::fmt::Debug for SlackApp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SlackApp").finish_non_exhaustive()
    }
}

/// The person who did something.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Who {
    team: String,
    user: String,
    locale: Locale,
}

impl SlackApp {
    /// Wires the parts together; talks to nobody yet.
    pub fn new(
        catalog: Arc<Catalog>,
        pool: PgPool,
        texts: Arc<Texts>,
        client: SlackClient,
        config: SlackConfig,
    ) -> Self {
        let inner = Inner {
            catalog,
            pool,
            texts,
            client,
            config,
            estimates: None,
            locales: locales::Locales::default(),
            seen_events: seen::Seen::default(),
            tasks: TaskTracker::new(),
            changed: Notify::new(),
            root: tokio::sync::Mutex::new(()),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Lets the form say how many people there are. Called before the app is shared.
    #[must_use]
    pub fn with_estimates(mut self, estimates: Estimates) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.inner) {
            inner.estimates = Some(estimates);
        }
        self
    }

    /// The client, for readiness checks and warm connections.
    pub fn client(&self) -> &SlackClient {
        &self.inner.client
    }

    /// Waits for the work behind acknowledgements; for shutdown, once no more arrives.
    pub async fn finish(&self) {
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
    }

    fn catalog(&self) -> &Catalog {
        &self.inner.catalog
    }

    fn pool(&self) -> &PgPool {
        &self.inner.pool
    }

    fn say(&self, locale: Locale) -> Say<'_> {
        self.inner.texts.say(locale)
    }

    fn is_admin(&self, user: &str) -> bool {
        self.inner.config.admins.iter().any(|admin| admin == user)
    }

    /// Goes on behind the acknowledgement.
    fn behind(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.inner.tasks.spawn(work);
    }
}

#[cfg(test)]
mod tests;
