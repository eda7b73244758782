//! The first pass: who meets the conditions, has not opted out and has not converted before.

use std::collections::BTreeSet;

use chrono::{NaiveDate, TimeDelta};
use polars::prelude::{BooleanChunked, Column, DataFrame, DataType, NewChunkedArray, PlSmallStr};
use rayon::prelude::*;

use super::{
    AudienceError, Progress, Query,
    breakdown::{Counts, Groups},
    ids::Ids,
    left_out::Lists,
    parts::{Bounds, Piece},
};
use crate::{
    catalog::{AttributeId, Catalog, ExcludeConverted, Gender},
    contracts::columns,
    features::{choices, gender_codes, region_codes, wrong_type},
    segment::{AgeRange, Conditions, Waterfall},
};

/// The columns that say who a person is.
pub(super) const PROFILE: [&str; 3] = [columns::AGE, columns::GENDER, columns::REGION];

/// Who is eligible.
pub(super) struct Eligible {
    /// `delivered` is still 0.
    pub(super) waterfall: Waterfall,
    /// The pieces with anybody eligible, in order.
    pub(super) pieces: Vec<EligiblePiece>,
    pub(super) groups: Groups,
    /// Eligible people by group.
    pub(super) counts: Counts,
}

/// A piece and which of its rows are eligible.
pub(super) struct EligiblePiece {
    pub(super) piece: Piece,
    pub(super) mask: BooleanChunked,
}

/// Age, gender, region and attributes of some people, as the catalog codes them.
#[derive(Debug)]
pub(super) struct Profiles {
    pub(super) age: Vec<Option<i16>>,
    /// Place in the catalog's genders.
    pub(super) gender: Vec<Option<u8>>,
    /// Place in the catalog's regions.
    pub(super) region: Vec<Option<u16>>,
    /// For each attribute of the catalog, places among its choices; none where the column was not read.
    attributes: Vec<Vec<Option<u8>>>,
}

impl Profiles {
    pub(super) fn of(frame: &DataFrame, catalog: &Catalog) -> Result<Self, AudienceError> {
        let age = frame.column(columns::AGE)?;
        if !(age.dtype().is_integer() || *age.dtype() == DataType::Null) {
            return Err(wrong_type(age, "whole years").into());
        }
        Ok(Self {
            age: age.cast(&DataType::Int16)?.i16()?.iter().collect(),
            gender: gender_codes(frame.column(columns::GENDER)?, catalog)?,
            region: region_codes(frame.column(columns::REGION)?, catalog)?,
            attributes: catalog
                .attributes
                .iter()
                .map(|attribute| {
                    let column = frame.column(attribute.id.as_str()).ok().filter(|_| attribute.is_condition);
                    column.map_or_else(|| Ok(Vec::new()), |column| choices(column, attribute))
                })
                .collect::<Result<_, _>>()?,
        })
    }

    pub(super) fn len(&self) -> usize {
        self.age.len()
    }
}

/// Goes through the whole snapshot, reading only the columns that decide.
pub(super) fn find(query: &Query<'_>, snapshot: &[Piece], progress: &Progress<'_>) -> Result<Eligible, AudienceError> {
    let lists = Some(query.left_out).filter(|left_out| !left_out.is_empty()).map(Lists::of);
    let filter = Eligibility::new(query.catalog, query.conditions, query.as_of, lists);
    let columns = filter.columns();
    let people: usize = snapshot.iter().map(|piece| piece.rows).sum();
    let groups = Groups::new(query.catalog);
    let mut eligible =
        Eligible { waterfall: Waterfall::default(), pieces: Vec::new(), counts: groups.no_counts(), groups };
    for wave in snapshot.chunks(rayon::current_num_threads()) {
        if !progress(0, people as u64) {
            return Err(AudienceError::Stopped);
        }
        let pass = |piece: &Piece| {
            if filter.profile.may_match(&piece.bounds) {
                filter.pass(&piece.read(&columns)?, query.catalog, &eligible.groups)
            } else {
                Ok(Passed::nobody(piece.rows, &eligible.groups))
            }
        };
        let passed: Vec<Result<Passed, AudienceError>> = wave.par_iter().map(pass).collect();
        for (piece, passed) in wave.iter().zip(passed) {
            eligible.add(piece, passed?);
        }
    }
    Ok(eligible)
}

impl Eligible {
    fn add(&mut self, piece: &Piece, passed: Passed) {
        let all = &mut self.waterfall;
        let Waterfall { people, matching, opted_out, suppressed, converted, in_earlier, eligible, .. } =
            passed.waterfall;
        all.people += people;
        all.matching += matching;
        all.opted_out += opted_out;
        all.suppressed += suppressed;
        all.converted += converted;
        all.in_earlier += in_earlier;
        all.eligible += eligible;
        self.counts.add(&passed.counts);
        if eligible > 0 {
            self.pieces.push(EligiblePiece { piece: piece.clone(), mask: passed.mask });
        }
    }
}

