//! A file of rows, open: which columns it has, and each column of a bounded number of rows at a time.
//!
//! A CSV is read as text and whole; what a column holds is decided later, from all its values. Of a Parquet file one
//! column of one piece is in memory at a time.

use std::{
    collections::HashSet,
    fs::File,
    path::{Path, PathBuf},
    sync::Arc,
};

use gbdt::Gbdt;
use polars::{
    io::parquet::metadata::{FileMetadata, FileMetadataRef},
    prelude::{ArrowDataType, Column, DataFrame, DataType, ParallelStrategy, ParquetReader, SerReader},
};

use super::TableFileError;
use crate::{
    lake::{csv, footers, pages},
    nearest::nearest,
};

/// Rows of a piece, also of files with larger row groups. Pages before a piece are stepped over without unpacking them.
const ROWS_MAX: usize = 1 << 18;

/// A file of rows, and how it is written if it is CSV.
#[derive(Debug, Clone, Default)]
pub struct DataFile {
    pub path: PathBuf,
    pub csv: csv::Options,
}

impl From<&Path> for DataFile {
    fn from(path: &Path) -> Self {
        Self { path: path.to_owned(), csv: csv::Options::default() }
    }
}

/// An open file.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) path: PathBuf,
    pub(super) columns: Vec<String>,
    format: Format,
}

#[derive(Debug)]
enum Format {
    Parquet(FileMetadataRef),
    Csv(csv::Options),
}

/// Consecutive rows of a file.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub(super) path: PathBuf,
    /// Rows of the file before the first of these.
    pub(super) first_row: usize,
    pub(super) rows: usize,
    /// Whether every value is text because the format knows nothing else.
    pub(super) untyped: bool,
    content: Content,
}

#[derive(Debug, Clone)]
enum Content {
    /// All of a CSV.
    Frame(DataFrame),
    /// Rows of the row groups in this footer, from `first` on.
    Parquet { footer: FileMetadataRef, first: usize },
}

impl Source {
    /// Opens a file and reads its header or footer.
    pub(super) fn open(file: &DataFile) -> Result<Self, TableFileError> {
        let path = file.path.as_path();
        let csv =
            || csv_reader(path, &file.csv).map(|reader| (Format::Csv(file.csv.clone()), reader.header().to_vec()));
        let (format, columns) = match ending(path).as_str() {
            "parquet" => {
                let reader = footers::open(path).map_err(TableFileError::io(path))?;
                let mut reader = reader.ok_or_else(|| TableFileError::Undecodable { path: path.to_owned() })?;
                let footer = reader.get_metadata().map_err(TableFileError::polars(path))?.clone();
                let schema = reader.schema().map_err(TableFileError::polars(path))?;
                (Format::Parquet(footer), schema.iter_names().map(ToString::to_string).collect())
            }
            "csv" => csv()?,
            "gz" if ending(&path.with_extension("")) == "csv" => csv()?,
            _ => return Err(TableFileError::Format { path: path.to_owned() }),
        };
        let source = Self { path: path.to_owned(), columns, format };
        source.check_names()?;
        Ok(source)
    }

    fn check_names(&self) -> Result<(), TableFileError> {
        if self.columns.is_empty() {
            return Err(TableFileError::Empty { path: self.path.clone() });
        }
        let mut seen = HashSet::new();
        match self.columns.iter().find(|column| !seen.insert(column.as_str())) {
            Some(column) => Err(TableFileError::Duplicate { path: self.path.clone(), column: column.clone() }),
            None => Ok(()),
        }
    }

