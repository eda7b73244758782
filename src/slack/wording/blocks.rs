//! Block Kit, as little of it as we use. Every text passes through here and is cut to Slack's limit, so that one long name cannot break a view.

use serde_json::{Value, json};

use crate::slack::limits::{self, fit, fit_mrkdwn};

/// An entry of a select or a checkbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) value: String,
    pub(crate) text: String,
}

impl Choice {
    /// An entry that comes back as `value`.
    pub(crate) fn new(value: impl Into<String>, text: impl Into<String>) -> Self {
        Self { value: value.into(), text: text.into() }
    }
}

/// Text from people or from the catalog, made harmless in mrkdwn: no mentions, no links, no formatting by accident.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn plain(text: &str, max: usize) -> Value {
    json!({ "type": "plain_text", "text": fit(text, max), "emoji": false })
}

/// A paragraph in mrkdwn.
pub(crate) fn section(text: &str) -> Value {
    json!({ "type": "section", "text": { "type": "mrkdwn", "text": fit_mrkdwn(text, limits::SECTION_TEXT) } })
}

/// A paragraph with a button beside it.
pub(crate) fn section_with(text: &str, accessory: Value) -> Value {
    let mut block = section(text);
    block["accessory"] = accessory;
    block
}

/// A headline.
pub(crate) fn header(text: &str) -> Value {
    json!({ "type": "header", "text": plain(text, limits::HEADER_TEXT) })
}

/// Small print in mrkdwn.
pub(crate) fn context(text: &str) -> Value {
    let text = fit_mrkdwn(text, limits::CONTEXT_TEXT);
    json!({ "type": "context", "elements": [{ "type": "mrkdwn", "text": text }] })
}

/// A line between blocks.
pub(crate) fn divider() -> Value {
    json!({ "type": "divider" })
}

/// A row of buttons.
pub(crate) fn actions(elements: Vec<Value>) -> Value {
    let elements: Vec<Value> = elements.into_iter().take(limits::ACTIONS_ELEMENTS).collect();
    json!({ "type": "actions", "elements": elements })
}

/// A button; `value` comes back as it is.
pub(crate) fn button(action_id: &str, text: &str, value: &str) -> Value {
    json!({ "type": "button", "action_id": action_id, "text": plain(text, limits::BUTTON_TEXT), "value": value })
}

/// The button to press.
pub(crate) fn primary(mut button: Value) -> Value {
    button["style"] = json!("primary");
    button
}

/// A button that asks before it acts.
pub(crate) fn confirmed(mut button: Value, dialog: &Dialog) -> Value {
    button["style"] = json!("danger");
    button["confirm"] = json!({
        "title": plain(&dialog.title, limits::CONFIRM_TITLE),
        "text": plain(&dialog.text, limits::CONFIRM_TEXT),
        "confirm": plain(&dialog.confirm, limits::CONFIRM_BUTTON),
        "deny": plain(&dialog.deny, limits::CONFIRM_BUTTON),
        "style": "danger",
    });
    button
}

/// The words of a confirmation dialog.
#[derive(Debug, Clone)]
pub(crate) struct Dialog {
    pub(crate) title: String,
    pub(crate) text: String,
    pub(crate) confirm: String,
    pub(crate) deny: String,
}

/// An input with its label; every input of ours has one element, whose action id is its block id.
pub(crate) fn input(block_id: &str, label: &str, hint: Option<&str>, mut element: Value) -> Value {
    element["action_id"] = json!(block_id);
    let mut block = json!({
        "type": "input",
        "block_id": block_id,
        "label": plain(label, limits::INPUT_LABEL),
        "optional": true,
        "element": element,
    });
    if let Some(hint) = hint {
        block["hint"] = plain(hint, limits::INPUT_HINT);
    }
    block
}

/// The same input, which Slack insists on.
pub(crate) fn required(mut input: Value) -> Value {
    input["optional"] = json!(false);
    input
}

/// The same input, whose changes we hear of at once.
pub(crate) fn dispatching(mut input: Value) -> Value {
    input["dispatch_action"] = json!(true);
    input
}

/// A block that is found again by its id.
pub(crate) fn with_id(mut block: Value, block_id: &str) -> Value {
    block["block_id"] = json!(block_id);
    block
}

/// One line of text.
pub(crate) fn text_input(initial: Option<&str>, placeholder: Option<&str>, max_length: usize) -> Value {
    let mut element = json!({ "type": "plain_text_input", "max_length": max_length });
    if let Some(initial) = initial.filter(|text| !text.is_empty()) {
        element["initial_value"] = json!(fit(initial, max_length));
    }
    if let Some(placeholder) = placeholder {
        element["placeholder"] = plain(placeholder, limits::PLACEHOLDER);
    }
    element
}

fn option(choice: &Choice) -> Value {
    json!({ "text": plain(&choice.text, limits::OPTION_TEXT), "value": choice.value })
}

/// Entries as Slack wants them; those whose value is too long to come back are left out.
pub(crate) fn options(choices: &[Choice], max: usize) -> Vec<Value> {
    let fits = |choice: &&Choice| !choice.value.is_empty() && choice.value.chars().count() <= limits::OPTION_VALUE;
    choices.iter().filter(fits).take(max).map(option).collect()
}

