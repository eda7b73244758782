//! The order of a part's rows: people whom conditions choose together lie together, so that readers skip row groups.

use polars::prelude::*;
use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::contracts::columns::{AGE, GENDER, REGION};

/// Which row of `people` (sorted by id) comes first, second and so on: by region, gender, age and id, missing ones last.
pub(super) fn locality(people: &DataFrame) -> PolarsResult<IdxCa> {
    let (regions, genders) = (ranks(people.column(REGION)?)?, ranks(people.column(GENDER)?)?);
    let ages = people.column(AGE)?.i16()?.iter().map(|age| age.map_or(i32::MAX, i32::from));
    let keys = regions.into_iter().zip(genders).zip(ages);
    let mut rows: Vec<(u32, u32, i32, IdxSize)> =
        keys.zip(0..).map(|(((region, gender), age), row)| (region, gender, age, row)).collect();
    rows.par_sort_unstable();
    Ok(IdxCa::from_vec(PlSmallStr::EMPTY, rows.into_iter().map(|(.., row)| row).collect()))
}

/// Each row's place among the column's different texts, ordered by their bytes; the last for none.
fn ranks(column: &Column) -> PolarsResult<Vec<u32>> {
    let mut numbers: FxHashMap<&str, u32> = FxHashMap::default();
    let texts = column.str()?;
    let met: Vec<Option<u32>> = texts
        .iter()
        .map(|text| {
            let next = u32::try_from(numbers.len()).expect("a part has at most a million rows");
            text.map(|text| *numbers.entry(text).or_insert(next))
        })
        .collect();
    let mut sorted: Vec<(&str, u32)> = numbers.into_iter().collect();
    sorted.sort_unstable();
    let mut ranks = vec![0; sorted.len()];
    for ((_, number), rank) in sorted.into_iter().zip(0..) {
        ranks[number as usize] = rank;
    }
    Ok(met.into_iter().map(|number| number.map_or(u32::MAX, |number| ranks[number as usize])).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_order_is_what_sorting_by_the_columns_gives(
            rows: Vec<(Option<u8>, Option<bool>, Option<i16>)>,
        ) {
            let ids: Vec<u32> = (0..u32::try_from(rows.len()).unwrap()).collect();
            let text = |text: u8| char::from(text).to_string();
            let people = df!(
                "user_id" => ids,
                REGION => rows.iter().map(|row| row.0.map(text)).collect::<Vec<_>>(),
                GENDER => rows.iter().map(|row| row.1.map(|f| if f { "f" } else { "m" })).collect::<Vec<_>>(),
                AGE => rows.iter().map(|row| row.2).collect::<Vec<_>>(),
            )
            .unwrap();
            let nulls_last = SortMultipleOptions::default().with_nulls_last(true);
            let sorted = people.sort([REGION, GENDER, AGE, "user_id"], nulls_last).unwrap();
            let ordered = people.take(&locality(&people).unwrap()).unwrap();
            prop_assert!(ordered.equals_missing(&sorted));
        }
    }
}
