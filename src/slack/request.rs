//! A request while it is being made: from the first word to the row in the queue.

pub(crate) mod access;
pub(crate) mod channel_access;
pub(crate) mod draft;
pub(crate) mod earlier;
pub(crate) mod estimates;
pub(crate) mod form;
pub(crate) mod offer;
pub(crate) mod place;
pub(crate) mod refusal;
pub(crate) mod submit;