    pub(super) fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|own| own == column)
    }

    /// The column of a model's feature; of a model of `LightGBM`, which has `_` for white space in names, also the only one
    /// that it would call so.
    pub(super) fn called(&self, feature: &str, model: &Gbdt) -> Option<String> {
        if self.has(feature) {
            return Some(feature.to_owned());
        }
        let renamed = |own: &&String| own.replace(char::is_whitespace, "_") == feature;
        let mut named_so = self.columns.iter().filter(renamed).filter(|_| model.compares_doubles());
        let first = named_so.next()?;
        named_so.next().is_none().then(|| first.clone())
    }

    /// Refuses a column that is not there, with the name that may be meant.
    pub(super) fn require(&self, column: &str) -> Result<(), TableFileError> {
        if self.has(column) {
            return Ok(());
        }
        let closest = nearest(column, self.columns.iter().map(String::as_str)).map(str::to_owned);
        Err(TableFileError::NoColumn {
            path: self.path.clone(),
            column: column.to_owned(),
            closest,
            columns: self.columns.clone(),
        })
    }

    /// All rows as one piece, with at least the given columns.
    pub(super) fn whole(&self, columns: &[&str]) -> Result<Piece, TableFileError> {
        let (content, rows) = match &self.format {
            Format::Parquet(footer) => (Content::Parquet { footer: footer.clone(), first: 0 }, footer.num_rows),
            Format::Csv(options) => {
                let frame = self.read_csv(columns, options)?;
                let rows = frame.height();
                (Content::Frame(frame), rows)
            }
        };
        Ok(Piece { path: self.path.clone(), first_row: 0, rows, untyped: self.is_untyped(), content })
    }

    /// All rows in pieces, at least one; a CSV is one.
    pub(super) fn pieces(&self, columns: &[&str]) -> Result<Vec<Piece>, TableFileError> {
        let Format::Parquet(footer) = &self.format else { return Ok(vec![self.whole(columns)?]) };
        if !pages::are_sound(&self.path, footer, columns).map_err(TableFileError::io(&self.path))? {
            return Err(TableFileError::Undecodable { path: self.path.clone() });
        }
        if footer.num_rows == 0 {
            return Ok(vec![self.whole(columns)?]);
        }
        let bare = FileMetadata { row_groups: Vec::new(), ..FileMetadata::clone(footer) };
        let (mut pieces, mut first_row) = (Vec::new(), 0);
        for group in &footer.row_groups {
            let (height, row_groups) = (group.num_rows(), vec![group.clone()]);
            // The footer with this row group alone: polars would go through all that come before it.
            let footer =
                Arc::new(FileMetadata { num_rows: height, max_row_group_height: height, row_groups, ..bare.clone() });
            pieces.extend((0..height).step_by(ROWS_MAX).map(|first| Piece {
                path: self.path.clone(),
                first_row: first_row + first,
                rows: ROWS_MAX.min(height - first),
                untyped: false,
                content: Content::Parquet { footer: footer.clone(), first },
            }));
            first_row += height;
        }
        Ok(pieces)
    }

    fn is_untyped(&self) -> bool {
        matches!(self.format, Format::Csv(_))
    }

    fn read_csv(&self, columns: &[&str], options: &csv::Options) -> Result<DataFrame, TableFileError> {
        let mut reader = csv_reader(&self.path, options)?;
        let is_read = |place: &usize| columns.contains(&self.columns[*place].as_str());
        let places: Vec<usize> = (0..self.columns.len()).filter(is_read).collect();
        let mut cells: Vec<Vec<Option<String>>> = vec![Vec::new(); places.len()];
        let mut rows = 0;
        while let Some(row) = reader.next_row().map_err(TableFileError::csv)? {
            rows += 1;
            for (cells, place) in cells.iter_mut().zip(&places) {
                cells.push(row.get(*place).map(str::to_owned));
            }
        }
        let named =
            places.iter().zip(cells).map(|(place, cells)| Column::new(self.columns[*place].as_str().into(), cells));
        DataFrame::new(rows, named.collect()).map_err(TableFileError::polars(&self.path))
    }
}

impl Piece {
    /// The type of one of the file's columns.
    pub(super) fn dtype(&self, name: &str) -> Result<DataType, TableFileError> {
        let no_rows = Self { rows: 0, ..self.clone() };
        Ok(no_rows.column(name)?.dtype().clone())
    }

    /// One of the file's columns, these rows only.
    pub(super) fn column(&self, name: &str) -> Result<Column, TableFileError> {
        let failed = TableFileError::polars(&self.path);
        match &self.content {
            Content::Frame(frame) => frame.column(name).cloned().map_err(failed),
            Content::Parquet { footer, first } => {
                let mut reader = parquet(&self.path)?;
                reader.set_metadata(footer.clone());
                let schema = reader.schema().map_err(&failed)?;
                if let Some(field) = schema.get(name).filter(|field| !is_known(field.dtype())) {
                    let kind = format!("{:?}", field.dtype());
                    // Without what is in a list.
                    let kind = kind.split('(').next().unwrap_or_default();
                    let (path, found) = (self.path.clone(), format!("values of the type {kind}"));
                    return Err(TableFileError::Type { path, column: name.to_owned(), found });
                }
                let frame = reader
                    .with_columns(Some(vec![name.to_owned()]))
                    .with_slice(Some((*first, self.rows)))
                    // Columns are read side by side; polars need not spread each.
                    .read_parallel(ParallelStrategy::None)
                    .finish()
                    .map_err(&failed)?;
                frame.column(name).cloned().map_err(failed)
            }
        }
    }
}