/// What became of the rows of one piece.
struct Passed {
    waterfall: Waterfall,
    mask: BooleanChunked,
    counts: Counts,
}

impl Passed {
    fn nobody(rows: usize, groups: &Groups) -> Self {
        let waterfall = Waterfall { people: rows as u64, ..Waterfall::default() };
        Self { waterfall, mask: BooleanChunked::from_slice(PlSmallStr::EMPTY, &[]), counts: groups.no_counts() }
    }
}

/// Conditions on who a person is, as codes.
pub(super) struct Filter {
    /// The chosen values of gender and region as the files have them; empty when the column decides nothing.
    gender_ids: Vec<String>,
    region_codes: Vec<String>,
    /// Whether each gender of the catalog may pass; empty when all may, unknown included.
    genders: Vec<bool>,
    unknown_gender: bool,
    age: Option<AgeRange>,
    /// Whether each region of the catalog may pass; empty when all may, unknown included.
    regions: Vec<bool>,
    /// Attributes that are asked for.
    attributes: Vec<Wanted>,
}

/// An attribute that is asked for.
struct Wanted {
    /// In the snapshot.
    column: String,
    /// Its place in the catalog; `None` where the catalog does not have it any more, and then nobody passes.
    place: Option<usize>,
    /// Whether each of its choices may pass.
    choices: Vec<bool>,
}

impl Wanted {
    fn new(catalog: &Catalog, id: &AttributeId, chosen: &BTreeSet<String>) -> Self {
        let place = catalog.attributes.iter().position(|attribute| attribute.id == *id && attribute.is_condition);
        let choices = place.map(|place| catalog.attributes[place].choices()).unwrap_or_default();
        let choices = choices.iter().map(|choice| chosen.contains(&choice.id)).collect();
        Self { column: id.to_string(), place, choices }
    }

    fn matches(&self, profiles: &Profiles, row: usize) -> bool {
        let choice = self.place.and_then(|place| *profiles.attributes[place].get(row)?);
        choice.is_some_and(|choice| self.choices[usize::from(choice)])
    }
}

/// All that decides who is eligible.
struct Eligibility {
    profile: Filter,
    /// The column with the day of the last conversion, and the last day that does not matter any more.
    converted: Option<(String, Option<NaiveDate>)>,
    /// `None` when nobody is left out by name.
    lists: Option<Lists>,
}

impl Filter {
    pub(super) fn of_profile(catalog: &Catalog, conditions: &Conditions) -> Self {
        let chosen = |gender: &&Gender| conditions.genders.contains(&gender.id);
        // Whoever asks for people of unknown gender also gets those whose gender the catalog does not list.
        let unknown_gender = catalog.genders.iter().filter(chosen).any(|gender| gender.code.is_none());
        let gender_ids = conditions.genders.iter().map(ToString::to_string).filter(|_| !unknown_gender).collect();
        Self {
            gender_ids,
            region_codes: conditions.regions.iter().map(ToString::to_string).collect(),
            genders: if conditions.genders.is_empty() {
                Vec::new()
            } else {
                catalog.genders.iter().map(|gender| chosen(&gender)).collect()
            },
            unknown_gender,
            age: conditions.age,
            regions: if conditions.regions.is_empty() {
                Vec::new()
            } else {
                catalog.regions.iter().map(|region| conditions.regions.contains(&region.code)).collect()
            },
            attributes: conditions.attributes.iter().map(|(id, chosen)| Wanted::new(catalog, id, chosen)).collect(),
        }
    }

    /// Whether anybody within these bounds may meet the conditions.
    fn may_match(&self, bounds: &Bounds) -> bool {
        let has_one = |chosen: &[String], bounds: &Option<(String, String)>| {
            let within = |(min, max): &(String, String)| chosen.iter().any(|one| (min..=max).contains(&one));
            chosen.is_empty() || bounds.as_ref().is_none_or(within)
        };
        let age = match (self.age, bounds.age) {
            (Some(AgeRange { from, to }), Some((youngest, oldest))) => {
                youngest <= i32::from(to) && i32::from(from) <= oldest
            }
            _ => true,
        };
        age && has_one(&self.gender_ids, &bounds.gender) && has_one(&self.region_codes, &bounds.region)
    }

    pub(super) fn matches(&self, profiles: &Profiles, row: usize) -> bool {
        let gender = self.genders.is_empty()
            || profiles.gender[row].map_or(self.unknown_gender, |code| self.genders[usize::from(code)]);
        let age = self.age.is_none_or(|AgeRange { from, to }| {
            profiles.age[row].is_some_and(|age| (i16::from(from)..=i16::from(to)).contains(&age))
        });
        let region =
            self.regions.is_empty() || profiles.region[row].is_some_and(|code| self.regions[usize::from(code)]);
        gender && age && region && self.attributes.iter().all(|wanted| wanted.matches(profiles, row))
    }
}

