//! The segment against everyone eligible by age, gender and region; small groups are hidden.

use super::{eligible::Profiles, ranking::Candidate};
use crate::{
    catalog::{AgeBounds, Catalog, Names},
    segment::{Breakdown, Cell},
};

/// The groups of age, gender and region, in the order in which they are shown; the last of each is the unknown.
pub(super) struct Groups {
    ages: AgeBounds,
    labels: [Vec<Names>; 3],
    /// For each region of the catalog, its group: an area, or the region itself where it is in none.
    group_of_region: Vec<u16>,
}

/// People in each group.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Counts([Vec<u64>; 3]);

impl Counts {
    pub(super) fn count(&mut self, groups: [u16; 3]) {
        for (counts, group) in self.0.iter_mut().zip(groups) {
            counts[usize::from(group)] += 1;
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (mine, others) in self.0.iter_mut().zip(&other.0) {
            for (mine, other) in mine.iter_mut().zip(others) {
                *mine += other;
            }
        }
    }
}

impl Groups {
    pub(super) fn new(catalog: &Catalog) -> Self {
        let (group_of_region, regions) = region_groups(catalog);
        let genders = catalog.genders.iter().map(|gender| gender.names.clone());
        Self {
            ages: catalog.age,
            labels: [age_labels(catalog.age), genders.chain([unknown()]).collect(), regions],
            group_of_region,
        }
    }

    pub(super) fn no_counts(&self) -> Counts {
        Counts(self.labels.each_ref().map(|labels| vec![0; labels.len()]))
    }

    /// The groups of a person.
    pub(super) fn of(&self, profiles: &Profiles, row: usize) -> [u16; 3] {
        let last = |kind: usize| u16::try_from(self.labels[kind].len() - 1).expect("fewer than 65,536 groups");
        [
            profiles.age[row].map_or(last(0), |age| self.age_group(age)),
            profiles.gender[row].map_or(last(1), u16::from),
            profiles.region[row].map_or(last(2), |code| self.group_of_region[usize::from(code)]),
        ]
    }

    /// 0 below the bounds, then the bands, then above the bounds.
    fn age_group(&self, age: i16) -> u16 {
        let AgeBounds { min, max, step } = self.ages;
        let bands = u16::from((max - min) / step) + 1;
        match u16::try_from(age.saturating_sub(i16::from(min))) {
            Err(_) => 0,
            Ok(_) if age > i16::from(max) => bands + 1,
            Ok(years) => years / u16::from(step) + 1,
        }
    }
}

fn age_labels(bounds: AgeBounds) -> Vec<Names> {
    let AgeBounds { min, max, step } = bounds;
    let bands = (min..=max).step_by(usize::from(step)).map(|from| {
        let to = max.min(from.saturating_add(step - 1));
        Names::new(format!("{from}〜{to}歳"), format!("{from}–{to}"))
    });
    let below = Names::new(format!("{min}歳未満"), format!("under {min}"));
    let above = Names::new(format!("{max}歳超"), format!("over {max}"));
    [below].into_iter().chain(bands).chain([above, unknown()]).collect()
}

/// Each region's group, and the labels of the groups: areas, then regions that are in none, then unknown.
fn region_groups(catalog: &Catalog) -> (Vec<u16>, Vec<Names>) {
    let mut labels: Vec<Names> = catalog.areas.iter().map(|area| area.names.clone()).collect();
    let groups = catalog.regions.iter().map(|region| {
        let area = catalog.areas.iter().position(|area| area.regions.contains(&region.code));
        let group = area.unwrap_or_else(|| {
            labels.push(region.names.clone());
            labels.len() - 1
        });
        u16::try_from(group).expect("fewer than 65,536 regions")
    });
    let groups = groups.collect();
    labels.push(unknown());
    (groups, labels)
}

fn unknown() -> Names {
    Names::new("不明", "Unknown")
}

/// Shows the groups with anybody eligible; counts below the catalog's limit are hidden.
pub(super) fn compare<'c>(
    catalog: &Catalog,
    groups: &Groups,
    eligible: &Counts,
    delivered: impl Iterator<Item = &'c Candidate>,
) -> Breakdown {
    let mut segment = groups.no_counts();
    for person in delivered {
        segment.count(person.groups);
    }
    let [age, gender, region] = std::array::from_fn(|kind| {
        cells(&groups.labels[kind], &segment.0[kind], &eligible.0[kind], catalog.limits.hidden_cell)
    });
    Breakdown { age, gender, region }
}

fn cells(labels: &[Names], segment: &[u64], eligible: &[u64], hidden_below: u64) -> Vec<Cell> {
    let shown = |count: u64| (count >= hidden_below).then_some(count);
    let counts = segment.iter().zip(eligible);
    let groups = labels.iter().zip(counts).filter(|(_, (_, eligible))| **eligible > 0);
    groups
        .map(|(label, (segment, eligible))| Cell {
            label: label.clone(),
            segment: shown(*segment),
            eligible: shown(*eligible),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_age_has_a_band() {
        let catalog = Catalog::parse(include_str!("../demo/catalog.toml")).unwrap();
        let groups = Groups::new(&catalog);
        let label = |age| groups.labels[0][usize::from(groups.age_group(age))].en.as_str();
        let labels = [i16::MIN, 14, 15, 19, 20, 84, 85, 300].map(label);
        assert_eq!(labels, ["under 15", "under 15", "15–19", "15–19", "20–24", "80–84", "over 84", "over 84"]);
        assert_eq!(groups.labels[0][1].ja, "15〜19歳");
    }
}
