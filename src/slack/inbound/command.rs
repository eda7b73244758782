//! `/segment` and what may stand behind it. Replies are seen by the person alone.

use crate::{
    catalog::Catalog,
    nearest::nearest,
    queue::{self, Request},
    segment::{Draft, Problem, TypedLine},
    slack::{
        app::{SlackApp, Who},
        deadline::Deadline,
        payload::Command,
        reply::Reply,
        request::{
            access::{cancelled, may_touch},
            draft::{Origin, RequestDraft, Submission},
            form, offer, place,
            refusal::Refusal,
            submit::{self, Accepted, IfSame},
        },
        wording::{blocks::escape, messages, problems},
    },
};

/// Words that are no conditions.
const SUBCOMMANDS: [&str; 6] = ["help", "products", "list", "show", "cancel", "rerun"];
const LISTED: i64 = 10;

/// Typed text, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Typed {
    Help,
    Products,
    List,
    Show(Option<i64>),
    Cancel(Option<i64>),
    Rerun(Option<i64>),
    Conditions {
        draft: Box<Draft>,
        at_once: bool,
    },
    /// A first word that is neither; with the nearest that is.
    Unknown {
        word: String,
        nearest: Option<&'static str>,
    },
}

/// Answers the command.
pub(crate) async fn answer(app: &SlackApp, command: &Command, deadline: Deadline) -> Reply {
    let typed = typed(app.catalog(), &command.text);
    let who = app.who(command.team(), &command.user_id, deadline).await;
    let say = app.say(who.locale);
    match typed {
        Err(problem) => Reply::ephemeral(&problems::message(say, &[problem])),
        Ok(Typed::Conditions { draft, at_once }) => conditions(app, &who, command, *draft, at_once).await,
        Ok(Typed::Help) => Reply::ephemeral(&messages::help(app.catalog(), say)),
        Ok(Typed::Products) => Reply::ephemeral(&messages::products(app.catalog(), say)),
        Ok(Typed::List) => list(app, &who).await,
        Ok(Typed::Show(number)) => show(app, &who, number).await,
        Ok(Typed::Cancel(number)) => cancel(app, &who, number).await,
        Ok(Typed::Rerun(number)) => rerun(app, &who, command, number).await,
        Ok(Typed::Unknown { word, nearest }) => {
            let mut text = say.with("command-unknown", &[("word", escape(&word).into())]);
            if let Some(nearest) = nearest {
                text = say.sentences([text, say.with("problem-nearest", &[("word", nearest.into())])]);
            }
            Reply::ephemeral(&messages::with_help(app.catalog(), say, &text))
        }
    }
}

fn typed(catalog: &Catalog, text: &str) -> Result<Typed, Problem> {
    let line = TypedLine::read(text)?;
    if line.is_empty() || line.has_conditions() {
        return Ok(Typed::Conditions { draft: Box::new(line.draft(catalog)?), at_once: line.at_once });
    }
    let first = line.word(0).unwrap_or_default();
    let number = line.word(1).and_then(|word| word.trim_start_matches('#').parse().ok());
    Ok(match first.to_lowercase().as_str() {
        "help" => Typed::Help,
        "products" => Typed::Products,
        "list" => Typed::List,
        "show" => Typed::Show(number),
        "cancel" => Typed::Cancel(number),
        "rerun" => Typed::Rerun(number),
        word => Typed::Unknown { nearest: nearest(word, SUBCOMMANDS), word: first },
    })
}

async fn conditions(app: &SlackApp, who: &Who, command: &Command, draft: Draft, at_once: bool) -> Reply {
    let say = app.say(who.locale);
    let found = draft.problems(app.catalog());
    if !found.is_empty() {
        return Reply::ephemeral(&problems::message(say, &found));
    }
    let origin = Origin { channel: command.channel_id.clone(), ..Origin::default() };
    let asked = RequestDraft { origin, draft };
    if !at_once {
        return open(app, who, &asked, &command.trigger_id).await;
    }
    let submission = Submission { asked, source_key: command.trigger_id.clone() };
    match submit::accept(app, who, &submission, IfSame::Ask).await {
        Ok(Accepted::Offered(offer)) => Reply::ephemeral(&offer::message(app, say, &offer)),
        Ok(Accepted::Stored(submitted)) => {
            let place = place::place(app, &submitted.request, who.deadline).await;
            let shown = messages::confirmation(app.catalog(), say, &submitted.request, place);
            Reply::ephemeral(&shown.into_message())
        }
        Err(Refusal::Problems(found)) => Reply::ephemeral(&problems::message(say, &found)),
        Err(refusal @ Refusal::Channel(_)) => {
            Reply::ephemeral(&messages::offer_form_saying(say, &refusal.words(app, who), &submission.asked.to_value()))
        }
        Err(refusal) => Reply::words(&refusal.words(app, who)),
    }
}

