//! Where a request stands in the queue; a courtesy that no click waits for.

use std::time::Duration;

use crate::{
    queue::{self, QueuePosition, Request},
    slack::{app::SlackApp, deadline::Deadline},
};

const PLACE_WAIT: Duration = Duration::from_millis(200);

/// Where a request stands, if that is known quickly.
pub(crate) async fn place(app: &SlackApp, request: &Request) -> Option<QueuePosition> {
    let asked = queue::place(app.pool(), request.id);
    tokio::time::timeout(PLACE_WAIT, asked).await.ok().and_then(Result::ok).flatten()
}

/// [`place`], while the click lasts.
pub(crate) async fn by(deadline: Deadline, app: &SlackApp, request: &Request) -> Option<QueuePosition> {
    deadline.within(PLACE_WAIT, place(app, request)).await.ok().flatten()
}
