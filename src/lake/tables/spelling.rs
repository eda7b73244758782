//! When two texts are one code or id that was spelled differently.
//!
//! Spreadsheets, phones and column types change how a code is written and not what it means: capital letters, full-width
//! forms, spaces, leading zeros, `1.0` for `1`, `1,234` for `1234`, an apostrophe in front.

use unicode_normalization::UnicodeNormalization;

/// More leading digits than any whole number here has; guards against exponents such as `1E+999999`.
const DIGITS_MAX: usize = 40;

/// What all spellings of one code or id have in common. Two that differ may still be two people, so whoever finds the same
/// key asks whether it is the only one.
pub fn key(text: &str) -> String {
    let plain = plain(text);
    let bare = plain.trim_start_matches('\'').trim();
    let lower = bare.to_lowercase();
    match whole_number(&lower) {
        Some(number) => number,
        None => lower,
    }
}

/// The text without what surrounds it: spaces, invisible characters, quotation marks, `="…"`, full-width forms.
pub fn plain(text: &str) -> String {
    let usual: String = text.nfkc().filter(|c| !is_invisible(*c)).collect();
    let mut bare = usual.trim();
    if let Some(formula) = bare.strip_prefix('=').filter(|rest| rest.starts_with('"')) {
        bare = formula;
    }
    for mark in ['"', '“', '”'] {
        bare = bare.trim_matches(mark).trim();
    }
    bare.to_owned()
}

/// The listed text that `found` may have been meant to be; `None` for one that is listed.
pub fn looks_like<'l>(found: &str, listed: impl IntoIterator<Item = &'l str>) -> Option<&'l str> {
    let wanted = key(found);
    let alike = listed.into_iter().filter(|one| key(one) == wanted);
    alike.into_iter().next().filter(|one| *one != found)
}

/// Whether it is a number in scientific notation that has fewer digits than the number it stands for.
pub fn is_rounded(text: &str) -> bool {
    let plain = plain(text).to_lowercase();
    let bare = plain.trim_start_matches('\'');
    scientific(bare).is_some() && whole_number(bare).is_none()
}

fn is_invisible(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{00ad}')
}

fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The digits of a whole number without leading zeros, whichever way it is written; `None` for other text and for a number
/// that lost digits.
fn whole_number(text: &str) -> Option<String> {
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text),
    };
    let digits = match scientific(unsigned) {
        Some((whole, fraction, exponent)) => shifted(whole, fraction, exponent)?,
        None => without_fraction(unsigned)?,
    };
    let significant = digits.trim_start_matches('0');
    Some(if significant.is_empty() { "0".to_owned() } else { format!("{sign}{significant}") })
}

/// `1008350`, `1008350.0`, `1,008,350`.
fn without_fraction(text: &str) -> Option<String> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let zeros = !fraction.is_empty() && fraction.bytes().all(|byte| byte == b'0');
    let mut groups = whole.split(',');
    let first = groups.next().filter(|first| all_digits(first))?;
    let mut digits = first.to_owned();
    for group in groups {
        if group.len() != 3 || !all_digits(group) || first.len() > 3 {
            return None;
        }
        digits.push_str(group);
    }
    zeros.then_some(digits)
}

/// The parts of `1.00835e+06`.
fn scientific(text: &str) -> Option<(&str, &str, usize)> {
    let (number, exponent) = text.split_once('e')?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let exponent = exponent.strip_prefix('+').unwrap_or(exponent);
    let parts = all_digits(whole) && (fraction.is_empty() || all_digits(fraction)) && all_digits(exponent);
    let exponent = exponent.parse().ok().filter(|exponent| *exponent <= DIGITS_MAX)?;
    // Ids such as `1e5` are ids: a spreadsheet writes a point or a sign.
    (parts && text.contains(['.', '+'])).then_some((whole, fraction, exponent))
}

/// The whole number, if every one of its digits is written out.
fn shifted(whole: &str, fraction: &str, exponent: usize) -> Option<String> {
    let (inner, rest) = fraction.split_at_checked(exponent)?;
    rest.bytes().all(|byte| byte == b'0').then(|| format!("{whole}{inner}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_an_id_has_one_key() {
        let spellings = [
            "1008350",
            "1008350.0",
            "1008350.00",
            "'1008350",
            "1,008,350",
            "\"1,008,350\"",
            "１００８３５０",
            " 1008350 ",
            "\u{3000}1008350",
            "\u{feff}1008350",
            "1008350\u{a0}",
            "=\"1008350\"",
            "01008350",
            "1.008350E+06",
            "1.0083500e6",
            "'01008350",
            "\u{200b}1008350",
        ];
        for spelling in spellings {
            assert_eq!(key(spelling), "1008350", "{spelling:?}");
            assert!(!is_rounded(spelling), "{spelling:?}");
        }
        assert_eq!(key("Ａbc-1"), "abc-1");
        assert_eq!(key("'-Nx1"), "-nx1");
        assert_eq!(key("000"), "0");
    }

    #[test]
    fn what_means_something_else_has_another_key() {
        let others =
            ["10083500", "1008350.5", "1.00835E+06", "1008,350", "1,0083,50", "100835O", "user1008350@example.jp"];
        for other in others {
            assert_ne!(key(other), "1008350", "{other:?}");
        }
        assert_ne!(key("-7"), key("7"));
        assert_ne!(key("1e5"), key("100000"), "hexadecimal ids look so");
    }

    #[test]
    fn a_number_that_lost_digits_is_seen() {
        assert!(is_rounded("1.23457E+11"));
        assert!(is_rounded("'1.00835e+06"));
        assert!(is_rounded("１.２E+７"));
        assert!(!is_rounded("1e5"));
        assert!(!is_rounded("abc"));
    }

    #[test]
    fn a_code_looks_like_a_listed_one_that_differs_in_spelling_only() {
        let listed = ["F", "M", "01", "13"];
        assert_eq!(looks_like("f", listed), Some("F"));
        assert_eq!(looks_like("Ｍ", listed), Some("M"));
        assert_eq!(looks_like("1", listed), Some("01"));
        assert_eq!(looks_like("1.0", listed), Some("01"));
        assert_eq!(looks_like(" 13 ", listed), Some("13"));
        assert_eq!(looks_like("F", listed), None);
        assert_eq!(looks_like("x", listed), None);
    }
}
