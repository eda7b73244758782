//! Where a request stands in the queue; a courtesy that no click waits for.

use std::time::Duration;

use crate::{
    queue::{self, QueuePosition, Request},
    slack::{app::SlackApp, deadline::Deadline},
};

const PLACE_WAIT: Duration = Duration::from_millis(200);

/// Where a request stands, if that is known quickly.
pub(crate) async fn place(app: &SlackApp, request: &Request, deadline: Deadline) -> Option<QueuePosition> {
    deadline.within(PLACE_WAIT, queue::place(app.pool(), request.id)).await.ok().and_then(Result::ok).flatten()
}