/// One of at most a hundred.
pub(crate) fn select(choices: &[Choice], initial: Option<&str>, placeholder: &str) -> Value {
    let options = options(choices, limits::OPTIONS);
    let mut element = json!({ "type": "static_select", "placeholder": plain(placeholder, limits::PLACEHOLDER) });
    if let Some(chosen) = options.iter().find(|option| initial.is_some_and(|value| option["value"] == value)) {
        element["initial_option"] = chosen.clone();
    }
    element["options"] = Value::Array(options);
    element
}

/// One of many, which Slack asks us for while a person types.
pub(crate) fn external_select(initial: Option<&Choice>, placeholder: &str) -> Value {
    let mut element = json!({
        "type": "external_select",
        "min_query_length": 0,
        "placeholder": plain(placeholder, limits::PLACEHOLDER),
    });
    if let Some(initial) = initial {
        element["initial_option"] = option(initial);
    }
    element
}

/// Any number of entries, which Slack asks us for while a person types.
pub(crate) fn many_external(initial: &[Choice], placeholder: &str) -> Value {
    let mut element = json!({
        "type": "multi_external_select",
        "min_query_length": 0,
        "placeholder": plain(placeholder, limits::PLACEHOLDER),
    });
    let chosen = options(initial, limits::OPTIONS);
    if !chosen.is_empty() {
        element["initial_options"] = Value::Array(chosen);
    }
    element
}

/// Any number of entries: checkboxes when they are few, else a multi-select.
pub(crate) fn many_of(choices: &[Choice], initial: &[String], placeholder: &str) -> Value {
    let few = choices.len() <= limits::CHOICES;
    let options = options(choices, if few { limits::CHOICES } else { limits::OPTIONS });
    let mut element = if few {
        json!({ "type": "checkboxes" })
    } else {
        json!({ "type": "multi_static_select", "placeholder": plain(placeholder, limits::PLACEHOLDER) })
    };
    set_initial(&mut element, &options, initial);
    element["options"] = Value::Array(options);
    element
}

/// Any number of entries, in groups.
pub(crate) fn many_of_groups(groups: &[(String, Vec<Choice>)], initial: &[String], placeholder: &str) -> Value {
    let groups: Vec<Value> = groups
        .iter()
        .map(|(label, choices)| (label, options(choices, limits::OPTIONS)))
        .filter(|(_, options)| !options.is_empty())
        .take(limits::OPTION_GROUPS)
        .map(|(label, options)| json!({ "label": plain(label, limits::OPTION_GROUP_LABEL), "options": options }))
        .collect();
    let all: Vec<Value> = groups.iter().filter_map(|group| group["options"].as_array()).flatten().cloned().collect();
    let mut element = json!({ "type": "multi_static_select", "placeholder": plain(placeholder, limits::PLACEHOLDER) });
    set_initial(&mut element, &all, initial);
    element["option_groups"] = Value::Array(groups);
    element
}

/// Slack refuses an empty list of initial options.
fn set_initial(element: &mut Value, options: &[Value], initial: &[String]) {
    let chosen: Vec<Value> = options
        .iter()
        .filter(|option| initial.iter().any(|value| option["value"] == value.as_str()))
        .cloned()
        .collect();
    if !chosen.is_empty() {
        element["initial_options"] = Value::Array(chosen);
    }
}

/// One of a few, all visible.
pub(crate) fn radio(choices: &[Choice], initial: &str) -> Value {
    let options = options(choices, limits::CHOICES);
    let mut element = json!({ "type": "radio_buttons" });
    if let Some(chosen) = options.iter().find(|option| option["value"] == initial) {
        element["initial_option"] = chosen.clone();
    }
    element["options"] = Value::Array(options);
    element
}

/// The words around a modal.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) callback_id: &'static str,
    pub(crate) title: String,
    /// `None` for a view that only tells something.
    pub(crate) submit: Option<String>,
    pub(crate) close: String,
    pub(crate) private_metadata: String,
}

/// A modal.
pub(crate) fn modal(frame: &Frame, blocks: Vec<Value>) -> Value {
    let blocks: Vec<Value> = blocks.into_iter().take(limits::VIEW_BLOCKS).collect();
    let mut view = json!({
        "type": "modal",
        "callback_id": frame.callback_id,
        "title": plain(&frame.title, limits::VIEW_TITLE),
        "close": plain(&frame.close, limits::VIEW_TITLE),
        "private_metadata": frame.private_metadata,
        "blocks": blocks,
    });
    if let Some(submit) = &frame.submit {
        view["submit"] = plain(submit, limits::VIEW_TITLE);
    }
    view
}

/// What a message says: blocks for eyes, text for notifications and screen readers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Message {
    pub(crate) text: String,
    pub(crate) blocks: Vec<Value>,
}

impl Message {
    /// A message; both parts are cut to Slack's limits.
    pub(crate) fn new(text: &str, blocks: Vec<Value>) -> Self {
        let blocks = blocks.into_iter().take(limits::MESSAGE_BLOCKS).collect();
        Self { text: fit_mrkdwn(text, limits::MESSAGE_TEXT), blocks }
    }

    /// A message of one paragraph.
    pub(crate) fn paragraph(text: &str) -> Self {
        Self::new(text, vec![section(text)])
    }
}