/// What comes after the last point of a name, in small letters.
pub(super) fn ending(path: &Path) -> String {
    path.extension().unwrap_or_default().to_string_lossy().to_lowercase()
}

/// Types that polars reads; it panics at those that it was built without.
fn is_known(dtype: &ArrowDataType) -> bool {
    use ArrowDataType as T;
    let T::Dictionary(_, values, _) = dtype else {
        let numbers = matches!(dtype, T::Null | T::Boolean | T::Float32 | T::Float64)
            || matches!(dtype, T::Int8 | T::Int16 | T::Int32 | T::Int64)
            || matches!(dtype, T::UInt8 | T::UInt16 | T::UInt32 | T::UInt64);
        let times = matches!(dtype, T::Timestamp(..) | T::Date32 | T::Date64 | T::Time32(_) | T::Time64(_))
            || matches!(dtype, T::Duration(_));
        return numbers || times || matches!(dtype, T::Utf8 | T::LargeUtf8 | T::Utf8View);
    };
    is_known(values)
}

fn parquet(path: &Path) -> Result<ParquetReader<File>, TableFileError> {
    Ok(ParquetReader::new(File::open(path).map_err(TableFileError::io(path))?))
}

fn csv_reader(path: &Path, options: &csv::Options) -> Result<csv::Reader, TableFileError> {
    csv::Reader::open(path, &path.display().to_string(), options).map_err(TableFileError::csv)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use polars::{df, prelude::ParquetWriter};

    use super::*;

    fn ids(piece: &Piece) -> Vec<i64> {
        piece.column("id").unwrap().i64().unwrap().iter().flatten().collect()
    }

    #[test]
    fn every_row_is_in_one_piece_also_of_large_row_groups() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.parquet");
        let mut frame = df!["id" => (0..700_000_i64).collect::<Vec<_>>()].unwrap();
        let file = File::create(&path).unwrap();
        ParquetWriter::new(file).with_row_group_size(Some(350_000)).finish(&mut frame).unwrap();
        let source = Source::open(&path.as_path().into()).unwrap();
        let pieces = source.pieces(&["id"]).unwrap();
        assert_eq!(
            pieces.iter().map(|piece| piece.first_row).collect::<Vec<_>>(),
            [0, 262_144, 350_000, 350_000 + 262_144]
        );
        assert_eq!(pieces.iter().flat_map(ids).collect::<Vec<_>>(), (0..700_000).collect::<Vec<_>>());
        assert_eq!(ids(&source.whole(&["id"]).unwrap()).len(), 700_000);
    }

    #[test]
    fn a_packed_csv_is_text_like_a_plain_one() {
        let folder = tempfile::tempdir().unwrap();
        let (plain, packed) = (folder.path().join("rows.csv"), folder.path().join("rows.csv.gz"));
        let text = "\u{feff}id,\"the \"\"town\"\"\",none\r\n007,\"Kyoto, Fu\",\r\n8,,\r\n";
        std::fs::write(&plain, text).unwrap();
        let mut encoder = flate2::write::GzEncoder::new(File::create(&packed).unwrap(), flate2::Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap();
        for path in [plain, packed] {
            let source = Source::open(&path.as_path().into()).unwrap();
            assert_eq!(source.columns, ["id", "the \"town\"", "none"]);
            let piece = source.whole(&["the \"town\"", "id"]).unwrap();
            let texts =
                |name| piece.column(name).unwrap().str().unwrap().iter().map(|text| text.map(str::to_owned)).collect();
            let towns: Vec<Option<String>> = texts("the \"town\"");
            assert_eq!(towns, [Some("Kyoto, Fu".to_owned()), None]);
            let ids: Vec<Option<String>> = texts("id");
            assert_eq!(ids, [Some("007".to_owned()), Some("8".to_owned())]);
        }
    }

    #[test]
    fn what_is_no_table_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.csv");
        std::fs::write(&path, "age,age\n1,2\n").unwrap();
        assert!(
            matches!(Source::open(&path.as_path().into()), Err(TableFileError::Duplicate { column, .. }) if column == "age")
        );
        std::fs::write(&path, "").unwrap();
        let empty = Source::open(&path.as_path().into()).unwrap_err().to_string();
        assert!(empty.ends_with("rows.csv: the file is empty; its first line must name the columns"), "{empty}");
        std::fs::write(&path, "age\n").unwrap();
        assert_eq!(Source::open(&path.as_path().into()).unwrap().whole(&["age"]).unwrap().rows, 0);
        assert!(matches!(
            Source::open(&folder.path().join("rows.txt").as_path().into()),
            Err(TableFileError::Format { .. })
        ));
    }
}
