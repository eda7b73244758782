//! Writes a lake of a fictional Japanese shop: people, their events, and a signal that a model can find.
//!
//! Everybody and everything in it is made up: addresses end in `example.jp`, phone numbers begin with a zero that Japan never assigns.
//! The same options give the same bytes on any number of threads, because every block of people and every day has a random
//! stream of its own. Memory holds one block of people, however many there are.

mod behaviour;
mod categories;
mod people;
mod random;
mod tables;

use std::{
    fs::{self, File},
    io::BufWriter,
    path::{Path, PathBuf},
};

use chrono::{Days, NaiveDate};
use polars::{io::parquet::write::BatchedWriter, prelude::PolarsError};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use behaviour::Day;
use people::Person;

use crate::lake::write_words;

/// People whose events are drawn, and written as one row group a day, together.
const BLOCK_PEOPLE: u64 = 1 << 17;
/// Event files that are open at once, well below the usual limit of 1,024 open files.
const OPEN_DAYS: usize = 128;
/// Days between two reports of progress.
const REPORT_DAYS: usize = 8;
/// Raised whenever the same options give other bytes.
const FORMAT: u32 = 1;
/// There from the first write to the last but one.
const MARKER: &str = "_sample.writing";
/// Written last.
const STAMP: &str = "_sample.json";

/// What decides every byte of a sample lake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleOptions {
    /// People; at least 1.
    pub users: u64,
    /// Days of events that end with `last_day`; at least 1.
    pub days: u16,
    /// How often a day each person may come; at least 1, which the quality of models is tuned to.
    #[serde(default = "once")]
    pub visits: u8,
    pub seed: u64,
    /// The newest day with events.
    pub last_day: NaiveDate,
}

fn once() -> u8 {
    1
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SampleSummary {
    pub users: u64,
    pub events: u64,
    /// Of the events.
    pub purchases: u64,
}

/// Why a sample lake cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    #[error("a sample needs at least one person, one day and one visit")]
    Empty,
    #[error("{} is there already and is no sample lake; choose another folder", path.display())]
    InTheWay { path: PathBuf },
    #[error("cannot write {}: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("cannot write {}: {why}", path.display())]
    Parquet { path: PathBuf, why: String },
}

/// The options and the format of a finished lake.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    format: u32,
    #[serde(flatten)]
    options: SampleOptions,
}

impl Stamp {
    fn of(options: &SampleOptions) -> Self {
        Self { format: FORMAT, options: *options }
    }
}

/// Whether `out` holds the whole lake that [`write()`] would make of `options`.
pub fn is_complete(out: &Path, options: &SampleOptions) -> bool {
    let stamp = fs::read(out.join(STAMP)).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    stamp == Some(Stamp::of(options))
}

/// Writes the lake into `out`, replacing a sample that is there; `progress` hears days of people, done and in all.
///
/// Refuses a folder whose `users` or `events` were not written by this function.
pub fn write(out: &Path, options: &SampleOptions, progress: &dyn Fn(u64, u64)) -> Result<SampleSummary, SampleError> {
    if options.users == 0 || options.days == 0 || options.visits == 0 {
        return Err(SampleError::Empty);
    }
    clear(out)?;
    write_bytes(&out.join(MARKER), b"")?;
    write_bytes(&out.join("catalog.toml"), include_str!("catalog.toml").as_bytes())?;
    write_users(out, options)?;
    let summary = write_events(out, options, progress)?;
    let mut stamp = serde_json::to_vec_pretty(&Stamp::of(options)).expect("numbers and a date become JSON");
    stamp.push(b'\n');
    write_bytes(&out.join(STAMP), &stamp)?;
    fs::remove_file(out.join(MARKER)).map_err(io_error(&out.join(MARKER)))?;
    Ok(summary)
}

/// Removes an older sample, whole or half.
fn clear(out: &Path) -> Result<(), SampleError> {
    fs::create_dir_all(out).map_err(io_error(out))?;
    let ours = out.join(STAMP).exists() || out.join(MARKER).exists();
    for folder in [out.join("users"), out.join("events")] {
        if folder.exists() {
            if !ours {
                return Err(SampleError::InTheWay { path: folder });
            }
            // Until everything is written anew, this is half a lake.
            write_bytes(&out.join(MARKER), b"")?;
            fs::remove_dir_all(&folder).map_err(io_error(&folder))?;
        }
    }
    let stamp = out.join(STAMP);
    if stamp.exists() { fs::remove_file(&stamp).map_err(io_error(&stamp)) } else { Ok(()) }
}

