//! Replies and the root message of a thread. The result itself is in `result`, failures are in `failures`.

use serde_json::Value;

use crate::{
    catalog::{Attribute, Catalog},
    contracts::Stage,
    queue::{DeliverTo, QueuePosition, Request, RequestState},
    segment::Failure,
    slack::{
        ids::{ACTION_CANCEL, ACTION_OPEN_FORM, ACTION_RERUN, ACTION_RETRY},
        wording::{
            blocks::{self, Dialog, Frame, Message, escape},
            failures, words,
        },
    },
    texts::Say,
};

/// What was accepted, to be shown in a modal or in a reply.
pub(crate) struct Confirmation {
    title: String,
    close: String,
    text: String,
}

impl Confirmation {
    pub(crate) fn into_view(self, callback_id: &'static str) -> Value {
        let frame =
            Frame { callback_id, title: self.title, submit: None, close: self.close, private_metadata: String::new() };
        blocks::modal(&frame, vec![blocks::section(&self.text)])
    }

    pub(crate) fn into_message(self) -> Message {
        Message::paragraph(&self.text)
    }
}

/// What will be built, where it will arrive, and when it starts.
pub(crate) fn confirmation(
    catalog: &Catalog,
    say: Say<'_>,
    request: &Request,
    place: Option<QueuePosition>,
) -> Confirmation {
    let whereto = match (request.deliver_to, &request.thread_ts) {
        (DeliverTo::Dm, _) => say.text("arrives-dm"),
        (DeliverTo::Thread, Some(_)) => {
            say.with("arrives-this-thread", &[("channel", request.channel.as_str().into())])
        }
        (DeliverTo::Thread, None) => say.with("arrives-channel", &[("channel", request.channel.as_str().into())]),
    };
    let text = [
        format!("*{}*", words::title(catalog, say, request)),
        words::sentence(catalog, say, &request.conditions),
        whereto,
        words::waiting(say, request, place),
    ];
    Confirmation { title: say.text("confirmation-title"), close: say.text("confirmation-close"), text: text.join("\n") }
}

/// A sentence and a button that opens the form, whose value is the `draft`.
pub(crate) fn offer_form(say: Say<'_>, key: &str, draft: &str) -> Message {
    offer_form_saying(say, &say.text(key), draft)
}

/// [`offer_form`] with words that exist already.
pub(crate) fn offer_form_saying(say: Say<'_>, text: &str, draft: &str) -> Message {
    Message::new(text, vec![blocks::section(text), blocks::actions(vec![open_button(say, draft)])])
}

/// The button that opens the form.
pub(crate) fn open_button(say: Say<'_>, draft: &str) -> Value {
    blocks::primary(blocks::button(ACTION_OPEN_FORM, &say.text("button-open-form"), draft))
}

/// How the command is used.
pub(crate) fn help(catalog: &Catalog, say: Say<'_>) -> Message {
    Message::paragraph(&help_words(catalog, say))
}

/// With the keys of the catalog's attributes, which nobody can guess.
fn help_words(catalog: &Catalog, say: Say<'_>) -> String {
    let named = |attribute: &Attribute| format!("`{}=` ({})", attribute.id, escape(attribute.names.get(say.locale)));
    let keys: Vec<String> = catalog.conditions().map(named).collect();
    let example = catalog.conditions().find_map(|attribute| {
        let choice = attribute.choices().into_iter().next()?;
        Some(format!("{}={}", attribute.id, choice.id))
    });
    match example {
        None => say.text("help"),
        Some(example) => {
            let args = [("attributes", say.list(&keys).into()), ("example", example.into())];
            format!("{}\n{}", say.text("help"), say.with("help-attributes", &args))
        }
    }
}

/// A mistake, then how the command is used.
pub(crate) fn with_help(catalog: &Catalog, say: Say<'_>, text: &str) -> Message {
    Message::new(text, vec![blocks::section(text), blocks::section(&help_words(catalog, say))])
}

/// The catalog's products; how they are typed and what they are called.
pub(crate) fn products(catalog: &Catalog, say: Say<'_>) -> Message {
    let lines: Vec<String> = catalog
        .products
        .iter()
        .map(|product| format!("• `{}` {}", product.id, escape(product.names.get(say.locale))))
        .collect();
    Message::paragraph(&format!("{}\n{}", say.text("products-intro"), lines.join("\n")))
}

