//! `segment.csv` and `control.csv`: `rank,user_id,score,decile`, UTF-8 without a byte order mark, lines that end with LF.

use std::{borrow::Cow, fs::File, path::Path};

use csv::{Reader, Terminator, Writer, WriterBuilder};
use rustc_hash::FxHashSet;
use tempfile::TempPath;

use super::{ExportError, hashing::HashingWriter};
use crate::{
    audience::{Picked, UserId},
    contracts::columns,
    segment::FileEntry,
};

/// Whom to deliver.
pub const SEGMENT_FILE: &str = "segment.csv";

/// Writes the file `name` into `folder`, in the order of `picked`; the rank counts from 1 and the score is the probability with
/// six decimals.
///
/// A text id that a spreadsheet could run as a formula (it begins with `=`, `@`, a tab or a line break, or with `+` or `-` and is
/// more than letters, digits, `-` and `_`) is written behind an apostrophe; strip one leading apostrophe to get the id back. An
/// id that begins with an apostrophe gets another one, so that stripping is always right.
pub fn write_people(folder: &Path, name: &str, picked: &[Picked]) -> Result<FileEntry, ExportError> {
    let path = folder.join(name);
    let io_error = |source| ExportError::Io { path: path.clone(), source };
    let csv_error = |source| ExportError::Csv { path: path.clone(), source };
    let file = File::create(&path).map_err(io_error)?;
    let mut lines = WriterBuilder::new()
        .terminator(Terminator::Any(b'\n'))
        .buffer_capacity(1 << 16)
        .from_writer(HashingWriter::new(file));
    write_lines(&mut lines, picked).map_err(csv_error)?;
    let hashing = lines.into_inner().map_err(|error| io_error(error.into_error()))?;
    let (file, bytes, sha256) = hashing.finish();
    file.sync_all().map_err(io_error)?;
    Ok(FileEntry { name: name.to_owned(), bytes, sha256 })
}

/// The ids in the text of a file that [`write_people`] wrote; errors name `path`.
pub fn read_ids(path: &Path, text: &[u8]) -> Result<Vec<String>, ExportError> {
    let unreadable = |source| ExportError::Unreadable { path: path.to_owned(), source };
    let mut lines = Reader::from_reader(text);
    let id = |line: csv::Result<csv::StringRecord>| {
        let line = line.map_err(unreadable)?;
        let id = line.get(1).unwrap_or_default();
        Ok(id.strip_prefix('\'').unwrap_or(id).to_owned())
    };
    lines.records().map(id).collect()
}

/// A temporary copy of a file that [`write_people`] wrote, without the people whose `ids` are listed, and how many they
/// are; `None` when nobody is. Ranks stay as they were.
pub fn without(path: &Path, ids: &[String]) -> Result<Option<(TempPath, u64)>, ExportError> {
    let io_error = |source| ExportError::Io { path: path.to_owned(), source };
    let unreadable = |source| ExportError::Unreadable { path: path.to_owned(), source };
    let ids: FxHashSet<&str> = ids.iter().map(String::as_str).collect();
    let mut lines = Reader::from_path(path).map_err(unreadable)?;
    let header = lines.headers().map_err(unreadable)?.clone();
    let written = tempfile::NamedTempFile::new().map_err(io_error)?;
    let mut kept = WriterBuilder::new().terminator(Terminator::Any(b'\n')).from_writer(written.as_file());
    let csv_error = |source| ExportError::Csv { path: path.to_owned(), source };
    kept.write_record(&header).map_err(csv_error)?;
    let mut left_out = 0;
    for line in lines.records() {
        let line = line.map_err(unreadable)?;
        let id = line.get(1).unwrap_or_default();
        if ids.contains(id.strip_prefix('\'').unwrap_or(id)) {
            left_out += 1;
        } else {
            kept.write_record(&line).map_err(csv_error)?;
        }
    }
    kept.flush().map_err(io_error)?;
    drop(kept);
    Ok((left_out > 0).then(|| (written.into_temp_path(), left_out)))
}

