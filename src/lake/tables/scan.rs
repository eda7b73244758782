//! Opening a table's files: Parquet or CSV, each by its own columns, and one frame over all of them.

use std::{
    fs::File,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use polars::{
    io::{HiveOptions, parquet::metadata::FileMetadataRef},
    prelude::{
        extension::{UnknownExtensionTypeBehavior, set_unknown_extension_type_behavior},
        *,
    },
};
use tempfile::TempPath;

use super::{
    collect_now,
    columns::Wanted,
    files::LocalFile,
    keys,
    text::Cells,
    typed::{Converted, convert, type_words},
};
use crate::{
    catalog::CsvStyle,
    lake::{LakeError, csv, footers, pages},
};

const DAMAGED: &str = "the file is damaged: its data cannot be decoded; copy or write it again";
/// Rows of a CSV file that are in memory together.
const ROWS_TOGETHER: usize = 1 << 16;

/// A file that was opened far enough to know its columns.
pub(super) struct Source {
    pub(super) table: String,
    /// As messages name it: its key.
    pub(super) file: String,
    pub(super) columns: Box<[String]>,
    path: PathBuf,
    format: Format,
}

enum Format {
    Parquet {
        schema: SchemaRef,
        footer: FileMetadataRef,
        /// Times of the old type that does not say its zone.
        instants: Vec<String>,
    },
    Csv(csv::Options),
    /// Nothing at all, beside files that hold something.
    Empty,
}

/// One frame over files, which are there as long as this is.
pub(super) struct Scanned {
    pub(super) frame: LazyFrame,
    /// What the frame must give.
    pub(super) rows: u64,
    /// Keeps what the frame reads.
    pub(super) unpacked: Unpacked,
}

/// What was made of files that cannot be scanned as they are; removed when this goes.
pub(super) struct Unpacked {
    _files: Vec<TempPath>,
}

impl Source {
    /// The type of a column; text where the file knows no types or a folder's name says the value.
    pub(super) fn dtype(&self, column: &str) -> Option<DataType> {
        match &self.format {
            Format::Parquet { schema, .. } if schema.contains(column) => schema.get(column).cloned(),
            _ if self.columns.iter().any(|own| own == column) => Some(DataType::String),
            _ => keys::partition(&self.file, column).map(|_| DataType::String),
        }
    }

    /// Whether a column holds times of the old type that does not say its zone.
    pub(super) fn has_instants(&self, column: &str) -> bool {
        matches!(&self.format, Format::Parquet { instants, .. } if instants.iter().any(|own| own == column))
    }

    pub(super) fn unreadable(&self, why: &str) -> LakeError {
        LakeError::Unreadable { table: self.table.clone(), file: self.file.clone(), why: why.to_owned() }
    }

    /// Files that one scan can read together.
    fn alike(&self, other: &Self) -> bool {
        let folder = |source: &Self| source.file.rsplit_once('/').map(|(folder, _)| folder.to_owned());
        match (&self.format, &other.format) {
            (Format::Parquet { schema: a, instants: x, .. }, Format::Parquet { schema: b, instants: y, .. }) => {
                a == b && x == y && folder(self) == folder(other)
            }
            _ => false,
        }
    }
}

/// One frame with the canonical columns `wanted`. Blocks.
pub(super) fn frame(sources: &[Source], wanted: &[Wanted]) -> Result<Scanned, LakeError> {
    let (mut frames, mut rows, mut unpacked) = (Vec::new(), 0, Vec::new());
    for alike in sources.chunk_by(Source::alike) {
        let first = &alike[0];
        match &first.format {
            Format::Parquet { .. } => {
                frames.push(scanned(alike, wanted)?);
                rows += alike.iter().map(Source::rows).sum::<u64>();
            }
            Format::Csv(options) => {
                let (file, count) = read_csv(first, options, wanted)?;
                frames.push(scan(&[&file]).map_err(|error| damaged(first, &error))?);
                rows += count;
                unpacked.push(file);
            }
            Format::Empty => {}
        }
    }
    let frame = match frames.len() {
        0 => DataFrame::empty_with_schema(&schema(wanted)).lazy(),
        1 => frames.remove(0),
        _ => concat(frames, UnionArgs::default())?,
    };
    Ok(Scanned { frame, rows, unpacked: Unpacked { _files: unpacked } })
}

fn schema(wanted: &[Wanted]) -> Schema {
    wanted.iter().flat_map(Wanted::fields).collect()
}

/// Opens the files of `table`, with their columns. Blocks.
pub(super) fn open(table: &str, files: Vec<LocalFile>, style: &CsvStyle) -> Result<Vec<Source>, LakeError> {
    // A UUID, JSON or the like is what it is stored as.
    set_unknown_extension_type_behavior(UnknownExtensionTypeBehavior::LoadAsStorage);
    let several = files.len() > 1;
    files
        .into_iter()
        .map(|file| {
            let (key, path) = (file.object.key, file.path);
            let source = |format, columns| Source {
                table: table.to_owned(),
                file: key.clone(),
                columns,
                path: path.clone(),
                format,
            };
            let name = key.rsplit('/').next().unwrap_or_default().to_lowercase();
            let ends_in = |ending: &str| name.strip_suffix(ending).is_some();
            if ends_in(".parquet") {
                // A damaged file may make the reader panic.
                let opened = catch_unwind(AssertUnwindSafe(|| footer(&path)));
                let (format, columns) = opened
                    .ok()
                    .flatten()
                    .ok_or_else(|| source(Format::Empty, Box::default()).unreadable(&no_parquet(&path)))?;
                return Ok(source(format, columns));
            }
            if !(ends_in(".csv") || ends_in(".csv.gz")) {
                let why = "its name ends in none of .parquet, .csv and .csv.gz";
                return Err(source(Format::Empty, Box::default()).unreadable(why));
            }
            let options = csv::Options { separator: style.separator, null: style.null.clone() };
            match csv::Reader::open(&path, &key, &options) {
                Ok(reader) => Ok(source(Format::Csv(options), reader.header().into())),
                // Writers leave such files where a part had no rows.
                Err(csv::CsvError { fault: csv::Fault::Empty, .. }) if several => {
                    Ok(source(Format::Empty, Box::default()))
                }
                Err(error) => Err(LakeError::Csv { table: table.to_owned(), error: Box::new(error) }),
            }
        })
        .collect()
}

/// Why a file that is called Parquet is none, as far as its first and last bytes tell.
fn no_parquet(path: &Path) -> String {
    use std::io::{Read, Seek, SeekFrom};
    let four = |from: SeekFrom| {
        let mut bytes = [0_u8; 4];
        let mut file = File::open(path).ok()?;
        file.seek(from).ok()?;
        file.read_exact(&mut bytes).ok()?;
        Some(bytes)
    };
    let (start, end) = (four(SeekFrom::Start(0)), four(SeekFrom::End(-4)));
    match (start.as_ref().map(<[u8; 4]>::as_slice), end.as_ref().map(<[u8; 4]>::as_slice)) {
        (None, _) => "the file is empty; write it again",
        (Some(b"PAR1"), Some(b"PAR1")) => "the file is damaged: its footer cannot be read; copy or write it again",
        (Some(b"PAR1"), _) => "the file breaks off; copy or write it again",
        (Some(b"PARE"), _) => "the file is encrypted; write it without encryption",
        _ => "the file is no Parquet; name it by what it is, or write it again",
    }
    .to_owned()
}

fn footer(path: &Path) -> Option<(Format, Box<[String]>)> {
    let metadata = footers::open(path).ok()??.get_metadata().ok()?.clone();
    let instants = metadata.schema_descr.columns().iter().filter(|column| {
        let primitive = &column.descriptor.primitive_type;
        matches!(primitive.physical_type, polars_parquet::parquet::schema::types::PhysicalType::Int96)
    });
    let instants = instants.filter_map(|column| column.path_in_schema.first().map(ToString::to_string)).collect();
    let mut frame = scan(&[path]).ok()?;
    let schema = frame.collect_schema().ok()?;
    let columns = schema.iter_names().map(ToString::to_string).collect();
    Some((Format::Parquet { schema, footer: metadata, instants }, columns))
}

impl Source {
    /// Refuses a file whose pages of these columns would mislead the decoder.
    fn check_pages(&self, columns: &[&str]) -> Result<(), LakeError> {
        let Format::Parquet { footer, .. } = &self.format else { return Ok(()) };
        // Damaged bytes may make the reader of headers panic.
        match catch_unwind(AssertUnwindSafe(|| pages::are_sound(&self.path, footer, columns))) {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) | Err(_) => Err(self.unreadable(DAMAGED)),
            Ok(Err(why)) => Err(LakeError::io(&self.path)(why)),
        }
    }

    fn rows(&self) -> u64 {
        match &self.format {
            Format::Parquet { footer, .. } => footer.num_rows as u64,
            Format::Csv(_) | Format::Empty => 0,
        }
    }
}

