//! Earlier segments whose people a request leaves out: found by their numbers, and offered in the form.

use std::collections::BTreeSet;

use crate::{
    queue::{self, Request},
    segment::{EarlierSegment, SegmentFolder},
    slack::{
        app::{SlackApp, Who},
        deadline::Away,
        request::access::may_touch,
        wording::{blocks::Choice, words},
    },
};

/// More than these are not offered; their numbers can be typed.
const OFFERED: i64 = 100;

/// Which of `numbers` are finished segments that this person may use; fails when the database does not answer.
pub(crate) async fn known(
    app: &SlackApp,
    who: &Who,
    numbers: &BTreeSet<i64>,
) -> Result<BTreeSet<EarlierSegment>, Away> {
    let mut known = BTreeSet::new();
    for number in numbers {
        let request = who.deadline.database(queue::request(app.pool(), *number)).await?;
        known.extend(request.filter(|request| may_touch(app, who, request)).as_ref().and_then(segment_of));
    }
    Ok(known)
}

/// The segment that a request made; `None` while it has none.
fn segment_of(request: &Request) -> Option<EarlierSegment> {
    request.summary.as_ref()?;
    let folder = SegmentFolder::try_from(request.folder()).ok()?;
    Some(EarlierSegment { folder, number: Some(request.number) })
}

/// This person's segments whose title holds `typed`, the newest first.
pub(crate) async fn offered(app: &SlackApp, who: &Who, typed: &str) -> Vec<Choice> {
    let typed = typed.trim().to_lowercase();
    let requests =
        who.deadline.database(queue::requests_of(app.pool(), &who.team, &who.user, OFFERED)).await.unwrap_or_default();
    let say = app.say(who.locale);
    let finished = requests.iter().filter(|request| segment_of(request).is_some());
    let choices = finished
        .map(|request| Choice::new(request.number.to_string(), words::title_unescaped(app.catalog(), say, request)));
    choices.filter(|choice| choice.text.to_lowercase().contains(&typed)).collect()
}
