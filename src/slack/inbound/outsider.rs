//! People of another organisation, who meet the app in channels that two companies share: refused at every door, in words.
//!
//! The tenant is the workspace, or the organisation, that the app is installed in, as Slack's `auth.test` says; never the
//! workspace of whoever clicks.

use std::time::Duration;

use serde_json::{Value, json};

use crate::slack::{
    app::SlackApp,
    client::{CallPriority, Method},
    deadline::Deadline,
    ids::CALLBACK_CONFIRMATION,
    payload::{Command, EventEnvelope, Inbound, Interaction, InteractionKind},
    reply::Reply,
    wording::blocks::{self, Frame, Message},
};

/// How long Slack may take to say where a person belongs.
const WAIT: Duration = Duration::from_millis(700);

/// Who did something, as far as the payload says.
#[derive(Debug, Default)]
struct Actor {
    user: String,
    /// Their workspace.
    team: Option<String>,
    /// Their organisation.
    enterprise: Option<String>,
    /// Where the payload says that the app is installed.
    installed: Option<String>,
    channel: String,
    thread_ts: Option<String>,
}

/// What an outsider hears instead of an answer; `None` for people of the house, and for what nobody did.
pub(crate) async fn refusal(app: &SlackApp, inbound: &Inbound, deadline: Deadline) -> Option<Reply> {
    let actor = match inbound {
        Inbound::Command(command) => Actor::of_command(command),
        Inbound::Interaction(interaction) => Actor::of_interaction(interaction),
        Inbound::Event(envelope) if !envelope.event.user.is_empty() && envelope.event.bot_id.is_none() => {
            Actor::of_event(envelope)
        }
        Inbound::Event(_) | Inbound::SslCheck | Inbound::Unknown => return None,
    };
    if !actor.is_outside(app, deadline).await {
        return None;
    }
    tracing::warn!(user = actor.user, team = actor.team, "somebody of another organisation was refused");
    let who = app.who(actor.team.clone().unwrap_or_default(), &actor.user, deadline).await;
    let words = app.say(who.locale).text("refusal-outsider");
    Some(match inbound {
        Inbound::Interaction(interaction) => match interaction.kind {
            InteractionKind::ViewSubmission => {
                let say = app.say(who.locale);
                let frame = Frame {
                    callback_id: CALLBACK_CONFIRMATION,
                    title: say.text("form-title"),
                    submit: None,
                    close: say.text("form-close"),
                    private_metadata: String::new(),
                };
                let view = blocks::modal(&frame, vec![blocks::section(&words)]);
                Reply::json(json!({ "response_action": "update", "view": view }))
            }
            InteractionKind::BlockSuggestion => Reply::json(json!({ "options": [] })),
            _ => actor.told(app, &words),
        },
        Inbound::Event(envelope) if envelope.event.kind == "app_home_opened" => {
            let view = json!({ "type": "home", "blocks": [blocks::section(&words)] });
            behind(app, Method::ViewsPublish, json!({ "user_id": actor.user, "view": view }))
        }
        Inbound::Event(_) => actor.told(app, &words),
        _ => Reply::words(&words),
    })
}

fn behind(app: &SlackApp, method: Method, body: Value) -> Reply {
    let (app, work) = (app.clone(), app.clone());
    work.behind(async move { drop(app.client().call(method, &body, CallPriority::Unhurried).await) });
    Reply::empty()
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

impl Actor {
    fn of_command(command: &Command) -> Self {
        Self {
            user: command.user_id.clone(),
            team: command.team_id.clone(),
            enterprise: command.enterprise_id.clone(),
            ..Self::default()
        }
    }

    fn of_interaction(interaction: &Interaction) -> Self {
        Self {
            user: interaction.user.id.clone(),
            team: interaction.user.team_id.clone().or_else(|| some(&interaction.team.id)),
            enterprise: some(&interaction.enterprise.id),
            installed: interaction.view.app_installed_team_id.clone(),
            channel: interaction.channel(),
            thread_ts: interaction.thread_ts(),
        }
    }

    fn of_event(envelope: &EventEnvelope) -> Self {
        let event = &envelope.event;
        let own = [&event.user_team, &event.source_team, &event.team].into_iter().flatten().next().cloned();
        let authorized = envelope.authorizations.first();
        // Outside shared channels an event is of the workspace that it came from.
        let usual = envelope.team_id.clone().filter(|_| !envelope.is_ext_shared_channel);
        Self {
            user: event.user.clone(),
            team: own.or(usual),
            enterprise: envelope.enterprise_id.clone().filter(|_| !envelope.is_ext_shared_channel),
            installed: authorized.and_then(|authorized| authorized.team_id.clone()),
            channel: event.channel.clone(),
            thread_ts: event.thread_ts.clone(),
        }
    }

    async fn is_outside(&self, app: &SlackApp, deadline: Deadline) -> bool {
        if app.client().installed().is_none() {
            // Slack did not answer when the service started.
            let _ = deadline.within(WAIT, app.client().identify()).await;
        }
        let installed = app.client().installed();
        let organisation = installed.as_ref().and_then(|installed| installed.enterprise.clone());
        if organisation.is_some() && self.enterprise == organisation {
            return false;
        }
        let home = installed.map(|installed| installed.team).filter(|team| !team.is_empty());
        let Some(home) = home.or_else(|| self.installed.clone()) else { return false };
        // An installation for a whole organisation is named by the organisation.
        let at_home = |team: &str| team == home || Some(team) == organisation.as_deref();
        match self.team.as_deref().filter(|team| !team.is_empty()) {
            Some(team) if at_home(team) => false,
            Some(_) if organisation.is_none() => true,
            _ => self.looked_up(app, (&home, organisation.as_deref()), deadline).await,
        }
    }

    /// What Slack says of a person whose payload says too little; in doubt they are outside.
    async fn looked_up(&self, app: &SlackApp, (home, organisation): (&str, Option<&str>), deadline: Deadline) -> bool {
        let body = json!({ "user": self.user });
        let asked = app.client().call(Method::UsersInfo, &body, CallPriority::Hurried);
        let Ok(Ok(answer)) = deadline.within(WAIT, asked).await else { return true };
        let user = &answer["user"];
        let enterprise = user["enterprise_user"]["enterprise_id"].as_str();
        let of_the_house =
            user["team_id"].as_str() == Some(home) || (organisation.is_some() && enterprise == organisation);
        user["is_stranger"].as_bool() == Some(true) || !of_the_house
    }

    /// Words for this person alone, where they did it.
    fn told(&self, app: &SlackApp, words: &str) -> Reply {
        if self.channel.is_empty() {
            return Reply::empty();
        }
        let message = Message::paragraph(words);
        let mut body = json!({
            "channel": self.channel, "user": self.user, "text": message.text, "blocks": message.blocks,
        });
        if let Some(thread_ts) = &self.thread_ts {
            body["thread_ts"] = thread_ts.as_str().into();
        }
        behind(app, Method::ChatPostEphemeral, body)
    }
}
