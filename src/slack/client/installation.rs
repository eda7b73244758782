//! Whether Slack still knows this installation. Once it says that the token is revoked, nothing is called but a look now and
//! then, until it works again.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::slack::client::{CallPriority, Method, SlackClient};

/// A job that waits for the installation for so long is handed back, well before its deadline.
const LONGEST_WAIT: Duration = Duration::from_mins(10);

/// Where the app is installed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Installed {
    /// The workspace; empty for an installation of a whole organisation.
    pub team: String,
    /// The organisation that the workspace is in.
    pub enterprise: Option<String>,
}

/// What is known of the installation.
pub(super) struct Installation {
    /// Slack's code since it said that the installation is gone; `None` while all is well.
    dead: watch::Sender<Option<String>>,
    installed: watch::Sender<Option<Installed>>,
}

impl Installation {
    pub(super) fn new() -> Self {
        Self { dead: watch::Sender::new(None), installed: watch::Sender::new(None) }
    }

    pub(super) fn dead_code(&self) -> Option<String> {
        self.dead.borrow().clone()
    }

    /// From an answer of `auth.test`; stand-ins say less.
    fn identify(&self, answer: &Value) {
        let field = |name: &str| answer[name].as_str().filter(|id| !id.is_empty()).map(str::to_owned);
        let (team, enterprise) = (field("team_id").unwrap_or_default(), field("enterprise_id"));
        self.installed.send_replace(Some(Installed { team, enterprise }));
    }

    pub(super) fn died(&self, method: Method, code: &str) {
        if self.dead.send_replace(Some(code.to_owned())).is_none() {
            tracing::error!(
                method = method.name(),
                code,
                "Slack says that this installation is gone; check SLACK_BOT_TOKEN"
            );
        }
    }

    pub(super) fn works(&self) {
        if self.dead.send_replace(None).is_some() {
            tracing::info!("the installation works again");
        }
    }

    async fn until(&self, dead: bool) {
        // The sender is ours, so it is never closed.
        drop(self.dead.subscribe().wait_for(|code| code.is_some() == dead).await);
    }
}

impl SlackClient {
    /// Slack's code when it said that this installation is gone, such as `token_revoked`.
    pub fn dead_code(&self) -> Option<String> {
        self.inner.installation.dead_code()
    }

    /// Where the app is installed; `None` until Slack said it.
    pub fn installed(&self) -> Option<Installed> {
        self.inner.installation.installed.borrow().clone()
    }

    /// Asks Slack where the app is installed, and whether the token works.
    pub async fn identify(&self) {
        // What comes of a failure is noted by the call itself.
        if let Ok(answer) = self.call(Method::AuthTest, &json!({}), CallPriority::Unhurried).await {
            self.inner.installation.identify(&answer);
        }
    }

    /// Waits while the installation is dead. `false` when `stop` came first, or when it took too long for one attempt.
    pub(crate) async fn alive(&self, stop: &CancellationToken) -> bool {
        tokio::select! {
            () = self.inner.installation.until(false) => true,
            () = stop.cancelled() => false,
            () = tokio::time::sleep(LONGEST_WAIT) => false,
        }
    }

    /// Looks whether the token works and where the app is installed, until Slack says it, and again while the token does not work. Runs until `shutdown`.
    pub async fn watch_installation(self, shutdown: CancellationToken) {
        let looking = async {
            loop {
                self.identify().await;
                if self.installed().is_some() {
                    self.inner.installation.until(true).await;
                }
                tokio::time::sleep(self.inner.patience.look_again).await;
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = looking => {}
        }
    }
}
