//! The conversation in Slack: what arrives, the form, the thread, the files. Knows neither polars nor the order of a worker's stages.
//!
//! ```text
//! Slack ──> inbound  HTTP and Socket Mode, signatures, who is an outsider; commands, buttons, shortcuts, events
//!              │
//!              ├──> request  the draft, the form, the checks, the question whether the same will do ──> queue
//!              └──> home     the app's own page
//! queue ──> thread  the root message, the files, the last word, the operators' incidents ──> client ──> Slack
//!
//! below all of them: wording (texts and blocks), client (the one wrapper around calls), app (what is shared), deadline, payload, reply
//! ```

mod app;
mod client;
mod deadline;
mod home;
mod ids;
mod inbound;
pub mod limits;
mod payload;
mod reply;
mod request;
mod thread;
mod wording;

pub use app::{SlackApp, counts::Estimates};
pub use client::{CallPriority, Installed, Method, Patience, SlackCallError, SlackClient, SlackLook, Upload, look};
pub use ids::{
    ACTION_CANCEL, ACTION_OPEN_FORM, ACTION_RERUN, ACTION_RETRY, CALLBACK_FORM, COMMAND, SHORTCUT_GLOBAL,
    SHORTCUT_MESSAGE,
};
pub use inbound::{
    routes::{BODY_BYTES_MAX, ROUTES, router},
    socket_mode::socket_mode,
};
pub use thread::{
    announce::{AnnounceSettings, announce},
    deliver::{ConfirmSettings, Delivery, LinkedFile, ResultFile, ResultFiles, ResultLinks, Whereabouts, deliver},
    incidents::{IncidentSettings, incidents},
    notify::notify,
};

#[cfg(test)]
mod tests;
