//! A person's mistakes in words: the word, what is accepted, and what was probably meant.

use std::borrow::Cow;

use crate::{
    catalog::Field,
    segment::{Draft, Problem},
    slack::{
        ids::{
            BLOCK_AGE_FROM, BLOCK_AGE_TO, BLOCK_AREAS, BLOCK_CONTROL, BLOCK_CONVERTED, BLOCK_GENDER, BLOCK_NAME,
            BLOCK_PRODUCT, BLOCK_SIZE, BLOCK_SIZE_EXACT, BLOCK_WITHOUT, block_of_attribute,
        },
        limits,
        wording::blocks::{Message, escape},
    },
    texts::Say,
};

/// More accepted values than these are counted, not listed.
const LISTED: usize = 12;

/// One mistake, without markup.
pub(crate) fn words(say: Say<'_>, problem: &Problem) -> String {
    match problem {
        Problem::UnknownKey { word, accepted, nearest } => {
            let accepted = list(say, accepted);
            let text = say.with("problem-unknown-key", &[("word", short(word).into()), ("accepted", accepted.into())]);
            with_nearest(say, text, nearest.as_deref())
        }
        Problem::UnknownValue { field, value, accepted, nearest } => {
            let args = [
                ("value", short(value).into()),
                ("field", field_name(say, field).into()),
                ("accepted", list(say, accepted).into()),
            ];
            with_nearest(say, say.with("problem-unknown-value", &args), nearest.as_deref())
        }
        Problem::Missing { field } => say.with("problem-missing", &[("field", field_name(say, field).into())]),
        Problem::NoValue { word } => say.with("problem-no-value", &[("word", short(word).into())]),
        Problem::Twice { word } => say.with("problem-twice", &[("word", short(word).into())]),
        Problem::OpenQuote => say.text("problem-open-quote"),
        Problem::TwoReadings { text, one, other, .. } => {
            let args = [("text", short(text).into()), ("one", short(one).into()), ("other", short(other).into())];
            say.with("problem-two-readings", &args)
        }
        Problem::AgeOrder { from, to } => {
            say.with("problem-age-order", &[("from", (*from).into()), ("to", (*to).into())])
        }
        Problem::AgeValue { value, min, max } => {
            let args = [("value", short(value).into()), ("min", (*min).into()), ("max", (*max).into())];
            say.with("problem-age-value", &args)
        }
        Problem::SizeValue { value, min, max } => {
            let args = [("value", short(value).into()), ("min", (*min).into()), ("max", (*max).into())];
            say.with("problem-size-value", &args)
        }
        Problem::ControlValue { value, max } => {
            say.with("problem-control-value", &[("value", short(value).into()), ("max", (*max).into())])
        }
        Problem::SegmentValue { value } => say.with("problem-segment-value", &[("value", short(value).into())]),
        Problem::NameLength { chars, max } => {
            say.with("problem-name-length", &[("chars", (*chars).into()), ("max", (*max).into())])
        }
    }
}

/// Several mistakes, as a reply to typed text.
pub(crate) fn message(say: Say<'_>, problems: &[Problem]) -> Message {
    let lines: Vec<String> = problems.iter().map(|problem| format!("• {}", escape(&words(say, problem)))).collect();
    Message::paragraph(&format!("{}\n{}\n{}", say.text("problem-intro"), lines.join("\n"), say.text("problem-outro")))
}

/// The input that a mistake is shown at.
pub(crate) fn block_of(draft: &Draft, problem: &Problem) -> Cow<'static, str> {
    Cow::Borrowed(match problem.field() {
        Some(Field::Attribute(id)) => return Cow::Owned(block_of_attribute(&id)),
        Some(Field::Name) => BLOCK_NAME,
        Some(Field::Gender) => BLOCK_GENDER,
        Some(Field::Age) if matches!(problem, Problem::AgeValue { value, .. } if Some(value) == draft.age_from.as_ref()) => {
            BLOCK_AGE_FROM
        }
        Some(Field::Age) => BLOCK_AGE_TO,
        Some(Field::Region) => BLOCK_AREAS,
        // Only what was typed can be wrong; a preset can only be missing.
        Some(Field::Size) if matches!(problem, Problem::Missing { .. }) => BLOCK_SIZE,
        Some(Field::Size) => BLOCK_SIZE_EXACT,
        Some(Field::Converted) => BLOCK_CONVERTED,
        Some(Field::Without) => BLOCK_WITHOUT,
        Some(Field::Control) => BLOCK_CONTROL,
        Some(Field::Product) | None => BLOCK_PRODUCT,
    })
}

fn with_nearest(say: Say<'_>, text: String, nearest: Option<&str>) -> String {
    match nearest {
        Some(nearest) => say.sentences([text, say.with("problem-nearest", &[("word", nearest.into())])]),
        None => text,
    }
}

fn list(say: Say<'_>, accepted: &[String]) -> String {
    let shown = say.list(accepted.iter().take(LISTED).map(|word| format!("`{word}`")));
    match accepted.len().saturating_sub(LISTED) {
        0 => shown,
        more => say.with("problem-and-more", &[("shown", shown.into()), ("more", more.into())]),
    }
}

/// A quoted word stays readable.
fn short(word: &str) -> String {
    limits::fit(&word.replace('`', "'"), 40)
}

fn field_name(say: Say<'_>, field: &Field) -> String {
    match field {
        Field::Name => say.text("field-name"),
        Field::Product => say.text("field-product"),
        Field::Gender => say.text("field-gender"),
        Field::Age => say.text("field-age"),
        Field::Region => say.text("field-region"),
        Field::Size => say.text("field-size"),
        Field::Converted => say.text("field-converted"),
        Field::Without => say.text("field-without"),
        Field::Control => say.text("field-control"),
        Field::Attribute(id) => id.to_string(),
    }
}
