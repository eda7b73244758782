//! What Slack sends, from the door to whoever answers it.

mod buttons;
mod command;
mod dispatch;
mod events;
mod outsider;
pub(crate) mod routes;
mod shortcuts;
pub(crate) mod socket_mode;