/// The canonical columns of Parquet files that are alike.
fn scanned(alike: &[Source], wanted: &[Wanted]) -> Result<LazyFrame, LakeError> {
    let first = &alike[0];
    let Format::Parquet { schema, .. } = &first.format else { unreachable!("files that are alike are Parquet") };
    let read: Vec<&str> = wanted.iter().map(|wanted| wanted.column.as_str()).collect();
    alike.iter().try_for_each(|source| source.check_pages(&read))?;
    let (mut columns, mut misfits) = (Vec::new(), Vec::new());
    for wanted in wanted {
        let Converted { columns: made, misfit } = match schema.get(&wanted.column) {
            Some(dtype) => convert(wanted, first, dtype)?,
            None => Converted { columns: from_folder(wanted, first)?, misfit: None },
        };
        let fields = wanted.fields();
        columns.extend(made.into_iter().zip(fields).map(|(column, field)| column.alias(field.name().clone())));
        misfits.extend(misfit.map(|misfit| (wanted, misfit)));
    }
    if !misfits.is_empty() {
        alike.iter().try_for_each(|source| refuse_misfits(source, &misfits))?;
    }
    let paths: Vec<&Path> = alike.iter().map(|source| source.path.as_path()).collect();
    let frame = scan(&paths).map_err(|error| damaged(first, &error))?;
    Ok(frame.select(columns))
}

