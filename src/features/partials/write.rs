//! Events become a file of partial aggregates: one row a person, day and cell, sorted by day and person.
//!
//! A person's rows: the id, how many cells, and for each cell its number, its events, for every measured column the
//! count of values and, where there are any, their sum, smallest and largest, and for every listed column its
//! different values.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufWriter, Write},
    path::Path,
};

use polars::prelude::*;
use rustc_hash::FxHashMap;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::{
    Columns,
    index::{Block, Cell, Index, Section},
    person::{Integer, Person, Text},
    varint::{put, put_signed},
};
use crate::{contracts::columns, features::FeaturesError, lake::tables::count_faults};

/// People a block: what is read too much at either end of a range, against the length of the index.
const BLOCK_PEOPLE: usize = 512;
/// Pairs of kind and category a file, at most: all of them, of every file, are in memory while a snapshot is made.
const CELLS_MAX: usize = 20_000;

/// A file under way.
pub(super) struct Writer<'w> {
    /// As messages name it.
    table: &'w str,
    columns: &'w Columns,
    file: BufWriter<File>,
    path: &'w Path,
    index: Index,
    cells: Cells,
    /// The bytes of the block under way.
    block: Vec<u8>,
    /// Of everything before.
    hash: Xxh3,
}

/// One event: sorting these brings together what is added up.
#[derive(PartialEq, Eq, PartialOrd, Ord, Clone, Copy)]
struct Row<R> {
    person: R,
    cell: u32,
    /// Its row in the frame.
    at: u32,
}

impl<'w> Writer<'w> {
    /// Begins a file at `path` for events of `table`.
    pub(super) fn new(table: &'w str, columns: &'w Columns, path: &'w Path) -> Result<Self, FeaturesError> {
        let file = BufWriter::new(File::create(path).map_err(FeaturesError::scratch(path))?);
        let (index, cells, hash) = (Index::default(), Cells::default(), Xxh3::new());
        Ok(Self { table, columns, file, path, index, cells, block: Vec::new(), hash })
    }

    /// Adds the events of a frame with canonical columns.
    pub(super) fn add(&mut self, frame: &DataFrame) -> Result<(), FeaturesError> {
        count_faults(frame, &mut self.index.amounts)?;
        let ids = frame.column(columns::USER_ID)?;
        match ids.dtype() {
            DataType::Int64 => self.add_rows::<Integer>(ids.i64()?.iter(), frame),
            _ => self.add_rows::<Text>(ids.str()?.iter(), frame),
        }
    }

    /// Says what was written, once it is on disk.
    pub(super) fn finish(mut self) -> Result<Index, FeaturesError> {
        self.file.flush().map_err(FeaturesError::scratch(self.path))?;
        self.index.cells = self.cells.all;
        self.index.rows_hash = format!("{:032x}", self.hash.digest128());
        Ok(self.index)
    }

    fn add_rows<'f, P: Person>(
        &mut self,
        ids: impl Iterator<Item = Option<P::Ref<'f>>>,
        frame: &'f DataFrame,
    ) -> Result<(), FeaturesError> {
        let cells = self.cells.of(frame)?;
        if self.cells.all.len() > CELLS_MAX {
            return Err(FeaturesError::TooManyCategories { table: self.table.to_owned(), most: CELLS_MAX });
        }
        let days = frame.column("day")?.to_physical_repr();
        let mut by_day: BTreeMap<i32, Vec<Row<P::Ref<'f>>>> = BTreeMap::new();
        for (((person, day), cell), at) in ids.zip(days.i32()?.iter()).zip(cells).zip(0..) {
            self.index.rows += 1;
            match (person, day) {
                (None, _) => self.index.null_user += 1,
                (Some(_), None) => self.index.null_time += 1,
                (Some(person), Some(day)) => by_day.entry(day).or_default().push(Row { person, cell, at }),
            }
        }
        let values = Values::of(frame, self.columns)?;
        for (day, mut rows) in by_day {
            rows.sort_unstable();
            self.section::<P>(day, &rows, &values)?;
        }
        Ok(())
    }

    fn section<'r, P: Person>(
        &mut self,
        day: i32,
        rows: &[Row<P::Ref<'r>>],
        values: &Values,
    ) -> Result<(), FeaturesError> {
        let mut events: BTreeMap<u32, u64> = BTreeMap::new();
        let (mut blocks, mut people) = (Vec::new(), 0);
        let least: P::Ref<'r> = P::least();
        let (mut before, mut base) = (least, least);
        for own in rows.chunk_by(|a, b| a.person == b.person) {
            if people == BLOCK_PEOPLE {
                blocks.push(self.end_block(P::owned(base))?);
                (people, base) = (0, before);
            }
            P::put(own[0].person, before, &mut self.block);
            (people, before) = (people + 1, own[0].person);
            let cells = own.chunk_by(|a, b| a.cell == b.cell);
            put(cells.clone().count() as u64, &mut self.block);
            for rows in cells {
                *events.entry(rows[0].cell).or_default() += rows.len() as u64;
                put(rows[0].cell.into(), &mut self.block);
                put(rows.len() as u64, &mut self.block);
                values.put(&rows.iter().map(|row| row.at as usize), &mut self.block);
            }
        }
        blocks.push(self.end_block(P::owned(base))?);
        self.index.sections.push(Section { day, events: events.into_iter().collect(), blocks, end: self.index.bytes });
        Ok(())
    }

    fn end_block(&mut self, base: super::index::Id) -> Result<Block, FeaturesError> {
        let block = Block { base, from: self.index.bytes, crc: crc32fast::hash(&self.block) };
        self.file.write_all(&self.block).map_err(FeaturesError::scratch(self.path))?;
        self.hash.update(&self.block);
        self.index.bytes += self.block.len() as u64;
        self.block.clear();
        Ok(block)
    }
}