fn write_users(out: &Path, options: &SampleOptions) -> Result<(), SampleError> {
    let folder = out.join("users");
    fs::create_dir_all(&folder).map_err(io_error(&folder))?;
    (0..blocks(options)).into_par_iter().try_for_each(|block| {
        let path = folder.join(format!("part-{block:05}.parquet"));
        let people = people_of(options, block);
        let mut rng = random::stream(options.seed, random::Use::Profile, block, 0);
        let frame = tables::users(&people, &mut rng).map_err(parquet_error(&path))?;
        EventFile::create(&path, frame.schema())?.append(&frame)?.finish()
    })
}

fn write_events(
    out: &Path,
    options: &SampleOptions,
    progress: &dyn Fn(u64, u64),
) -> Result<SampleSummary, SampleError> {
    let first = options.last_day - Days::new(u64::from(options.days) - 1);
    let days: Vec<NaiveDate> = first.iter_days().take(usize::from(options.days)).collect();
    let of = options.users * u64::from(options.days);
    let mut done = 0;
    let mut summary = SampleSummary { users: options.users, ..SampleSummary::default() };
    for days in days.chunks(OPEN_DAYS) {
        let mut files = days.iter().map(|day| DayFile::create(out, *day)).collect::<Result<Vec<_>, _>>()?;
        for block in 0..blocks(options) {
            let people = people_of(options, block);
            for files in files.chunks_mut(REPORT_DAYS) {
                files.par_iter_mut().try_for_each(|file| file.append(options, block, &people))?;
                done += people.len() as u64 * files.len() as u64;
                progress(done, of);
            }
        }
        for file in files {
            summary.events += file.events;
            summary.purchases += file.purchases;
            file.file.finish()?;
        }
    }
    Ok(summary)
}

fn blocks(options: &SampleOptions) -> u64 {
    options.users.div_ceil(BLOCK_PEOPLE)
}

fn people_of(options: &SampleOptions, block: u64) -> Vec<Person> {
    let first = block * BLOCK_PEOPLE;
    let mut rng = random::stream(options.seed, random::Use::People, block, 0);
    (first..options.users.min(first + BLOCK_PEOPLE))
        .map(|index| Person::draw(index, options.last_day, &mut rng))
        .collect()
}

/// A Parquet file that grows by row groups.
struct EventFile {
    path: PathBuf,
    writer: BatchedWriter<BufWriter<File>>,
}

impl EventFile {
    fn create(path: &Path, schema: &polars::prelude::Schema) -> Result<Self, SampleError> {
        let file = File::create(path).map_err(io_error(path))?;
        let writer = tables::writer(BufWriter::new(file)).batched(schema).map_err(parquet_error(path))?;
        Ok(Self { path: path.to_owned(), writer })
    }

    fn append(mut self, frame: &polars::prelude::DataFrame) -> Result<Self, SampleError> {
        self.writer.write_batch(frame).map_err(parquet_error(&self.path))?;
        Ok(self)
    }

    fn finish(self) -> Result<(), SampleError> {
        self.writer.finish().map(drop).map_err(parquet_error(&self.path))
    }
}

/// The events of one day.
struct DayFile {
    day: NaiveDate,
    file: EventFile,
    events: u64,
    purchases: u64,
}

impl DayFile {
    fn create(out: &Path, day: NaiveDate) -> Result<Self, SampleError> {
        let folder = out.join("events").join(format!("day={day}"));
        fs::create_dir_all(&folder).map_err(io_error(&folder))?;
        let file = EventFile::create(&folder.join("part-00000.parquet"), &tables::events_schema())?;
        Ok(Self { day, file, events: 0, purchases: 0 })
    }

    /// Adds what the people of a block did on this day.
    fn append(&mut self, options: &SampleOptions, block: u64, people: &[Person]) -> Result<(), SampleError> {
        let SampleOptions { seed, visits, .. } = *options;
        let day = Day::new(self.day, seed);
        let mut rng = random::stream(seed, random::Use::Events, block, day.number());
        let events = day.events(people, visits, &mut rng);
        self.events += events.len() as u64;
        self.purchases += events.purchases();
        let frame = tables::events(events).map_err(parquet_error(&self.file.path))?;
        self.file.writer.write_batch(&frame).map_err(parquet_error(&self.file.path))
    }
}

fn write_bytes(path: &Path, bytes: &[u8]) -> Result<(), SampleError> {
    fs::write(path, bytes).map_err(io_error(path))
}

fn io_error(path: &Path) -> impl FnOnce(std::io::Error) -> SampleError {
    let path = path.to_owned();
    move |source| SampleError::Io { path, source }
}

fn parquet_error(path: &Path) -> impl FnOnce(PolarsError) -> SampleError {
    let path = path.to_owned();
    move |error| SampleError::Parquet { path, why: write_words(&error) }
}
