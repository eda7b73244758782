//! What the text of a cell says as a number or as yes and no: exactly, or nothing.

/// Why text is no amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AmountFault {
    NoNumber,
    /// It has digits below the smallest unit.
    TooFine,
    OutOfRange,
}

/// A whole number, also when it is written as `42.0` or `+42`, with spaces around it. Never rounded: `1e5` and `1,234` are none.
pub fn integer(text: &str) -> Option<i64> {
    let Decimal { negative, whole, fraction } = Decimal::parse(text)?;
    if !fraction.bytes().all(|digit| digit == b'0') {
        return None;
    }
    number(negative, whole, "")
}

/// A number, as [`integer`] but with decimals; as exact as a 64-bit float.
pub fn decimal(text: &str) -> Option<f64> {
    Decimal::parse(text)?;
    text.trim().parse().ok().filter(|number: &f64| number.is_finite())
}

/// An amount in units of `decimals` decimal places. Digits below are a float's noise if they round off by less than a
/// thousandth of a unit, as in `0.30000000000000004`.
pub fn minor_units(text: &str, decimals: u8) -> Result<i64, AmountFault> {
    let Decimal { negative, whole, fraction } = Decimal::parse(text).ok_or(AmountFault::NoNumber)?;
    let kept = fraction.len().min(usize::from(decimals));
    let (units, below) = fraction.split_at(kept);
    let padded = format!("{units:0<width$}", width = usize::from(decimals));
    let value = number(negative, whole, &padded).ok_or(AmountFault::OutOfRange)?;
    let below = below.trim_end_matches('0');
    if below.is_empty() || below.starts_with("000") {
        Ok(value)
    } else if below.starts_with("999") {
        value.checked_add(if negative { -1 } else { 1 }).ok_or(AmountFault::OutOfRange)
    } else {
        Err(AmountFault::TooFine)
    }
}

/// `true`, `false`, `1` and `0`, in any letters' case; nothing else, because a guess may be wrong.
pub fn flag(text: &str) -> Option<bool> {
    let text = text.trim();
    match integer(text) {
        Some(1) => Some(true),
        Some(0) => Some(false),
        None if text.eq_ignore_ascii_case("true") => Some(true),
        None if text.eq_ignore_ascii_case("false") => Some(false),
        Some(_) | None => None,
    }
}

/// A decimal number in its parts.
struct Decimal<'t> {
    negative: bool,
    /// Digits; at least one of `whole` and `fraction` has some.
    whole: &'t str,
    fraction: &'t str,
}

impl<'t> Decimal<'t> {
    fn parse(text: &'t str) -> Option<Self> {
        let text = text.trim();
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let is_number = digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty());
        is_number.then_some(Self { negative: text.starts_with('-'), whole, fraction })
    }
}

/// The digits of both, one after the other.
fn number(negative: bool, digits: &str, more: &str) -> Option<i64> {
    let sign = if negative { -1 } else { 1 };
    digits
        .bytes()
        .chain(more.bytes())
        .try_fold(0_i64, |value, digit| value.checked_mul(10)?.checked_add(sign * i64::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_exact_or_none() {
        for (text, value) in
            [(" 42 ", 42), ("42.0", 42), ("+5", 5), ("-0", 0), ("007", 7), ("9007199254740993", 9_007_199_254_740_993)]
        {
            assert_eq!(integer(text), Some(value), "{text}");
        }
        assert_eq!(integer("-9223372036854775808"), Some(i64::MIN));
        for text in
            ["1,234", "1e5", "42.5", "9223372036854775808", "", " ", ".", "-", "abc", "１２", "1 2", "0x1f", "--1"]
        {
            assert_eq!(integer(text), None, "{text}");
        }
    }

    #[test]
    fn amounts_never_go_through_floating_point() {
        for (text, decimals, value) in [
            ("12.34", 2, 1234),
            ("12.3", 2, 1230),
            ("12", 2, 1200),
            (".5", 2, 50),
            ("-0.01", 2, -1),
            ("12.3400", 2, 1234),
            ("90071992547409.93", 2, 9_007_199_254_740_993),
            ("0.30000000000000004", 2, 30),
            ("1.1499999999999999", 2, 115),
            ("-1.1499999999999999", 2, -115),
            ("980", 0, 980),
        ] {
            assert_eq!(minor_units(text, decimals), Ok(value), "{text}");
        }
        assert_eq!(minor_units("12.345", 2), Err(AmountFault::TooFine));
        assert_eq!(minor_units("0.5", 0), Err(AmountFault::TooFine));
        assert_eq!(minor_units("1e5", 0), Err(AmountFault::NoNumber));
        assert_eq!(minor_units("¥100", 0), Err(AmountFault::NoNumber));
        assert_eq!(minor_units("92233720368547758.08", 2), Err(AmountFault::OutOfRange));
    }

    #[test]
    fn flags_are_not_guessed() {
        assert_eq!([" TRUE ", "1", "1.0"].map(flag), [Some(true); 3]);
        assert_eq!(["False", "0", "0.0"].map(flag), [Some(false); 3]);
        assert_eq!(["Y", "n", "yes", "t", "2", "-1", "", "on", "○"].map(flag), [None; 9]);
    }
}