/// Whether each person of a frame meets the conditions, has not opted out and did not convert too recently, as of a day. Lists of
/// people who are left out by name are not looked at. The frame has the snapshot's columns that the conditions ask about.
pub fn eligible(
    frame: &DataFrame,
    catalog: &Catalog,
    conditions: &Conditions,
    as_of: NaiveDate,
) -> Result<Vec<bool>, AudienceError> {
    let filter = Eligibility::new(catalog, conditions, as_of, None);
    let passed = filter.pass(frame, catalog, &Groups::new(catalog))?;
    Ok(passed.mask.iter().map(|passed| passed == Some(true)).collect())
}

impl Eligibility {
    fn new(catalog: &Catalog, conditions: &Conditions, as_of: NaiveDate, lists: Option<Lists>) -> Self {
        let column = columns::converted_on(&conditions.product);
        Self {
            profile: Filter::of_profile(catalog, conditions),
            converted: match conditions.exclude_converted {
                ExcludeConverted::Never => None,
                ExcludeConverted::Ever => Some((column, None)),
                ExcludeConverted::Days(days) => Some((column, Some(as_of - TimeDelta::days(i64::from(days))))),
            },
            lists,
        }
    }

    fn columns(&self) -> BTreeSet<String> {
        let converted = self.converted.iter().map(|(column, _)| column.clone());
        let id = self.lists.iter().map(|_| columns::USER_ID.to_owned());
        let attributes = self.profile.attributes.iter().filter(|wanted| wanted.place.is_some());
        let attributes = attributes.map(|wanted| wanted.column.clone());
        let always = PROFILE.map(str::to_owned).into_iter().chain([columns::OPTED_OUT.to_owned()]);
        always.chain(attributes).chain(converted).chain(id).collect()
    }

    fn pass(&self, frame: &DataFrame, catalog: &Catalog, groups: &Groups) -> Result<Passed, AudienceError> {
        let profiles = Profiles::of(frame, catalog)?;
        let opted_out = opted_out(frame.column(columns::OPTED_OUT)?)?;
        let converted = self.converted_before(frame)?;
        let ids = self.lists.is_some().then(|| Ids::of(frame)).transpose()?;
        let listed = self.lists.as_ref().zip(ids.as_ref());
        let mut waterfall = Waterfall { people: profiles.len() as u64, ..Waterfall::default() };
        let mut counts = groups.no_counts();
        let mask: Vec<bool> = (0..profiles.len())
            .map(|row| {
                if !self.profile.matches(&profiles, row) {
                    return false;
                }
                waterfall.matching += 1;
                let reasons = [
                    (opted_out[row], &mut waterfall.opted_out),
                    (listed.is_some_and(|(lists, ids)| lists.suppressed.has(ids, row)), &mut waterfall.suppressed),
                    (converted[row], &mut waterfall.converted),
                    (listed.is_some_and(|(lists, ids)| lists.earlier.has(ids, row)), &mut waterfall.in_earlier),
                ];
                if let Some((_, count)) = reasons.into_iter().find(|(is_out, _)| *is_out) {
                    *count += 1;
                    return false;
                }
                waterfall.eligible += 1;
                counts.count(groups.of(&profiles, row));
                true
            })
            .collect();
        Ok(Passed { waterfall, mask: BooleanChunked::from_slice("eligible".into(), &mask), counts })
    }

    /// Whether each person converted too recently.
    fn converted_before(&self, frame: &DataFrame) -> Result<Vec<bool>, AudienceError> {
        let Some((column, long_ago)) = &self.converted else { return Ok(vec![false; frame.height()]) };
        let column = frame.column(column)?;
        if *column.dtype() == DataType::Null {
            return Ok(vec![false; frame.height()]);
        }
        if *column.dtype() != DataType::Date {
            return Err(wrong_type(column, "a date").into());
        }
        let long_ago = long_ago.map_or(i64::MIN, |day| day.signed_duration_since(NaiveDate::default()).num_days());
        let days = column.to_physical_repr();
        Ok(days.i32()?.iter().map(|day| day.is_some_and(|day| i64::from(day) > long_ago)).collect())
    }
}

/// Whether each person opted out; who is not known to be in is out.
pub(super) fn opted_out(column: &Column) -> Result<Vec<bool>, AudienceError> {
    if *column.dtype() != DataType::Boolean {
        return Err(wrong_type(column, "true or false").into());
    }
    Ok(column.bool()?.iter().map(|is_out| is_out.unwrap_or(true)).collect())
}