/// A column that stands in the folder's name alone, the same for every row.
fn from_folder(wanted: &Wanted, source: &Source) -> Result<Vec<Expr>, LakeError> {
    let value = wanted.in_folder(source).ok_or_else(|| wanted.no_column(source))?.text;
    let mut cells = Cells::new(wanted.need);
    let quoted = format!("`{}` in the folder's name", value.as_deref().unwrap_or_default());
    cells.push(value.as_deref()).map_err(|_| wanted.wrong_type(source, &quoted))?;
    let columns = cells.finish(&wanted.name).into_iter();
    Ok(columns
        .map(|column| {
            lit(Scalar::new(column.dtype().clone(), column.get(0).map_or(AnyValue::Null, AnyValue::into_static)))
        })
        .collect())
}

/// Every value must be what is needed; the message quotes the first in order that is not.
fn refuse_misfits(source: &Source, misfits: &[(&Wanted, Expr)]) -> Result<(), LakeError> {
    let name = |index: usize| index.to_string();
    let firsts: Vec<Expr> = misfits
        .iter()
        .enumerate()
        .map(|(index, (wanted, misfit))| {
            let text = col(&wanted.column).cast(DataType::String);
            when(misfit.clone()).then(text).otherwise(lit(NULL)).min().alias(name(index))
        })
        .collect();
    let found = guarded(|| collect_now(scan(&[source.path.as_path()])?.select(firsts)));
    let found = found.map_err(|error| damaged(source, &error))?;
    for (index, (wanted, _)) in misfits.iter().enumerate() {
        if let Some(text) = found.column(&name(index))?.str()?.get(0) {
            let kind = source.dtype(&wanted.column).map_or("text", |dtype| type_words(&dtype));
            return Err(wanted.wrong_type(source, &format!("{kind} such as `{}`", csv::shown(text))));
        }
    }
    Ok(())
}

/// Runs what decodes a file: a damaged one may make the decoder panic.
pub(super) fn guarded<T>(work: impl FnOnce() -> PolarsResult<T>) -> PolarsResult<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| polars_bail!(ComputeError: "the decoder gave up"))
}

fn damaged(source: &Source, error: &PolarsError) -> LakeError {
    tracing::debug!(file = source.file, %error, "cannot be decoded");
    source.unreadable(DAMAGED)
}

