//! Everybody of `users` once, sorted by id, so many at a time; people who do not fit into memory together are first
//! divided into temporary files by ranges of ids.

use std::{fs::File, num::NonZeroUsize, path::PathBuf, vec::IntoIter};

use polars::prelude::*;

use super::{Users, blocking, collect_now, for_each_batch};
use crate::{contracts::columns, lake::LakeError};

/// Ids that are looked at to divide people into ranges of about the same length.
const SAMPLED_A_RANGE: usize = 256;

/// How many rows `users` has, and how many were left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UsersCounts {
    pub rows: u64,
    pub null_id: u64,
    /// Of people who registered after the snapshot's day.
    pub later: u64,
    /// Further rows of an id that was there already; known once everybody was taken.
    pub duplicate_id: u64,
}

/// Everybody once, sorted by id. Of rows with the same id the one counts that is opted out, then the one with the smallest
/// age, gender, region and attributes: no rule of the file's order, so the order of files changes nothing.
pub struct People {
    ranges: IntoIter<Range>,
    /// Sorted, each once; who comes next.
    ready: DataFrame,
    counts: UsersCounts,
    /// Removed at the end.
    _folder: Option<tempfile::TempDir>,
}

/// The rows of some range of ids; every id of one range is smaller than those of the next.
enum Range {
    Held(DataFrame),
    Stored(PathBuf),
}

/// The first id of every range but the first, ascending.
enum Bounds {
    Integer(Vec<i64>),
    Text(Vec<String>),
}

impl Users {
    /// Everybody, with about `together` rows in memory at most: all rows of one id are always in memory together.
    pub async fn people(self, together: NonZeroUsize) -> Result<People, LakeError> {
        blocking(move || {
            let count = |frame: LazyFrame| {
                first_u64(&collect_now(frame.select([len().cast(DataType::UInt64)]))?).map_err(LakeError::from)
            };
            let found = count(self.frame.clone())?;
            if found != self.rows {
                let (table, files, rows) = ("users".to_owned(), self.files, self.rows);
                return Err(LakeError::RowsLost { table, files, rows, found });
            }
            let (frame, there) = match self.there {
                Some(frame) => (frame.clone(), count(frame)?),
                None => (self.frame, found),
            };
            let together = u64::try_from(together.get()).unwrap_or(u64::MAX);
            let people = if there > together { People::divided(&frame, there, together) } else { People::held(frame) };
            let mut people = people?;
            (people.counts.rows, people.counts.later) = (found, found - there);
            Ok(people)
        })
        .await
    }
}

impl People {
    fn held(frame: LazyFrame) -> Result<Self, LakeError> {
        let rows = collect_now(frame)?;
        let null_id = rows.column(columns::USER_ID)?.null_count() as u64;
        let counts = UsersCounts { rows: rows.height() as u64, null_id, ..UsersCounts::default() };
        let ready = rows.clear();
        Ok(Self { ranges: vec![Range::Held(rows)].into_iter(), ready, counts, _folder: None })
    }

    /// Ranges are so short that one of them and what was left of the one before fit into `together`.
    fn divided(frame: &LazyFrame, rows: u64, together: u64) -> Result<Self, LakeError> {
        let ranges = usize::try_from(rows.div_ceil((together / 4).max(1))).unwrap_or(usize::MAX);
        let batch = NonZeroUsize::new(usize::try_from(together / 4).unwrap_or(usize::MAX)).unwrap_or(NonZeroUsize::MIN);
        let bounds = Bounds::sampled(frame, rows, (ranges, batch))?;
        let folder = tempfile::tempdir().map_err(LakeError::io(&std::env::temp_dir()))?;
        let paths: Vec<PathBuf> =
            (0..=bounds.len()).map(|range| folder.path().join(format!("{range}.parquet"))).collect();
        let schema = frame.clone().collect_schema()?;
        let writers = paths.iter().map(|path| {
            let file = File::create(path).map_err(LakeError::io(path))?;
            Ok(ParquetWriter::new(file).with_compression(ParquetCompression::Uncompressed).batched(&schema)?)
        });
        let mut writers = writers.collect::<Result<Vec<_>, LakeError>>()?;
        let mut counts = UsersCounts { rows, ..UsersCounts::default() };
        for_each_batch(frame.clone(), batch, |rows| {
            counts.null_id += rows.column(columns::USER_ID)?.null_count() as u64;
            for (range, at) in bounds.divide(rows.column(columns::USER_ID)?)?.into_iter().enumerate() {
                let mut rows = rows.take(&IdxCa::from_vec(PlSmallStr::EMPTY, at))?;
                writers[range].write_batch(rows.rechunk_mut())?;
            }
            Ok::<_, LakeError>(())
        })?;
        for writer in writers {
            writer.finish()?;
        }
        let ranges: Vec<Range> = paths.into_iter().map(Range::Stored).collect();
        Ok(Self {
            ranges: ranges.into_iter(),
            ready: DataFrame::empty_with_schema(&schema),
            counts,
            _folder: Some(folder),
        })
    }