/// A person's last requests.
pub(crate) fn list(catalog: &Catalog, say: Say<'_>, requests: &[Request]) -> Message {
    if requests.is_empty() {
        return Message::paragraph(&say.text("list-empty"));
    }
    let lines: Vec<String> = requests.iter().map(|request| line(catalog, say, request)).collect();
    Message::paragraph(&format!("{}\n{}", say.text("list-intro"), lines.join("\n")))
}

/// One request in one line.
pub(crate) fn line(catalog: &Catalog, say: Say<'_>, request: &Request) -> String {
    let title = words::title(catalog, say, request);
    let missed = request.summary.as_ref().and_then(|summary| summary.quality.missed);
    let warning = missed.map_or_else(String::new, |_| format!("\n{}", say.text("line-missed")));
    format!("• {title} — {} ({}){warning}", words::state(say, request.state), words::moment(request.created_at))
}

/// A request as it stands.
pub(crate) fn details(catalog: &Catalog, say: Say<'_>, request: &Request, place: Option<QueuePosition>) -> Message {
    root(catalog, say, request, place)
}

/// The one root message of a request.
pub(crate) fn root(catalog: &Catalog, say: Say<'_>, request: &Request, place: Option<QueuePosition>) -> Message {
    let title = words::title(catalog, say, request);
    let status = status(catalog, say, request, place);
    let mut shown = vec![
        blocks::section(&format!("*{title}*\n{status}")),
        blocks::context(&words::sentence(catalog, say, &request.conditions)),
    ];
    let buttons = buttons(say, request);
    if !buttons.is_empty() {
        shown.push(blocks::actions(buttons));
    }
    Message::new(&format!("{title}: {status}"), shown)
}

fn status(catalog: &Catalog, say: Say<'_>, request: &Request, place: Option<QueuePosition>) -> String {
    match request.state {
        RequestState::Queued => words::waiting(say, request, place),
        RequestState::Running => stage(say, request),
        RequestState::Delivering => say.text("stage-delivering"),
        RequestState::Done => {
            let taken = words::duration(say, words::seconds_taken(request));
            say.with("status-done", &[("duration", taken.into())])
        }
        RequestState::Failed => {
            let failure = request.failure.clone().unwrap_or(Failure::Internal);
            failures::words(catalog, say, request, &failure)
        }
        RequestState::Cancelled => say.text("status-cancelled"),
    }
}

fn stage(say: Say<'_>, request: &Request) -> String {
    let progress = [("done", request.stage_done.into()), ("of", request.stage_of.into())];
    match request.stage.as_deref().and_then(Stage::named) {
        Some(Stage::Assembling) => say.text("stage-assembling"),
        Some(Stage::Training) => say.text("stage-training"),
        Some(Stage::Scoring) if request.stage_of > 0 => say.with("stage-scoring-of", &progress),
        Some(Stage::Scoring) => say.text("stage-scoring"),
        Some(Stage::Writing) => say.text("stage-writing"),
        None => say.text("stage-starting"),
    }
}

fn buttons(say: Say<'_>, request: &Request) -> Vec<Value> {
    let id = request.id.to_string();
    match request.state {
        RequestState::Queued | RequestState::Running => vec![cancel_button(say, &id)],
        RequestState::Delivering | RequestState::Done => Vec::new(),
        RequestState::Failed => retry_button(say, request).into_iter().chain([rerun_button(say, &id)]).collect(),
        RequestState::Cancelled => vec![rerun_button(say, &id)],
    }
}

/// Where trying again can help: by itself, or after a person has looked.
fn retry_button(say: Say<'_>, request: &Request) -> Option<Value> {
    let text = match request.failure.as_ref()? {
        Failure::SlackRefused { .. } | Failure::DeliveryUnconfirmed => say.text("button-resend"),
        Failure::NoBetterThanChance { .. } => say.text("button-anyway"),
        failure if failure.may_pass() => say.text("button-retry"),
        _ => return None,
    };
    Some(blocks::primary(blocks::button(ACTION_RETRY, &text, &request.id.to_string())))
}

/// Opens the form, filled in as it was.
pub(crate) fn rerun_button(say: Say<'_>, id: &str) -> Value {
    blocks::button(ACTION_RERUN, &say.text("button-rerun"), id)
}

fn cancel_button(say: Say<'_>, id: &str) -> Value {
    let dialog = Dialog {
        title: say.text("cancel-title"),
        text: say.text("cancel-text"),
        confirm: say.text("cancel-confirm"),
        deny: say.text("cancel-deny"),
    };
    blocks::confirmed(blocks::button(ACTION_CANCEL, &say.text("button-cancel"), id), &dialog)
}
