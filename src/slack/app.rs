//! What every answer needs: the catalog, the database, Slack's client, and what is remembered between two clicks.

pub(crate) mod counts;
pub(crate) mod locales;
pub(crate) mod seen;

use std::{future::Future, sync::Arc};

use chrono::NaiveDate;
use sqlx::PgPool;
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

use counts::Estimates;

use crate::{
    catalog::{Catalog, Locale},
    config::SlackConfig,
    segment::Conversions,
    slack::{
        client::SlackClient,
        deadline::{Away, Deadline},
        wording::blocks::escape,
    },
    texts::{Say, Texts},
};

/// Everything that answering needs; cheap to clone.
#[derive(Clone)]
pub struct SlackApp {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) pool: PgPool,
    pub(crate) texts: Arc<Texts>,
    pub(crate) client: SlackClient,
    pub(crate) config: SlackConfig,
    /// Counts people for the form; without it the form says that it cannot.
    pub(crate) estimates: Option<Estimates>,
    pub(crate) locales: locales::Locales,
    pub(crate) seen_events: seen::Seen,
    /// Work behind an acknowledgement.
    pub(crate) tasks: TaskTracker,
    /// Something changed that a root message should show.
    pub(crate) changed: Notify,
    /// Held while a root message is posted, so that announcer and delivery do not post two.
    pub(crate) root: tokio::sync::Mutex<()>,
}

impl std::fmt::Debug for SlackApp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SlackApp").finish_non_exhaustive()
    }
}

/// The person who did something, and waits for an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Who {
    pub(crate) team: String,
    pub(crate) user: String,
    pub(crate) locale: Locale,
    /// Until when they must be answered.
    pub(crate) deadline: Deadline,
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

    pub(crate) fn catalog(&self) -> &Catalog {
        &self.inner.catalog
    }

    pub(crate) fn pool(&self) -> &PgPool {
        &self.inner.pool
    }

    pub(crate) fn say(&self, locale: Locale) -> Say<'_> {
        self.inner.texts.say(locale)
    }

    pub(crate) fn is_admin(&self, user: &str) -> bool {
        self.inner.config.admins.iter().any(|admin| admin == user)
    }

    /// Goes on behind the acknowledgement.
    pub(crate) fn behind(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.inner.tasks.spawn(work);
    }

    /// The person with their language.
    pub(crate) async fn who(&self, team: String, user: &str, deadline: Deadline) -> Who {
        let fallback = self.catalog().fallback_locale;
        let locale = self.inner.locales.of(user, fallback, deadline, self.client()).await;
        Who { team, user: user.to_owned(), locale, deadline }
    }

    /// Whether requests of a workspace are of another organisation than the app's.
    pub(crate) fn is_foreign(&self, team: &str) -> bool {
        let installed = self.client().installed();
        installed.is_some_and(|installed| {
            installed.enterprise.is_none() && !installed.team.is_empty() && installed.team != team
        })
    }

    /// The day of the data that a request made now would use, if that is known.
    pub(crate) async fn newest_day(&self) -> Option<NaiveDate> {
        self.inner.estimates.as_ref()?.ask(Vec::new()).await.map(|outlook| outlook.as_of)
    }

    /// How much there was to learn about each product when people were last counted; nothing is known before.
    pub(crate) fn conversions(&self) -> Arc<Conversions> {
        self.inner.estimates.as_ref().map(Estimates::conversions).unwrap_or_default()
    }

    /// What a person hears whose click the database did not serve.
    pub(crate) fn away_words(&self, away: Away, who: &Who) -> String {
        let say = self.say(who.locale);
        match away {
            Away::Passing => say.text("database-away"),
            Away::Lasting => say.with("database-refuses", &[("owner", escape(&self.catalog().owner).into())]),
        }
    }
}
