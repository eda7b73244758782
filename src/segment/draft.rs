//! Conditions as a person gives them, typed or in the form, before they are checked.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    AgeRange, Conditions, EarlierSegment, Problem, SegmentFolder, Size, TypedLine,
    typed::{self, folded},
};
use crate::{
    catalog::{
        Attribute, AttributeId, AttributeValues, CONTROL_PERCENT_MAX, Catalog, Choice, Code, ExcludeConverted, Field,
        GenderId, ProductId, RegionCode,
    },
    nearest::nearest,
};

/// Characters that a campaign name may have.
const NAME_CHARS_MAX: usize = 80;

/// Unchecked conditions; `None` and empty mean that nothing was said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Draft {
    pub name: Option<String>,
    pub product: Option<String>,
    pub genders: Vec<String>,
    pub age_from: Option<String>,
    pub age_to: Option<String>,
    /// Region codes, region ids or area ids.
    pub regions: Vec<String>,
    /// By attribute, its choices.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<AttributeId, Vec<String>>,
    pub size: Option<String>,
    pub converted: Option<String>,
    /// Numbers of requests such as `128` or `#128`, or names of segments' folders.
    pub without: Vec<String>,
    pub control: Option<String>,
}

impl Draft {
    /// Reads a typed line of conditions, see [`TypedLine::draft`].
    pub fn from_text(catalog: &Catalog, text: &str) -> Result<Self, Problem> {
        TypedLine::read(text)?.draft(catalog)
    }

    /// Takes the value of a field as it was typed.
    pub(super) fn set(&mut self, field: &Field, value: &str) {
        let plain = || Some(typed::plain(value));
        match field {
            Field::Name => self.name = Some(value.to_owned()),
            Field::Product => self.product = plain(),
            Field::Gender => self.genders = typed::list(value),
            Field::Region => self.regions = typed::list(value),
            Field::Size => self.size = plain(),
            Field::Converted => self.converted = plain(),
            Field::Without => self.without = typed::list(value),
            Field::Control => self.control = plain(),
            Field::Age => self.set_age(value),
            Field::Attribute(id) => drop(self.attributes.insert(id.clone(), typed::list(value))),
        }
    }

    /// Takes a range of ages as people write it, such as `25-39`, `25〜39歳` or `30代`.
    pub fn set_age(&mut self, value: &str) {
        let (from, to) = match typed::refuse_listed_ages(value) {
            Ok(()) => typed::ages(value),
            // Told when the draft is checked.
            Err(_) => (value.to_owned(), value.to_owned()),
        };
        (self.age_from, self.age_to) = (Some(from), Some(to));
    }

    /// The ids of an attribute's choices that were given; what is none is left out.
    pub fn chosen(&self, attribute: &Attribute) -> Vec<String> {
        let words = self.attributes.get(&attribute.id).into_iter().flatten();
        words.filter_map(|word| choice(attribute, word).ok()).collect()
    }

