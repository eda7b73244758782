//! Mistakes of the person who asks: each quotes the word and says what would work.

use crate::catalog::Field;

/// A mistake of the person who asks: it quotes the word and says what would work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    #[error("`{word}` is not one of my words. I know: {}.{}", accepted.join(", "), hint(nearest.as_deref()))]
    UnknownKey { word: String, accepted: Vec<String>, nearest: Option<String> },
    #[error("`{value}` is no {} I know. Accepted: {}.{}", field.key(), shorten(accepted), hint(nearest.as_deref()))]
    UnknownValue { field: Field, value: String, accepted: Vec<String>, nearest: Option<String> },
    #[error("{} is missing.", field.key())]
    Missing { field: Field },
    #[error("`{word}` has no value. Write it as {word}=…")]
    NoValue { word: String },
    #[error("`{word}` is given twice.")]
    Twice { word: String },
    #[error("A quotation mark is not closed.")]
    OpenQuote,
    #[error("`{text}` can be read in two ways: `{one}` or `{other}`. Write the one you mean.")]
    TwoReadings { field: Field, text: String, one: String, other: String },
    #[error("The age must be from low to high, and {from} is above {to}.")]
    AgeOrder { from: u8, to: u8 },
    #[error("`{value}` is no age I can use. Ages go from {min} to {max}, such as 25-39.")]
    AgeValue { value: String, min: u8, max: u8 },
    #[error("`{value}` is no size I can use. Give {min} to {max} people, or a share such as 5%.")]
    SizeValue { value: String, min: u64, max: u64 },
    #[error("`{value}` is no control group I can use. Give a share of 0% to {max}%.")]
    ControlValue { value: String, max: u8 },
    #[error("`{value}` is no earlier segment I know. Give the number of one of yours that is finished, such as 128.")]
    SegmentValue { value: String },
    #[error("The campaign name has {chars} characters; at most {max} fit.")]
    NameLength { chars: usize, max: usize },
}

fn hint(nearest: Option<&str>) -> String {
    nearest.map(|word| format!(" Did you mean `{word}`?")).unwrap_or_default()
}

/// At most a dozen accepted values, and how many more there are.
fn shorten(accepted: &[String]) -> String {
    let shown = accepted.iter().take(12).cloned().collect::<Vec<_>>().join(", ");
    match accepted.len().saturating_sub(12) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

impl Problem {
    /// The input that it belongs to; `None` for mistakes in typed text as a whole.
    pub fn field(&self) -> Option<Field> {
        match self {
            Self::UnknownValue { field, .. } | Self::Missing { field } | Self::TwoReadings { field, .. } => {
                Some(field.clone())
            }
            Self::AgeOrder { .. } | Self::AgeValue { .. } => Some(Field::Age),
            Self::SizeValue { .. } => Some(Field::Size),
            Self::SegmentValue { .. } => Some(Field::Without),
            Self::ControlValue { .. } => Some(Field::Control),
            Self::NameLength { .. } => Some(Field::Name),
            Self::UnknownKey { .. } | Self::NoValue { .. } | Self::Twice { .. } | Self::OpenQuote => None,
        }
    }
}