fn write_lines<W: std::io::Write>(lines: &mut Writer<W>, picked: &[Picked]) -> csv::Result<()> {
    lines.write_record(["rank", columns::USER_ID, "score", "decile"])?;
    for (rank, person) in (1_u64..).zip(picked) {
        let (rank, decile) = (rank.to_string(), person.decile.to_string());
        let score = format!("{:.6}", person.probability);
        lines.write_record([rank.as_str(), &harmless(&person.user_id), &score, &decile])?;
    }
    Ok(())
}

/// How many of the ids are written behind an apostrophe.
pub fn guarded(picked: &[Picked]) -> u64 {
    picked.iter().filter(|person| matches!(&person.user_id, UserId::Text(id) if is_guarded(id))).count() as u64
}

/// The id as no spreadsheet runs it.
fn harmless(user_id: &UserId) -> Cow<'_, str> {
    match user_id {
        UserId::Int(id) => Cow::Owned(id.to_string()),
        UserId::Text(id) if is_guarded(id) => Cow::Owned(format!("'{id}")),
        UserId::Text(id) => Cow::Borrowed(id),
    }
}

/// Ids such as `-Nx0000001` and `+819012345678` can call nothing, and whoever matches ids needs them as they are.
fn is_guarded(id: &str) -> bool {
    let is_word = |rest: &str| rest.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    match id.strip_prefix(['+', '-']) {
        Some(rest) => !is_word(rest),
        None => id.starts_with(['=', '@', '\t', '\r', '\n', '\'']),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picked(user_id: UserId, probability: f64, decile: u8) -> Picked {
        Picked { user_id, probability, raw: 0.0, decile }
    }

    #[test]
    fn the_file_is_ranked_and_its_entry_is_true() {
        let folder = tempfile::tempdir().unwrap();
        let people = [
            picked(UserId::Int(42), 0.987_654_321, 1),
            picked(UserId::Int(-7), 0.5, 1),
            picked(UserId::Text("=1+1".to_owned()), 0.25, 2),
            picked(UserId::Text("-Nx_a-1".to_owned()), 0.25, 2),
            picked(UserId::Text("+1*cmd|' /C calc'!A0".to_owned()), 0.25, 2),
            picked(UserId::Text("a,\"b\"".to_owned()), 1.0e-9, 9),
            picked(UserId::Text("'q".to_owned()), 1.0, 10),
            picked(UserId::Text("顧客1".to_owned()), 0.0, 10),
        ];
        let entry = write_people(folder.path(), SEGMENT_FILE, &people).unwrap();
        let bytes = std::fs::read(folder.path().join(SEGMENT_FILE)).unwrap();
        assert_eq!(entry.bytes, bytes.len() as u64);
        assert_eq!(entry.sha256, crate::digest::sha256_hex(&bytes));
        assert_eq!(entry.name, "segment.csv");
        assert!(!bytes.contains(&b'\r'));
        insta::assert_snapshot!(String::from_utf8(bytes).unwrap(), @r#"
        rank,user_id,score,decile
        1,42,0.987654,1
        2,-7,0.500000,1
        3,'=1+1,0.250000,2
        4,-Nx_a-1,0.250000,2
        5,'+1*cmd|' /C calc'!A0,0.250000,2
        6,"a,""b""",0.000000,9
        7,''q,1.000000,10
        8,顧客1,0.000000,10
        "#);
        assert_eq!(guarded(&people), 3);
        let ids: Vec<String> = people.iter().map(|person| person.user_id.to_string()).collect();
        let path = folder.path().join(SEGMENT_FILE);
        assert_eq!(read_ids(&path, &std::fs::read(&path).unwrap()).unwrap(), ids);
    }

    #[test]
    fn a_folder_that_is_missing_is_named() {
        let error = write_people(Path::new("no-such-folder"), SEGMENT_FILE, &[]).unwrap_err();
        insta::assert_snapshot!(error, @"cannot write no-such-folder/segment.csv: No such file or directory (os error 2)");
    }
}
