//! What else is known of people: columns of `users` beside age, gender and region.

use super::{AttributeId, Names};

/// A column of `users` that says something of a person: a number, or one of some codes.
#[derive(Debug, Clone, PartialEq)]
pub struct Attribute {
    /// What people type, and the column of a snapshot.
    pub id: AttributeId,
    /// As the table calls it.
    pub column: String,
    pub names: Names,
    pub values: AttributeValues,
    /// Whether models learn from it.
    pub is_feature: bool,
    /// Whether planners may ask for some of its choices; then there are choices.
    pub is_condition: bool,
}

/// What an attribute's values are.
#[derive(Debug, Clone, PartialEq)]
pub enum AttributeValues {
    /// The data has one of these codes; what is not listed is unknown.
    Codes(Vec<Code>),
    /// The data has numbers. The bands, in ascending order, are what can be asked for; some numbers may be in none.
    Numbers(Vec<Band>),
}

/// One code of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    pub choice: Choice,
    /// The value in the data.
    pub code: String,
}

/// Numbers from one to below another; an end that is `None` is open.
#[derive(Debug, Clone, PartialEq)]
pub struct Band {
    pub choice: Choice,
    pub from: Option<f64>,
    pub below: Option<f64>,
}

/// What can be asked for: what people type, and its names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub id: String,
    pub names: Names,
}

impl Attribute {
    /// What can be asked for, in the catalog's order.
    pub fn choices(&self) -> Vec<&Choice> {
        match &self.values {
            AttributeValues::Codes(codes) => codes.iter().map(|code| &code.choice).collect(),
            AttributeValues::Numbers(bands) => bands.iter().map(|band| &band.choice).collect(),
        }
    }

    /// The choice with this id.
    pub fn choice(&self, id: &str) -> Option<&Choice> {
        self.choices().into_iter().find(|choice| choice.id == id)
    }
}

impl Band {
    /// Whether a number is in it.
    pub fn has(&self, number: f64) -> bool {
        self.from.is_none_or(|from| number >= from) && self.below.is_none_or(|below| number < below)
    }
}