    /// Every mistake in what was said; what was left out is none.
    pub fn problems(&self, catalog: &Catalog) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut note = |problem: Result<(), Problem>| problems.extend(problem.err());
        note(self.name().map(drop));
        note(self.product(catalog).map(drop));
        note(self.genders(catalog).map(drop));
        note(self.age(catalog).map(drop));
        note(self.regions(catalog).map(drop));
        note(self.attributes(catalog).map(drop));
        note(self.size(catalog).map(drop));
        note(self.converted().map(drop));
        problems
            .extend(self.without.iter().filter(|word| number(word).is_none()).filter_map(|word| folder(word).err()));
        problems.extend(self.control().err());
        problems
    }

    /// The numbers of earlier segments that were given; see [`Draft::check_knowing`].
    pub fn numbers(&self) -> BTreeSet<i64> {
        self.without.iter().filter_map(|word| number(word)).collect()
    }

    /// The checked conditions, or every mistake; product and size must be there. No number of an earlier segment is known.
    pub fn check(&self, catalog: &Catalog) -> Result<Conditions, Vec<Problem>> {
        self.check_knowing(catalog, &BTreeSet::new())
    }

    /// [`Draft::check`] where these `earlier` segments are known by their numbers.
    pub fn check_knowing(
        &self,
        catalog: &Catalog,
        earlier: &BTreeSet<EarlierSegment>,
    ) -> Result<Conditions, Vec<Problem>> {
        let mut problems = self.problems(catalog);
        let without = self.without(earlier);
        problems.extend(without.as_ref().err().filter(|problem| !self.problems(catalog).contains(problem)).cloned());
        let missing = [(Field::Product, self.product.is_none()), (Field::Size, self.size.is_none())];
        problems.extend(
            missing.into_iter().filter(|(_, is_missing)| *is_missing).map(|(field, _)| Problem::Missing { field }),
        );
        if !problems.is_empty() {
            return Err(problems);
        }
        self.checked(catalog, without).map_err(|problem| vec![problem])
    }

    fn checked(
        &self,
        catalog: &Catalog,
        without: Result<BTreeSet<EarlierSegment>, Problem>,
    ) -> Result<Conditions, Problem> {
        let product = self.product(catalog)?.ok_or(Problem::Missing { field: Field::Product })?;
        let usual = catalog.product(&product);
        let usual_converted = usual.map_or(ExcludeConverted::Never, |product| product.exclude_converted);
        let usual_control = usual.map_or(0, |product| product.control_percent);
        Ok(Conditions {
            name: self.name()?,
            genders: self.genders(catalog)?,
            age: self.age(catalog)?,
            regions: self.regions(catalog)?,
            attributes: self.attributes(catalog)?,
            size: self.size(catalog)?.ok_or(Problem::Missing { field: Field::Size })?,
            exclude_converted: self.converted()?.unwrap_or(usual_converted),
            exclude_segments: without?,
            control_percent: self.control()?.unwrap_or(usual_control),
            product,
        })
    }

    fn name(&self) -> Result<Option<String>, Problem> {
        let name = self.name.as_deref().map(str::trim).filter(|name| !name.is_empty());
        match name.map(|name| name.chars().count()) {
            Some(chars) if chars > NAME_CHARS_MAX => Err(Problem::NameLength { chars, max: NAME_CHARS_MAX }),
            _ => Ok(name.map(str::to_owned)),
        }
    }

    fn product(&self, catalog: &Catalog) -> Result<Option<ProductId>, Problem> {
        let Some(value) = &self.product else { return Ok(None) };
        let find = |value: &str| {
            let wanted = folded(value);
            catalog.products.iter().find(|product| {
                let words = [product.id.as_str(), &product.names.ja, &product.names.en];
                words.into_iter().chain(product.search.iter().map(String::as_str)).any(|word| folded(word) == wanted)
            })
        };
        if let Some(product) = find(value) {
            return Ok(Some(product.id.clone()));
        }
        if let [one, other] = typed::list(value).as_slice()
            && find(one).is_some()
            && find(other).is_some()
        {
            let reading = |product: &str| format!("product={product}");
            let (text, one, other) = (reading(value), reading(one), reading(other));
            return Err(Problem::TwoReadings { field: Field::Product, text, one, other });
        }
        Err(unknown_value(Field::Product, value, catalog.products.iter().map(|product| product.id.as_str())))
    }

    fn genders(&self, catalog: &Catalog) -> Result<BTreeSet<GenderId>, Problem> {
        let one = |value: &String| {
            let wanted = folded(value);
            let found = catalog.genders.iter().find(|gender| {
                let code = gender.code.as_deref().unwrap_or_default();
                [gender.id.as_str(), code, &gender.names.ja, &gender.names.en].iter().any(|word| folded(word) == wanted)
            });
            match found {
                Some(gender) => Ok(gender.id.clone()),
                None => {
                    Err(unknown_value(Field::Gender, value, catalog.genders.iter().map(|gender| gender.id.as_str())))
                }
            }
        };
        let chosen: BTreeSet<GenderId> = self.genders.iter().map(one).collect::<Result<_, _>>()?;
        // Every box ticked asks for everyone.
        Ok(if chosen.len() == catalog.genders.len() { BTreeSet::new() } else { chosen })
    }

    fn age(&self, catalog: &Catalog) -> Result<Option<AgeRange>, Problem> {
        let (min, max) = (catalog.age.min, catalog.age.max);
        let year = |value: &Option<String>, open_end: u8| match value {
            None => Ok(open_end),
            Some(text) => {
                let age = typed::plain(text).parse().ok().filter(|age| (min..=max).contains(age));
                age.ok_or_else(|| Problem::AgeValue { value: text.clone(), min, max })
            }
        };
        self.age_from.as_deref().map_or(Ok(()), typed::refuse_listed_ages)?;
        if self.age_from.is_none() && self.age_to.is_none() {
            return Ok(None);
        }
        let (from, to) = (year(&self.age_from, min)?, year(&self.age_to, max)?);
        if from > to {
            return Err(Problem::AgeOrder { from, to });
        }
        Ok(Some(AgeRange { from, to }))
    }

    fn regions(&self, catalog: &Catalog) -> Result<BTreeSet<RegionCode>, Problem> {
        let mut chosen = BTreeSet::new();
        for value in &self.regions {
            let wanted = folded(value);
            let is = |words: [&str; 4]| words.iter().any(|word| folded(word) == wanted);
            let area = catalog.areas.iter().find(|area| is([&area.id, &area.id, &area.names.ja, &area.names.en]));
            let region = catalog
                .regions
                .iter()
                .find(|region| is([region.code.as_str(), &region.id, &region.names.ja, &region.names.en]));
            match (region, area) {
                (Some(region), _) => drop(chosen.insert(region.code.clone())),
                (None, Some(area)) => chosen.extend(area.regions.iter().cloned()),
                (None, None) => {
                    let accepted = catalog.areas.iter().map(|area| area.id.as_str());
                    let accepted = accepted.chain(catalog.regions.iter().map(|region| region.id.as_str()));
                    return Err(unknown_value(Field::Region, value, accepted));
                }
            }
        }
        Ok(chosen)
    }

    fn attributes(&self, catalog: &Catalog) -> Result<BTreeMap<AttributeId, BTreeSet<String>>, Problem> {
        let chosen = self.attributes.iter().filter(|(_, values)| !values.is_empty());
        chosen
            .map(|(id, values)| {
                let attribute = catalog.attribute(id).filter(|attribute| attribute.is_condition);
                let attribute = attribute.ok_or_else(|| Problem::unknown_key(catalog, id.as_str()))?;
                let choices = values.iter().map(|value| choice(attribute, value)).collect::<Result<_, _>>()?;
                Ok((id.clone(), choices))
            })
            .collect()
    }

    fn size(&self, catalog: &Catalog) -> Result<Option<Size>, Problem> {
        let Some(value) = &self.size else { return Ok(None) };
        let (min, max) = (catalog.limits.smallest_segment, catalog.limits.largest_segment);
        let plain = typed::whole_number(Field::Size, value)?;
        let size = match plain.strip_suffix('%') {
            Some(percent) => percent.parse().ok().filter(|percent| (1..=100).contains(percent)).map(Size::Percent),
            None => plain.parse().ok().filter(|people| (min..=max).contains(people)).map(Size::People),
        };
        size.map(Some).ok_or_else(|| Problem::SizeValue { value: value.clone(), min, max })
    }

    fn converted(&self) -> Result<Option<ExcludeConverted>, Problem> {
        let Some(value) = &self.converted else { return Ok(None) };
        folded(value).replace('日', "d").parse().map(Some).map_err(|_| {
            let accepted: Vec<String> = ExcludeConverted::CHOICES.iter().map(ToString::to_string).collect();
            unknown_value(Field::Converted, value, accepted.iter().map(String::as_str))
        })
    }

    fn without(&self, earlier: &BTreeSet<EarlierSegment>) -> Result<BTreeSet<EarlierSegment>, Problem> {
        let one = |word: &String| match number(word) {
            Some(number) => earlier
                .iter()
                .find(|segment| segment.number == Some(number))
                .cloned()
                .ok_or_else(|| Problem::SegmentValue { value: word.clone() }),
            None => Ok(EarlierSegment { folder: folder(word)?, number: None }),
        };
        self.without.iter().map(one).collect()
    }

    fn control(&self) -> Result<Option<u8>, Problem> {
        let Some(value) = &self.control else { return Ok(None) };
        let percent = typed::plain(value).trim_end_matches('%').trim().parse().ok();
        let usable = percent.filter(|percent| *percent <= CONTROL_PERCENT_MAX);
        usable.map(Some).ok_or_else(|| Problem::ControlValue { value: value.clone(), max: CONTROL_PERCENT_MAX })
    }
}

