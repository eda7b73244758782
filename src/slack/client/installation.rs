//! Whether Slack still knows this installation. Once it says that the token is revoked, nothing is called but a look now and
//! then, until it works again.

use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{Method, Pace, SlackClient};

/// A job that waits for the installation for so long is handed back, well before its deadline.
const LONGEST_WAIT: Duration = Duration::from_mins(10);

/// Slack's code since it said that the installation is gone; `None` while all is well.
pub(super) struct Installation(watch::Sender<Option<String>>);

impl Installation {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(None))
    }

    pub(super) fn dead_code(&self) -> Option<String> {
        self.0.borrow().clone()
    }

    pub(super) fn died(&self, method: Method, code: &str) {
        if self.0.send_replace(Some(code.to_owned())).is_none() {
            tracing::error!(
                method = method.name(),
                code,
                "Slack says that this installation is gone; check SLACK_BOT_TOKEN"
            );
        }
    }

    pub(super) fn works(&self) {
        if self.0.send_replace(None).is_some() {
            tracing::info!("the installation works again");
        }
    }

    async fn until(&self, dead: bool) {
        // The sender is ours, so it is never closed.
        drop(self.0.subscribe().wait_for(|code| code.is_some() == dead).await);
    }
}

impl SlackClient {
    /// Slack's code when it said that this installation is gone, such as `token_revoked`.
    pub fn dead_code(&self) -> Option<String> {
        self.inner.installation.dead_code()
    }

    /// Waits while the installation is dead. `false` when `stop` came first, or when it took too long for one attempt.
    pub(in crate::slack) async fn alive(&self, stop: &CancellationToken) -> bool {
        tokio::select! {
            () = self.inner.installation.until(false) => true,
            () = stop.cancelled() => false,
            () = tokio::time::sleep(LONGEST_WAIT) => false,
        }
    }

    /// Looks once whether the token works, and again and again while it does not. Runs until `shutdown`.
    pub async fn watch_installation(self, shutdown: CancellationToken) {
        let looking = async {
            loop {
                // What comes of it is noted by the call itself.
                drop(self.call(Method::AuthTest, &json!({}), Pace::Unhurried).await);
                self.inner.installation.until(true).await;
                tokio::time::sleep(self.inner.patience.look_again).await;
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = looking => {}
        }
    }
}