/// The first rows of a column of a Parquet file, as text. Blocks.
pub(super) fn sample(source: &Source, column: &str, rows: usize) -> Result<Column, LakeError> {
    source.check_pages(&[column])?;
    let rows = IdxSize::try_from(rows).unwrap_or(IdxSize::MAX);
    let text = col(column).cast(DataType::String);
    let read = guarded(|| collect_now(scan(&[&source.path])?.limit(rows).select([text])));
    let frame = read.map_err(|error| damaged(source, &error))?;
    Ok(frame.column(column)?.clone())
}

fn scan(paths: &[impl AsRef<Path>]) -> PolarsResult<LazyFrame> {
    let paths = paths.iter().map(|path| PlRefPath::try_from_path(path.as_ref())).collect::<PolarsResult<Vec<_>>>()?;
    // Folders' names are read by ourselves.
    let hive_options = HiveOptions { enabled: Some(false), ..HiveOptions::default() };
    let args = ScanArgsParquet { glob: false, cache: false, hive_options, ..ScanArgsParquet::default() };
    LazyFrame::scan_parquet_files(paths.into_iter().collect(), args)
}

/// Reads a CSV file through into a Parquet file of canonical columns, and counts its rows.
fn read_csv(source: &Source, options: &csv::Options, wanted: &[Wanted]) -> Result<(TempPath, u64), LakeError> {
    let refused = |error| LakeError::Csv { table: source.table.clone(), error: Box::new(error) };
    let mut reader = csv::Reader::open(&source.path, &source.file, options).map_err(refused)?;
    let places: Vec<CsvSource> =
        wanted.iter().map(|wanted| CsvSource::of(wanted, source, &reader)).collect::<Result<_, _>>()?;
    let mut cells: Vec<Cells> = wanted.iter().map(|wanted| Cells::new(wanted.need)).collect();
    let written =
        tempfile::Builder::new().suffix(".parquet").tempfile().map_err(LakeError::io(&std::env::temp_dir()))?;
    let file = written.reopen().map_err(LakeError::io(written.path()))?;
    let mut writer =
        ParquetWriter::new(file).with_compression(ParquetCompression::Uncompressed).batched(&schema(wanted))?;
    let (mut rows, mut held) = (0, 0);
    while let Some(row) = reader.next_row().map_err(refused)? {
        for ((cells, place), wanted) in cells.iter_mut().zip(&places).zip(wanted) {
            let read = match place {
                CsvSource::Column(place) => {
                    cells.push(row.get(*place)).map_err(|_| row.refuse(*place, wanted.need.expected()))
                }
                CsvSource::Folder(value) => {
                    cells.push(value.as_deref()).map_err(|_| row.refuse(0, wanted.need.expected()))
                }
            };
            read.map_err(refused)?;
        }
        (rows, held) = (rows + 1, held + 1);
        if held == ROWS_TOGETHER {
            writer.write_batch(&batch(&mut cells, wanted, held)?)?;
            held = 0;
        }
    }
    writer.write_batch(&batch(&mut cells, wanted, held)?)?;
    writer.finish()?;
    Ok((written.into_temp_path(), rows))
}

fn batch(cells: &mut [Cells], wanted: &[Wanted], rows: usize) -> PolarsResult<DataFrame> {
    DataFrame::new(rows, cells.iter_mut().zip(wanted).flat_map(|(cells, wanted)| cells.finish(&wanted.name)).collect())
}

/// Where a wanted column of a CSV file stands.
enum CsvSource {
    Column(usize),
    /// The same for every row.
    Folder(Option<String>),
}

impl CsvSource {
    fn of(wanted: &Wanted, source: &Source, reader: &csv::Reader) -> Result<Self, LakeError> {
        match (reader.place(&wanted.column), wanted.in_folder(source)) {
            (Ok(place), _) => Ok(Self::Column(place)),
            (Err(csv::CsvError { fault: csv::Fault::NoColumn { .. }, .. }), Some(value)) => {
                Ok(Self::Folder(value.text))
            }
            (Err(csv::CsvError { fault: csv::Fault::NoColumn { .. }, .. }), None) => Err(wanted.no_column(source)),
            (Err(error), _) => Err(LakeError::Csv { table: source.table.clone(), error: Box::new(error) }),
        }
    }
}
