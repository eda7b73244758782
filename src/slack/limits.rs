//! Slack's size limits that we rely on, in characters (Unicode code points) or items.

/// Text of an option, a button, and a confirmation's… the commonest limit of all.
pub const OPTION_TEXT: usize = 75;
pub const OPTION_VALUE: usize = 150;
pub const OPTION_GROUP_LABEL: usize = 75;
pub const OPTIONS: usize = 100;
pub const OPTION_GROUPS: usize = 100;
/// Checkboxes and radio buttons.
pub const CHOICES: usize = 10;
pub const BUTTON_TEXT: usize = 75;
pub const BUTTON_VALUE: usize = 2000;
pub const CONFIRM_TITLE: usize = 100;
pub const CONFIRM_TEXT: usize = 300;
pub const CONFIRM_BUTTON: usize = 30;
pub const SECTION_TEXT: usize = 3000;
pub const HEADER_TEXT: usize = 150;
pub const CONTEXT_TEXT: usize = 3000;
pub const CONTEXT_ELEMENTS: usize = 10;
pub const ACTIONS_ELEMENTS: usize = 25;
pub const INPUT_LABEL: usize = 2000;
pub const INPUT_HINT: usize = 2000;
pub const PLACEHOLDER: usize = 150;
/// Title, submit and close of a modal.
pub const VIEW_TITLE: usize = 24;
pub const VIEW_BLOCKS: usize = 100;
pub const PRIVATE_METADATA: usize = 3000;
pub const MESSAGE_BLOCKS: usize = 50;
/// Longer top-level texts make `chat.update` fail.
pub const MESSAGE_TEXT: usize = 4000;
/// An inline error of a form; Slack names no limit, so this is what can be read.
pub const FIELD_ERROR: usize = 300;

/// `text` cut to `max` characters, an ellipsis included; never empty, because Slack refuses empty texts.
pub fn fit(text: &str, max: usize) -> String {
    if text.is_empty() {
        return "–".to_owned();
    }
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(max.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// [`fit`] for text with Slack's escapes: never cuts through `&amp;` or a `<…>`.
pub fn fit_mrkdwn(text: &str, max: usize) -> String {
    let short = fit(text, max);
    if short == text || text.is_empty() {
        return short;
    }
    let body = short.strip_suffix('…').unwrap_or(&short);
    let open = |from: char, to: char| match (body.rfind(from), body.rfind(to)) {
        (Some(start), Some(end)) if end > start => None,
        (start, _) => start,
    };
    // An escape is at most five characters long, so an ampersand further back is whole.
    let ampersand = open('&', ';').filter(|at| body.len() - at <= 5);
    match open('<', '>').into_iter().chain(ampersand).min() {
        Some(cut) => format!("{}…", &body[..cut]),
        None => short,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_cut_fits_and_is_never_empty(text in ".{0,300}", max in 5_usize..200) {
            for short in [fit(&text, max), fit_mrkdwn(&text, max)] {
                prop_assert!(!short.is_empty() && short.chars().count() <= max);
            }
        }
    }

    #[test]
    fn an_escape_is_not_cut_in_half() {
        assert_eq!(fit_mrkdwn("R&amp;D", 5), "R…");
        assert_eq!(fit_mrkdwn("to <@U123456>", 8), "to …");
        assert_eq!(fit_mrkdwn("a < b; c & d; e", 9), "a …");
        assert_eq!(fit_mrkdwn("short", 9), "short");
    }
}