/// The form, or a button for it: a click brings a fresh trigger.
async fn open(app: &SlackApp, who: &Who, asked: &RequestDraft, trigger_id: &str) -> Reply {
    match form::open(app, who, asked, trigger_id).await {
        Ok(()) => Reply::empty(),
        Err(_) => Reply::ephemeral(&messages::offer_form(app.say(who.locale), "form-did-not-open", &asked.to_value())),
    }
}

async fn list(app: &SlackApp, who: &Who) -> Reply {
    let say = app.say(who.locale);
    match who.deadline.database(queue::requests_of(app.pool(), &who.team, &who.user, LISTED)).await {
        Ok(requests) => Reply::ephemeral(&messages::list(app.catalog(), say, &requests)),
        Err(away) => Reply::words(&app.away_words(away, who)),
    }
}

async fn show(app: &SlackApp, who: &Who, number: Option<i64>) -> Reply {
    match own(app, who, number, "show").await {
        Ok(request) => {
            let place = place::place(app, &request, who.deadline).await;
            Reply::ephemeral(&messages::details(app.catalog(), app.say(who.locale), &request, place))
        }
        Err(reply) => reply,
    }
}

async fn cancel(app: &SlackApp, who: &Who, number: Option<i64>) -> Reply {
    let request = match own(app, who, number, "cancel").await {
        Ok(request) => request,
        Err(reply) => return reply,
    };
    match who.deadline.database(queue::cancel(app.pool(), request.id)).await {
        Ok(outcome) => Reply::words(&cancelled(app, who, &request, outcome)),
        Err(away) => Reply::words(&app.away_words(away, who)),
    }
}

async fn rerun(app: &SlackApp, who: &Who, command: &Command, number: Option<i64>) -> Reply {
    match own(app, who, number, "rerun").await {
        Ok(request) => open(app, who, &RequestDraft::again(&request), &command.trigger_id).await,
        Err(reply) => reply,
    }
}

/// The request `#number`, if this person may see and change it: what was asked in private stays there.
async fn own(app: &SlackApp, who: &Who, number: Option<i64>, subcommand: &str) -> Result<Request, Reply> {
    let say = app.say(who.locale);
    let Some(number) = number else {
        return Err(Reply::words(&say.with("command-needs-number", &[("command", subcommand.into())])));
    };
    match who.deadline.database(queue::request(app.pool(), number)).await {
        Err(away) => Err(Reply::words(&app.away_words(away, who))),
        Ok(Some(request)) if may_touch(app, who, &request) => Ok(request),
        Ok(_) => Err(Reply::words(&say.with("command-no-such-request", &[("number", number.to_string().into())]))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Typed, Problem> {
        typed(&Catalog::parse(include_str!("../../demo/catalog.toml")).unwrap(), text)
    }

    #[test]
    fn typed_text_is_understood() {
        assert_eq!(read("").unwrap(), Typed::Conditions { draft: Box::default(), at_once: false });
        assert_eq!(read(" Show #128 ").unwrap(), Typed::Show(Some(128)));
        assert_eq!(read("cancel").unwrap(), Typed::Cancel(None));
        assert_eq!(read("halp").unwrap(), Typed::Unknown { word: "halp".to_owned(), nearest: Some("help") });
        assert_eq!(read("skincare").unwrap(), Typed::Unknown { word: "skincare".to_owned(), nearest: None });
    }

    #[test]
    fn go_may_stand_anywhere_and_may_have_become_a_dash() {
        for text in ["product=tea size=5% --go", "product=tea —go size=5%", "--go product=tea size=5%"] {
            let Typed::Conditions { draft, at_once } = read(text).unwrap() else { panic!("conditions") };
            assert!(
                at_once && draft.product.as_deref() == Some("tea") && draft.size.as_deref() == Some("5%"),
                "{text}"
            );
        }
    }

    #[test]
    fn full_width_text_is_read() {
        let Typed::Conditions { draft, .. } = read("ｐｒｏｄｕｃｔ＝tea　size＝５０００").unwrap() else {
            panic!("conditions")
        };
        assert_eq!(draft.size.as_deref(), Some("5000"));
    }
}
