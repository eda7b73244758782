//! Numbers as both languages write them: groups of three digits, a point for decimals.

use fluent_bundle::{FluentValue, types::FluentNumber};

/// Fluent's formatter: a number gets thousands separators, everything else stays.
pub(super) fn format<M>(value: &FluentValue<'_>, _: &M) -> Option<String> {
    match value {
        FluentValue::Number(number) => Some(number_text(number)),
        _ => None,
    }
}

fn number_text(number: &FluentNumber) -> String {
    let text = number.as_string();
    let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_ref()), |digits| ("-", digits));
    let (whole, decimals) = digits.split_once('.').map_or((digits, None), |(whole, decimals)| (whole, Some(decimals)));
    let decimals = decimals.map(|decimals| format!(".{decimals}")).unwrap_or_default();
    format!("{sign}{}{decimals}", separated(whole))
}

/// `1234567` as `1,234,567`.
pub fn grouped(number: u64) -> String {
    separated(&number.to_string())
}

/// A number with exactly so many decimals, separators included.
pub fn fixed(number: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", number.abs());
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let sign = if number < 0.0 && text.contains(|c| matches!(c, '1'..='9')) { "−" } else { "" };
    format!("{sign}{}{rest}", separated(whole))
}

/// A share from 0.0 to 1.0 in per cent, with one decimal below ten per cent.
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let decimals = usize::from(percent != 0.0 && percent < 9.95);
    format!("{}%", fixed(percent, decimals))
}

fn separated(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() * 4 / 3 + 1);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_keep_their_decimals() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(10_000_000), "10,000,000");
        assert_eq!(fixed(1260.4, 0), "1,260");
        assert_eq!(fixed(0.8149, 2), "0.81");
        assert_eq!(fixed(-0.001, 2), "0.00");
        assert_eq!(percent(0.6), "60%");
        assert_eq!(percent(0.0123), "1.2%");
        assert_eq!(percent(0.0), "0%");
    }
}