/// The cells met so far, numbered as they came.
#[derive(Default)]
struct Cells {
    all: Vec<Cell>,
    kinds: Numbered,
    categories: Numbered,
    /// By kind and category.
    numbers: FxHashMap<(u32, u32), u32>,
}

/// Texts met so far; null is one of them.
#[derive(Default)]
struct Numbered {
    numbers: FxHashMap<String, u32>,
    null: Option<u32>,
    texts: Vec<Option<String>>,
}

impl Numbered {
    fn number(&mut self, text: Option<&str>) -> u32 {
        let known = match text {
            Some(text) => self.numbers.get(text).copied(),
            None => self.null,
        };
        known.unwrap_or_else(|| {
            let number = u32::try_from(self.texts.len()).expect("fewer different texts than rows");
            self.texts.push(text.map(str::to_owned));
            match text {
                Some(text) => drop(self.numbers.insert(text.to_owned(), number)),
                None => self.null = Some(number),
            }
            number
        })
    }

    /// A number a row; 0 for all when the table has no such column.
    fn column(&mut self, frame: &DataFrame, name: &str) -> PolarsResult<Vec<u32>> {
        match frame.column(name) {
            Ok(column) => Ok(column.str()?.iter().map(|text| self.number(text)).collect()),
            Err(_) => Ok(vec![self.number(None); frame.height()]),
        }
    }
}

impl Cells {
    /// The number of each row's cell.
    fn of(&mut self, frame: &DataFrame) -> PolarsResult<Vec<u32>> {
        let mut cells = self.kinds.column(frame, "kind")?;
        let categories = self.categories.column(frame, "category")?;
        let mut last = None;
        for (cell, category) in cells.iter_mut().zip(categories) {
            let pair = (*cell, category);
            *cell = match last {
                Some((same, number)) if same == pair => number,
                _ => self.number(pair),
            };
            last = Some((pair, *cell));
        }
        Ok(cells)
    }

    fn number(&mut self, pair: (u32, u32)) -> u32 {
        *self.numbers.entry(pair).or_insert_with(|| {
            let text = |texts: &Numbered, number: u32| texts.texts[number as usize].clone();
            self.all.push(Cell { kind: text(&self.kinds, pair.0), category: text(&self.categories, pair.1) });
            u32::try_from(self.all.len() - 1).expect("fewer cells than rows")
        })
    }
}

/// The columns that are added up or whose values are listed.
struct Values {
    measured: Vec<Vec<Option<i64>>>,
    listed: Vec<Vec<Option<u64>>>,
}

impl Values {
    fn of(frame: &DataFrame, columns: &Columns) -> PolarsResult<Self> {
        let measured = columns.measured.iter().map(|name| Ok(frame.column(name)?.i64()?.iter().collect()));
        let listed = columns.listed.iter().map(|name| listed(frame.column(name)?));
        Ok(Self { measured: measured.collect::<PolarsResult<_>>()?, listed: listed.collect::<PolarsResult<_>>()? })
    }

    fn put(&self, rows: &(impl Iterator<Item = usize> + Clone), out: &mut Vec<u8>) {
        for column in &self.measured {
            let values = rows.clone().filter_map(|row| column[row]);
            let (count, sum, min, max) = values
                .fold((0, 0_i64, i64::MAX, i64::MIN), |(count, sum, min, max), value| {
                    (count + 1, sum.wrapping_add(value), min.min(value), max.max(value))
                });
            put(count, out);
            if count > 0 {
                put_signed(sum, out);
            }
            if count > 1 {
                put_signed(min, out);
                put_signed(max, out);
            }
        }
        for column in &self.listed {
            let mut values: Vec<u64> = rows.clone().filter_map(|row| column[row]).collect();
            values.sort_unstable();
            values.dedup();
            put(values.len() as u64, out);
            for value in values {
                put(value, out);
            }
        }
    }
}

/// Integers as they are; of a text its XXH3 hash, since only different values of one person are told apart by it.
fn listed(column: &Column) -> PolarsResult<Vec<Option<u64>>> {
    Ok(match column.dtype() {
        DataType::String => column.str()?.iter().map(|text| text.map(|text| xxh3_64(text.as_bytes()))).collect(),
        _ => column.i64()?.iter().map(|value| value.map(i64::cast_unsigned)).collect(),
    })
}