/// The id of the choice that was typed by its id, its code in the data or one of its names.
fn choice(attribute: &Attribute, value: &str) -> Result<String, Problem> {
    let wanted = folded(value);
    let codes: &[Code] = match &attribute.values {
        AttributeValues::Codes(codes) => codes,
        AttributeValues::Numbers(_) => &[],
    };
    let by_code = || codes.iter().find(|code| folded(&code.code) == wanted).map(|code| &code.choice);
    let choices = attribute.choices();
    let named = |choice: &&&Choice| {
        [&choice.id, &choice.names.ja, &choice.names.en].into_iter().any(|word| folded(word) == wanted)
    };
    let found = choices.iter().find(named).copied().or_else(by_code);
    found.map(|choice| choice.id.clone()).ok_or_else(|| {
        let field = Field::Attribute(attribute.id.clone());
        unknown_value(field, value, choices.iter().map(|choice| choice.id.as_str()))
    })
}

/// The number of a request.
fn number(word: &str) -> Option<i64> {
    typed::plain(word).trim_start_matches('#').parse().ok()
}

fn folder(word: &str) -> Result<SegmentFolder, Problem> {
    SegmentFolder::try_from(word.to_owned()).map_err(|_| Problem::SegmentValue { value: word.to_owned() })
}

impl Problem {
    /// A key that no condition has.
    pub(super) fn unknown_key(catalog: &Catalog, word: &str) -> Self {
        let accepted: Vec<String> = Field::known(catalog).map(|field| field.key().to_owned()).collect();
        let nearest = nearest(word, accepted.iter().map(String::as_str)).map(str::to_owned);
        Self::UnknownKey { word: word.to_owned(), nearest, accepted }
    }
}

