//! Who may see and change a request, and what a cancellation came to.

use crate::{
    queue::{CancelOutcome, Request},
    slack::{
        app::{SlackApp, Who},
        wording::words,
    },
};

/// The requester, and the admins of the same workspace.
pub(crate) fn may_touch(app: &SlackApp, who: &Who, request: &Request) -> bool {
    request.team == who.team && (request.user == who.user || app.is_admin(&who.user))
}

/// What a cancellation came to, in words.
pub(crate) fn cancelled(app: &SlackApp, who: &Who, request: &Request, outcome: CancelOutcome) -> String {
    let say = app.say(who.locale);
    let number = [("number", request.number.to_string().into())];
    app.inner.changed.notify_one();
    match outcome {
        CancelOutcome::Now => say.with("cancel-now", &number),
        CancelOutcome::Stopping => say.with("cancel-stopping", &number),
        CancelOutcome::TooLate(state) => {
            let [number] = number;
            say.with("cancel-too-late", &[number, ("state", words::state(say, state).into())])
        }
    }
}
