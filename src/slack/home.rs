//! App Home: a button, the last requests, whom to ask.

use serde_json::{Value, json};

use crate::{
    queue::{self, Request},
    slack::{
        app::{SlackApp, Who},
        client::{CallPriority, Method, SlackCallError},
        deadline::Away,
        request::draft::RequestDraft,
        wording::{
            blocks::{self, escape},
            messages,
        },
    },
};

const LISTED: i64 = 10;

/// Publishes the person's Home as things stand now.
pub(crate) async fn publish(app: &SlackApp, who: &Who) -> Result<(), SlackCallError> {
    let requests = who.deadline.database(queue::requests_of(app.pool(), &who.team, &who.user, LISTED)).await;
    let view = json!({ "type": "home", "blocks": view(app, who, requests.as_deref().map_err(|away| *away)) });
    let body = json!({ "user_id": who.user, "view": view });
    app.client().call(Method::ViewsPublish, &body, CallPriority::Unhurried).await.map(drop)
}

fn view(app: &SlackApp, who: &Who, requests: Result<&[Request], Away>) -> Vec<Value> {
    let say = app.say(who.locale);
    let mut shown = vec![
        blocks::header(&say.text("home-title")),
        blocks::section_with(&say.text("home-intro"), messages::open_button(say, &RequestDraft::default().to_value())),
        blocks::divider(),
    ];
    match requests {
        Err(away) => shown.push(blocks::section(&app.away_words(away, who))),
        Ok([]) => shown.push(blocks::section(&say.text("list-empty"))),
        Ok(requests) => {
            shown.push(blocks::section(&say.text("home-requests")));
            shown.extend(requests.iter().map(|request| blocks::section(&messages::line(app.catalog(), say, request))));
        }
    }
    shown.push(blocks::context(&say.with("home-ask", &[("owner", escape(&app.catalog().owner).into())])));
    shown
}