fn unknown_value<'a>(field: Field, value: &str, accepted: impl Iterator<Item = &'a str> + Clone) -> Problem {
    Problem::UnknownValue {
        field,
        value: value.to_owned(),
        nearest: nearest(value, accepted.clone()).map(str::to_owned),
        accepted: accepted.map(str::to_owned).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Catalog {
        Catalog::parse(include_str!("../demo/catalog.toml")).unwrap()
    }

    fn checked(text: &str) -> Result<String, String> {
        let catalog = sample();
        let draft = Draft::from_text(&catalog, text).map_err(|problem| problem.to_string())?;
        match draft.check(&catalog) {
            Ok(conditions) => Ok(conditions.to_string()),
            Err(problems) => Err(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")),
        }
    }

    #[test]
    fn typed_text_becomes_conditions_that_print_as_text_again() {
        let text = "product=skincare gender=f age=25-39 region=tokyo,27 size=5,000 name=\"Spring sale\"";
        let printed = checked(text).unwrap();
        insta::assert_snapshot!(printed, @r#"product=skincare gender=f age=25-39 region=13,27 size=5000 converted=90d control=0% name="Spring sale""#);
        assert_eq!(checked(&printed).unwrap(), printed);
    }

    #[test]
    fn areas_names_and_shares_are_understood() {
        insta::assert_snapshot!(checked("product=すきんけあ region=shikoku size=5% converted=ever gender=f,m,unknown").unwrap(),
            @"product=skincare region=36,37,38,39 size=5% converted=ever control=0%");
    }

    #[test]
    fn mistakes_quote_the_word_and_say_what_works() {
        insta::assert_snapshot!(checked("prodct=tea").unwrap_err(), @"`prodct` is not one of my words. I know: name, product, gender, age, region, size, converted, without, control. Did you mean `product`?");
        insta::assert_snapshot!(checked("product=skinkare size=500").unwrap_err(), @"`skinkare` is no product I know. Accepted: skincare, supplement, coffee, kimono. Did you mean `skincare`?");
        insta::assert_snapshot!(checked("product=coffee age=40-20 size=500").unwrap_err(), @"The age must be from low to high, and 40 is above 20.");
        insta::assert_snapshot!(checked("product=coffee age=9-20 size=5").unwrap_err(), @"`9` is no age I can use. Ages go from 15 to 84, such as 25-39. `5` is no size I can use. Give 100 to 1000000 people, or a share such as 5%.");
        insta::assert_snapshot!(checked("product=coffee size=500 control=60%").unwrap_err(), @"`60%` is no control group I can use. Give a share of 0% to 50%.");
        insta::assert_snapshot!(checked("gender=f").unwrap_err(), @"product is missing. size is missing.");
        insta::assert_snapshot!(checked("product=").unwrap_err(), @"`product` has no value. Write it as product=…");
        insta::assert_snapshot!(checked("name=\"open").unwrap_err(), @"A quotation mark is not closed.");
    }
}