    /// The next `count` people, fewer at the end: `user_id, age, gender, region, opted_out` and the attributes. Blocks.
    pub fn next(&mut self, count: usize) -> Result<DataFrame, LakeError> {
        while self.ready.height() < count {
            let Some(range) = self.ranges.next() else { break };
            let rows = range.read()?;
            let present = rows.height() - rows.column(columns::USER_ID)?.null_count();
            let people = each_once(rows)?;
            self.counts.duplicate_id += (present - people.height()) as u64;
            self.ready.vstack_mut_owned(people)?;
        }
        let mut next = self.ready.head(Some(count));
        next.rechunk_mut();
        let rest = i64::try_from(next.height()).expect("row counts fit 63 bits");
        self.ready = self.ready.slice(rest, self.ready.height());
        Ok(next)
    }

    /// How many rows there are; what was left out is known for those who were taken.
    pub fn counts(&self) -> UsersCounts {
        self.counts
    }
}

impl Range {
    fn read(self) -> Result<DataFrame, LakeError> {
        match self {
            Self::Held(rows) => Ok(rows),
            Self::Stored(path) => Ok(ParquetReader::new(File::open(&path).map_err(LakeError::io(&path))?).finish()?),
        }
    }
}

impl Bounds {
    /// Bounds between so many ranges of about the same length.
    fn sampled(frame: &LazyFrame, rows: u64, (ranges, batch): (usize, NonZeroUsize)) -> Result<Self, LakeError> {
        let every = usize::try_from(rows).unwrap_or(usize::MAX) / ranges.saturating_mul(SAMPLED_A_RANGE);
        let mut sampled: Option<Column> = None;
        for_each_batch(frame.clone().select([col(columns::USER_ID)]), batch, |ids| {
            let some = ids.column(columns::USER_ID)?.gather_every(every.max(1), 0)?;
            match &mut sampled {
                Some(all) => drop(all.append_owned(some)?),
                None => sampled = Some(some),
            }
            Ok::<_, LakeError>(())
        })?;
        let Some(sampled) = sampled else { return Ok(Self::Integer(Vec::new())) };
        let sorted = sampled.drop_nulls().sort(SortOptions::default())?;
        let at = |range: usize| range * sorted.len() / ranges;
        let inner = (1..ranges).map(at);
        Ok(match sorted.dtype() {
            DataType::Int64 => Self::Integer(inner.filter_map(|at| sorted.i64().ok()?.get(at)).collect()),
            _ => Self::Text(inner.filter_map(|at| sorted.str().ok()?.get(at).map(str::to_owned)).collect()),
        })
    }

    fn len(&self) -> usize {
        match self {
            Self::Integer(bounds) => bounds.len(),
            Self::Text(bounds) => bounds.len(),
        }
    }

    /// By range, the positions of its ids; those of no id are left out.
    fn divide(&self, ids: &Column) -> PolarsResult<Vec<Vec<IdxSize>>> {
        let mut divided = vec![Vec::new(); self.len() + 1];
        let mut add = |range: Option<usize>, at: IdxSize| {
            if let Some(range) = range {
                divided[range].push(at);
            }
        };
        match self {
            Self::Integer(bounds) => ids.i64()?.iter().zip(0..).for_each(|(id, at)| {
                add(id.map(|id| bounds.partition_point(|bound| *bound <= id)), at);
            }),
            Self::Text(bounds) => ids.str()?.iter().zip(0..).for_each(|(id, at)| {
                add(id.map(|id| bounds.partition_point(|bound| bound.as_str() <= id)), at);
            }),
        }
        Ok(divided)
    }
}

fn each_once(rows: DataFrame) -> PolarsResult<DataFrame> {
    let others = rows
        .get_column_names()
        .into_iter()
        .filter(|name| ![columns::USER_ID, columns::OPTED_OUT].contains(&name.as_str()));
    let order: Vec<String> = [columns::USER_ID, columns::OPTED_OUT]
        .into_iter()
        .map(str::to_owned)
        .chain(others.map(ToString::to_string))
        .collect();
    let options = SortMultipleOptions::default()
        .with_order_descending_multi(order.iter().map(|name| name == columns::OPTED_OUT))
        .with_nulls_last_multi(order.iter().map(|name| name != columns::USER_ID));
    let sorted = rows.sort(order, options)?;
    drop(rows);
    let id = sorted.column(columns::USER_ID)?.as_materialized_series().clone();
    let first = id.not_equal_missing(&id.shift(1))? & id.is_not_null();
    if first.all() { Ok(sorted) } else { sorted.filter(&first) }
}

fn first_u64(counted: &DataFrame) -> PolarsResult<u64> {
    Ok(counted.columns()[0].u64()?.get(0).unwrap_or_default())
}
