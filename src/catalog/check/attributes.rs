//! Attributes: their ids are free, and their choices are all codes or all bands of numbers.

use std::ops::Range;

use toml::Spanned;

use super::{CatalogProblem, Checker};
use crate::{
    catalog::{
        Attribute, AttributeId, AttributeValues, Band, Choice, Code, FeatureDecl, Field, Names,
        raw::{RawAttribute, RawChoice},
    },
    contracts::columns,
};

/// The options of a Slack menu.
const CHOICES_MAX: usize = 100;
/// People are counted by every combination of what can be asked for.
const CONDITIONS_MAX: usize = 3;
/// Columns of a snapshot that people's attributes cannot be called after.
const TAKEN: [&str; 6] = [
    columns::USER_ID,
    columns::OPTED_OUT,
    columns::HAS_EVENTS,
    columns::BIRTH,
    columns::REGISTERED,
    columns::CONVERTED_ON,
];

impl Checker<'_> {
    pub(super) fn attributes(
        &self,
        raw: Vec<RawAttribute>,
        features: &[FeatureDecl],
    ) -> Result<Vec<Attribute>, CatalogProblem> {
        self.unique("attribute", raw.iter().map(|attribute| &attribute.id))?;
        let asked_for = raw.iter().filter(|attribute| attribute.condition);
        if let Some(fourth) = asked_for.clone().nth(CONDITIONS_MAX) {
            return self.fail(
                fourth.id.span(),
                format!("at most {CONDITIONS_MAX} attributes may be conditions; leave `condition` out of the others"),
            );
        }
        raw.into_iter().map(|attribute| self.attribute(attribute, features)).collect()
    }

    fn attribute(&self, raw: RawAttribute, features: &[FeatureDecl]) -> Result<Attribute, CatalogProblem> {
        self.name_shape(&raw.id)?;
        let id = raw.id.get_ref();
        let is_key = Field::ALL.iter().any(|field| field.key() == id);
        if is_key || TAKEN.contains(&id.as_str()) || features.iter().any(|feature| feature.name == *id) {
            return self
                .fail(raw.id.span(), format!("`{id}` is taken by a condition, a column or a feature; rename it"));
        }
        if raw.condition && raw.choices.get_ref().is_empty() {
            return self
                .fail(raw.id.span(), "an attribute that is a condition needs `choices`, which planners choose from");
        }
        if !(raw.condition || raw.feature) {
            return self
                .fail(raw.id.span(), "with `feature = false` and no `condition = true` nothing uses this; remove it");
        }
        let values = self.values(raw.choices)?;
        let id = raw.id.into_inner();
        Ok(Attribute {
            column: raw.column.unwrap_or_else(|| id.clone()),
            id: AttributeId::new(id),
            names: Names::new(raw.ja, raw.en),
            values,
            is_feature: raw.feature,
            is_condition: raw.condition,
        })
    }

    fn values(&self, raw: Spanned<Vec<RawChoice>>) -> Result<AttributeValues, CatalogProblem> {
        let span = raw.span();
        let raw = raw.into_inner();
        if raw.len() > CHOICES_MAX {
            return self.fail(span, format!("at most {CHOICES_MAX} choices fit a Slack menu; merge some"));
        }
        self.unique("choice", raw.iter().map(|choice| &choice.id))?;
        if raw.iter().any(|choice| choice.code.is_some()) {
            return self.codes(raw).map(AttributeValues::Codes);
        }
        self.bands(raw).map(AttributeValues::Numbers)
    }

    fn codes(&self, raw: Vec<RawChoice>) -> Result<Vec<Code>, CatalogProblem> {
        let mut codes: Vec<Code> = Vec::new();
        for choice in raw {
            let (span, is_band) = (choice.id.span(), choice.from.is_some() || choice.below.is_some());
            match choice.code.clone() {
                Some(code) if !is_band => {
                    if codes.iter().any(|other| other.code == code) {
                        return self.fail(span, format!("two choices have the code `{code}`"));
                    }
                    codes.push(Code { choice: self.choice(choice)?, code });
                }
                _ => return self.fail(span, "choices are either all codes (`code`) or all numbers (`from`, `below`)"),
            }
        }
        Ok(codes)
    }

    fn bands(&self, raw: Vec<RawChoice>) -> Result<Vec<Band>, CatalogProblem> {
        let mut bands: Vec<(Band, Range<usize>)> = Vec::new();
        for choice in raw {
            let (span, from, below) = (choice.id.span(), choice.from, choice.below);
            let is_empty = from.is_some_and(|from| below.is_some_and(|below| from >= below));
            let is_finite = [from, below].into_iter().flatten().all(f64::is_finite);
            if is_empty || !is_finite || (from.is_none() && below.is_none()) {
                return self.fail(
                    span,
                    "a choice has the data's `code`, or a number `from` that is below the number `below`; one of the two may be left out",
                );
            }
            bands.push((Band { choice: self.choice(choice)?, from, below }, span));
        }
        let overlap = bands.windows(2).find(|pair| match (pair[0].0.below, pair[1].0.from) {
            (Some(below), Some(from)) => from < below,
            _ => true,
        });
        match overlap {
            Some(pair) => self.fail(
                pair[1].1.clone(),
                "the numbers of choices ascend and do not overlap: each `from` is at least the `below` of the one before",
            ),
            None => Ok(bands.into_iter().map(|(band, _)| band).collect()),
        }
    }

    fn choice(&self, raw: RawChoice) -> Result<Choice, CatalogProblem> {
        self.name_shape(&raw.id)?;
        Ok(Choice { id: raw.id.into_inner(), names: Names::new(raw.ja, raw.en) })
    }
}

