//! Opening a table's files: Parquet or CSV, their columns, and one frame over all of them.

use std::{
    fs::File,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use polars::{io::HiveOptions, prelude::*};
use tempfile::TempPath;

use super::{collect_now, columns::Wanted, files::LocalFile};
use crate::lake::LakeError;

/// A file that was opened far enough to know its columns.
pub(super) struct Source {
    pub(super) table: String,
    /// As messages name it: its key.
    pub(super) file: String,
    pub(super) schema: SchemaRef,
    readable: Readable,
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Parquet,
    Csv,
}

/// A file that scans read.
enum Readable {
    Given(PathBuf),
    /// Of a compressed file; removed when this goes.
    Unpacked(TempPath),
}

/// One frame over files, which are there as long as this is.
pub(super) struct Scanned {
    pub(super) frame: LazyFrame,
    /// Keeps what the frame reads.
    pub(super) unpacked: Unpacked,
}

/// Files that were unpacked; removed when this goes.
pub(super) struct Unpacked {
    _files: Vec<TempPath>,
}

impl Source {
    /// Whether the columns are text that is yet to be read as what they should be.
    pub(super) fn is_text(&self) -> bool {
        self.format == Format::Csv
    }

    pub(super) fn column_names(&self) -> Box<[String]> {
        self.schema.iter_names().map(ToString::to_string).collect()
    }

    fn unreadable(&self, error: &PolarsError) -> LakeError {
        LakeError::Unreadable { table: self.table.clone(), file: self.file.clone(), why: first_line(error) }
    }

    /// Files that one scan can read together.
    fn alike(&self, other: &Self) -> bool {
        self.format == other.format && self.schema == other.schema
    }
}

/// One frame with the canonical columns `wanted`. Blocks.
pub(super) fn frame(sources: Vec<Source>, wanted: &[Wanted]) -> Result<Scanned, LakeError> {
    let mut frames = Vec::new();
    for alike in sources.chunk_by(Source::alike) {
        let first = &alike[0];
        let columns = wanted.iter().map(|wanted| wanted.expr(first)).collect::<Result<Vec<_>, _>>()?;
        if first.is_text() {
            alike.iter().try_for_each(|source| refuse_misread_cells(source, wanted))?;
        }
        frames.push(scan(alike)?.select(columns));
    }
    let frame = if frames.len() == 1 { frames.remove(0) } else { concat(frames, UnionArgs::default())? };
    let files = sources.into_iter().filter_map(|source| match source.readable {
        Readable::Given(_) => None,
        Readable::Unpacked(path) => Some(path),
    });
    Ok(Scanned { frame, unpacked: Unpacked { _files: files.collect() } })
}

/// Opens the files of `table`, with their columns. Blocks.
pub(super) fn open(table: &str, files: Vec<LocalFile>) -> Result<Vec<Source>, LakeError> {
    files
        .into_iter()
        .map(|file| {
            // A damaged file may panic inside the Parquet reader, and so does a type that this build leaves out.
            let opened = catch_unwind(AssertUnwindSafe(|| open_one(&file.path)));
            let opened =
                opened.unwrap_or_else(|_| Err("the file is damaged or has a column of an unknown type".into()));
            let key = file.object.key;
            let unreadable = |why| LakeError::Unreadable { table: table.to_owned(), file: key.clone(), why };
            let (readable, format, schema) = opened.map_err(unreadable)?;
            Ok(Source { table: table.to_owned(), file: key, schema, readable, format })
        })
        .collect()
}

fn open_one(path: &Path) -> Result<(Readable, Format, SchemaRef), String> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let (stem, ending) = name.rsplit_once('.').unwrap_or_default();
    let given = || Readable::Given(path.to_owned());
    let (readable, format) = match ending {
        "parquet" => (given(), Format::Parquet),
        "csv" => (given(), Format::Csv),
        "gz" if stem.rsplit_once('.').is_some_and(|(_, inner)| inner == "csv") => {
            (Readable::Unpacked(unpack(path).map_err(|error| error.to_string())?), Format::Csv)
        }
        _ => return Err("its name ends in none of .parquet, .csv and .csv.gz".to_owned()),
    };
    let mut frame = scan_paths(format, &[readable.path()]).map_err(|error| first_line(&error))?;
    let schema = frame.collect_schema().map_err(|error| first_line(&error))?;
    Ok((readable, format, schema))
}

impl Readable {
    fn path(&self) -> &Path {
        match self {
            Self::Given(path) => path,
            Self::Unpacked(path) => path,
        }
    }
}

/// Onto the disk, because memory may not hold it.
fn unpack(path: &Path) -> std::io::Result<TempPath> {
    let mut unpacked = tempfile::Builder::new().suffix(".csv").tempfile()?;
    std::io::copy(&mut flate2::read::MultiGzDecoder::new(File::open(path)?), unpacked.as_file_mut())?;
    Ok(unpacked.into_temp_path())
}

fn scan(alike: &[Source]) -> Result<LazyFrame, LakeError> {
    let paths: Vec<&Path> = alike.iter().map(|source| source.readable.path()).collect();
    scan_paths(alike[0].format, &paths).map_err(|error| alike[0].unreadable(&error))
}

fn scan_paths(format: Format, paths: &[&Path]) -> PolarsResult<LazyFrame> {
    let paths = paths.iter().map(|path| PlRefPath::try_from_path(path)).collect::<PolarsResult<Vec<_>>>()?;
    match format {
        Format::Parquet => {
            // `day=…` folders are for skipping files; their columns, if wanted, are in the files.
            let hive_options = HiveOptions { enabled: Some(false), ..HiveOptions::default() };
            let args = ScanArgsParquet { glob: false, cache: false, hive_options, ..ScanArgsParquet::default() };
            LazyFrame::scan_parquet_files(paths.into_iter().collect(), args)
        }
        Format::Csv => LazyCsvReader::new_paths(paths.into_iter().collect())
            .with_glob(false)
            .with_has_header(true)
            .with_infer_schema_length(Some(0))
            .finish(),
    }
}

/// Text that should be a number or a day must be one everywhere; the message quotes the first that is not.
fn refuse_misread_cells(source: &Source, wanted: &[Wanted]) -> Result<(), LakeError> {
    let name = |index: usize| index.to_string();
    let firsts: Vec<Expr> = wanted
        .iter()
        .enumerate()
        .map(|(index, wanted)| {
            when(wanted.misread()).then(col(&wanted.column)).otherwise(lit(NULL)).min().alias(name(index))
        })
        .collect();
    let found = collect_now(scan(std::slice::from_ref(source))?.select(firsts));
    let found = found.map_err(|error| source.unreadable(&error))?;
    for (index, wanted) in wanted.iter().enumerate() {
        if let Some(text) = found.column(&name(index))?.str()?.get(0) {
            return Err(wanted.wrong_type(source, format!("text such as `{text}`")));
        }
    }
    Ok(())
}

fn first_line(error: &PolarsError) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}
