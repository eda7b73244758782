//! What the TOML reader says about a catalog, in this program's words.

use std::borrow::Cow;

/// Further off than this, a key is not a misspelling.
const NEAR: f64 = 0.7;

/// A sentence for the reader's `message` that says what is wrong and what would be right.
pub(super) fn in_words(message: &str) -> String {
    let (what, expected) = match message.split_once(", expected ") {
        Some((what, expected)) => (what, Some(expected)),
        None => (message, None),
    };
    let quoted = || what.split('`').nth(1).unwrap_or_default();
    let accepted = || expected.unwrap_or_default().split('`').skip(1).step_by(2).collect::<Vec<_>>();
    if what.starts_with("missing field") {
        return format!("the key `{}` is missing", quoted());
    }
    if what.starts_with("unknown field") {
        return format!("there is no key `{}` here; {}", quoted(), instead(quoted(), &accepted()));
    }
    if what.starts_with("unknown variant") {
        return format!("`{}` is no value of this key; {}", quoted(), instead(quoted(), &accepted()));
    }
    if what.starts_with("duplicate key") {
        return "this key or table stands here for the second time; remove one".to_owned();
    }
    match (expected, what.split_once(": ")) {
        (Some(expected), Some(("invalid type" | "invalid value", found))) => {
            format!("this is {}, but must be {}", found_kind(found), expected_kind(expected))
        }
        _ => "this is no valid TOML; check quotation marks, brackets, commas and `=` on this line and the one before"
            .to_owned(),
    }
}

fn instead(written: &str, accepted: &[&str]) -> String {
    let alike = |one: &&&str| strsim::jaro_winkler(&written.to_lowercase(), one);
    let nearest = accepted.iter().max_by(|a, b| alike(a).total_cmp(&alike(b))).filter(|one| alike(one) >= NEAR);
    let all = format!("it may be {}", accepted.join(", "));
    match nearest {
        Some(nearest) => format!("did you mean `{nearest}`? {all}", all = all.replacen("it", "It", 1)),
        None => all,
    }
}

fn found_kind(found: &str) -> Cow<'_, str> {
    match found.split_once(' ') {
        Some(("string", text)) => format!("the text {text}").into(),
        Some(("integer", number)) => format!("the number {}", number.trim_matches('`')).into(),
        Some(("floating", rest)) => {
            format!("the fraction {}", rest.trim_start_matches("point").trim_matches([' ', '`'])).into()
        }
        Some(("boolean", value)) => value.trim_matches('`').to_owned().into(),
        _ => match found {
            "map" => "a table".into(),
            "sequence" => "a list in brackets".into(),
            _ => "something else".into(),
        },
    }
}

fn expected_kind(expected: &str) -> &'static str {
    match expected {
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" | "u64" => "a whole number, 0 or more",
        "f64" => "a number such as 0.5",
        "a string" => "text in quotation marks",
        "a sequence" => "a list in brackets",
        "a boolean" => "true or false",
        table if table.starts_with("struct") => "a table of keys",
        _ => "one of the words that docs/catalog.md lists",
    }
}