#[cfg(test)]
mod tests {
    use crate::catalog::Catalog;

    fn problem(attribute: &str) -> String {
        let text = format!(
            "{}\n[[attributes]]\nja = \"ランク\"\nen = \"rank\"\n{attribute}",
            include_str!("../../demo/catalog.toml")
        );
        let problem = Catalog::parse(&text).map(|_| ()).unwrap_err().to_string();
        problem.split_once(": ").unwrap().1.to_owned()
    }

    #[test]
    fn what_cannot_be_asked_for_is_refused() {
        let (gold, silver) =
            ("id = \"gold\", ja = \"金\", en = \"Gold\"", "id = \"silver\", ja = \"銀\", en = \"Silver\"");
        insta::assert_snapshot!(problem("id = \"gender\""), @"`gender` is taken by a condition, a column or a feature; rename it");
        insta::assert_snapshot!(problem("id = \"views\""), @"`views` is taken by a condition, a column or a feature; rename it");
        insta::assert_snapshot!(problem("id = \"rank\"\ncondition = true"), @"an attribute that is a condition needs `choices`, which planners choose from");
        insta::assert_snapshot!(problem("id = \"rank\"\nfeature = false"), @"with `feature = false` and no `condition = true` nothing uses this; remove it");
        let choices =
            |a: &str, b: &str| problem(&format!("id = \"rank\"\nchoices = [{{ {gold}, {a} }}, {{ {silver}, {b} }}]"));
        insta::assert_snapshot!(choices("code = \"1\"", "from = 2"), @"choices are either all codes (`code`) or all numbers (`from`, `below`)");
        insta::assert_snapshot!(choices("code = \"1\"", "code = \"1\""), @"two choices have the code `1`");
        insta::assert_snapshot!(choices("below = 5", "from = 4"), @"the numbers of choices ascend and do not overlap: each `from` is at least the `below` of the one before");
        insta::assert_snapshot!(choices("from = 5, below = 5", "from = 5"), @"a choice has the data's `code`, or a number `from` that is below the number `below`; one of the two may be left out");
    }
}
