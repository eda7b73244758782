//! How the values of a column become the numbers of a feature: chosen from the values, or given by a model.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{
    TableFileError,
    columns::{Cells, Class, looks_like_a_date, number, wide_number},
    source::Piece,
};
use gbdt::{Cuts, FeatureBins, Gbdt, Kind};

/// Different texts of a column, at most: more codes are not exact in `f32`.
const TEXTS_MAX: usize = 1 << 24;

/// Rows that are looked at for numbers that fall together.
const ROUNDED_ROWS: usize = 20_000;

/// What was said about a column on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    None,
    Numeric,
    Categorical,
}

/// How values become numbers.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Coding {
    Numbers,
    /// Category codes that are whole numbers in the file too.
    Codes,
    /// Categories called by name, with the code of each.
    Names(HashMap<String, f32>),
    /// Numbers by their place among a feature's cuts, see [`Gbdt::ranked`].
    Ranks(Cuts),
    /// As [`Coding::Names`], of another program: numbers and yes and no may be written otherwise.
    ForeignNames(HashMap<String, f32>),
}

/// A column's values as numbers.
#[derive(Debug)]
pub(super) struct Coded {
    pub(super) values: Vec<f32>,
    pub(super) kind: Kind,
    /// What the person may want to know.
    pub(super) note: Option<String>,
}

impl Coding {
    /// How the values of the features of a model are coded for [`Gbdt::ranked`].
    pub(super) fn of_model(model: &Gbdt) -> Vec<Self> {
        let coding = |bins: &FeatureBins| match (bins, Self::of_bins(bins)) {
            (FeatureBins::Numeric(cuts), _) if model.compares_doubles() => Self::Ranks(cuts.clone()),
            (_, Self::Names(names)) if model.compares_doubles() => Self::ForeignNames(names),
            (_, coding) => coding,
        };
        model.bins().iter().map(coding).collect()
    }

    fn of_bins(bins: &FeatureBins) -> Self {
        match bins {
            FeatureBins::Numeric(_) => Self::Numbers,
            FeatureBins::Categorical(categories) if categories.names().is_empty() => Self::Codes,
            #[expect(clippy::cast_precision_loss, reason = "codes are below 2^24")]
            FeatureBins::Categorical(categories) => {
                let codes = categories.codes().iter().map(|&code| code as f32);
                Self::Names(categories.names().iter().cloned().zip(codes).collect())
            }
        }
    }

    /// How the values of a table's column are coded.
    pub(super) fn of_kind(kind: &Kind) -> Self {
        match kind {
            Kind::Numeric => Self::Numbers,
            Kind::Categorical { names } if names.is_empty() => Self::Codes,
            Kind::Categorical { names } => Self::Names(codes_of(names.iter().map(String::as_str))),
        }
    }

    /// The numbers of a column, NaN where a value is missing or no category, and how often it was the latter.
    pub(super) fn encode(&self, piece: &Piece, name: &str) -> Result<(Vec<f32>, usize), TableFileError> {
        let cells = Cells::read(piece, name)?;
        match self {
            Self::Numbers => Ok((cells.numbers()?, 0)),
            Self::Codes => codes(&cells),
            Self::Names(codes) => {
                let texts = cells.texts()?;
                let known = |text: &str| codes.get(text).copied();
                Ok(counting_unknown(texts.iter().map(|text| text.as_deref()), known))
            }
            Self::Ranks(cuts) => Ok((cells.wide_numbers()?.into_iter().map(|value| cuts.rank(value)).collect(), 0)),
            Self::ForeignNames(codes) => {
                let texts = cells.texts()?;
                let known = |text: &str| codes.get(text).or_else(|| codes.get(&usual(text)?)).copied();
                Ok(counting_unknown(texts.iter().map(|text| text.as_deref()), known))
            }
        }
    }
}

/// A number, or yes and no, as names of categories have it.
fn usual(text: &str) -> Option<String> {
    let text = text.trim();
    match text.parse::<f64>() {
        Ok(number) => Some((number + 0.0).to_string()),
        Err(_) => Some(text.to_lowercase()).filter(|text| text == "true" || text == "false"),
    }
}

/// Numbers and codes for a column whose values decide what it is.
pub(super) fn choose(piece: &Piece, name: &str, wish: Wish) -> Result<Coded, TableFileError> {
    let cells = Cells::read(piece, name)?;
    let numeric = |values: Vec<f32>| Coded { note: rounded(&cells, &values), values, kind: Kind::Numeric };
    match (wish, cells.class()) {
        (Wish::Numeric, _) | (Wish::None, Class::Boolean | Class::Number | Class::Empty) => {
            cells.numbers().map(numeric)
        }
        (Wish::Categorical, _) => categories(&cells),
        (Wish::None, Class::Time(kind)) => Err(cells.time(kind, None)),
        (Wish::None, Class::Other) => Err(cells.unusable()),
        (Wish::None, Class::Text) => {
            let texts = cells.texts_as_stored()?;
            let known = || texts.iter().flatten().copied();
            if piece.untyped && known().all(|text| number(text).is_some()) {
                return cells.numbers().map(numeric);
            }
            if let Some(example) = known().next()
                && known().all(looks_like_a_date)
            {
                return Err(cells.time("dates", Some(example)));
            }
            let mut coded = named(&cells)?;
            coded.note = doubt(&cells, &texts, &coded);
            Ok(coded)
        }
    }
}

/// Categories: whole numbers speak for themselves, everything else goes by name.
fn categories(cells: &Cells<'_>) -> Result<Coded, TableFileError> {
    let are_codes = match cells.class() {
        Class::Number => cells.numbers()?.into_iter().all(|value| value.is_nan() || is_code(f64::from(value))),
        Class::Text if cells.piece.untyped => cells.texts_as_stored()?.into_iter().flatten().all(is_plain_code),
        Class::Empty => true,
        _ => false,
    };
    if !are_codes {
        return named(cells);
    }
    let (values, _) = codes(cells)?;
    Ok(Coded { values, kind: Kind::Categorical { names: Vec::new() }, note: None })
}

/// Codes by place among the sorted texts.
fn named(cells: &Cells<'_>) -> Result<Coded, TableFileError> {
    let texts = cells.texts()?;
    let names: BTreeSet<&str> = texts.iter().flatten().map(AsRef::as_ref).collect();
    if names.len() > TEXTS_MAX {
        let (path, column) = (cells.piece.path.clone(), cells.name());
        return Err(TableFileError::TooManyTexts { path, column, found: names.len(), max: TEXTS_MAX });
    }
    let codes = codes_of(names.iter().copied());
    let values = texts.iter().map(|text| text.as_deref().map_or(f32::NAN, |text| codes[text])).collect();
    let names = names.into_iter().map(str::to_owned).collect();
    Ok(Coded { values, kind: Kind::Categorical { names }, note: None })
}

#[expect(clippy::cast_precision_loss, reason = "at most TEXTS_MAX names")]
fn codes_of<'a>(names: impl Iterator<Item = &'a str>) -> HashMap<String, f32> {
    names.enumerate().map(|(code, name)| (name.to_owned(), code as f32)).collect()
}

/// Whole numbers as codes, NaN for everything else.
fn codes(cells: &Cells<'_>) -> Result<(Vec<f32>, usize), TableFileError> {
    if cells.class() == Class::Text {
        let texts = cells.texts_as_stored()?;
        let known = |text: &str| {
            let value = wide_number(text)?;
            (value.is_nan() || is_code(value)).then(|| number(text)).flatten()
        };
        return Ok(counting_unknown(texts.into_iter(), known));
    }
    let (mut values, mut unknown) = (cells.numbers()?, 0);
    for value in values.iter_mut().filter(|value| !value.is_nan() && !is_code(f64::from(**value))) {
        *value = f32::NAN;
        unknown += 1;
    }
    Ok((values, unknown))
}

fn counting_unknown<'a>(
    texts: impl Iterator<Item = Option<&'a str>>,
    known: impl Fn(&str) -> Option<f32>,
) -> (Vec<f32>, usize) {
    let mut unknown = 0;
    let code = |text: Option<&str>| match text.map(&known) {
        None => f32::NAN,
        Some(Some(code)) => code,
        Some(None) => {
            unknown += 1;
            f32::NAN
        }
    };
    let values = texts.map(code).collect();
    (values, unknown)
}

fn is_code(value: f64) -> bool {
    (0.0..16_777_216.0).contains(&value) && value.fract() == 0.0
}

/// Whether `text` is how its code is written, so that no zero in front is lost.
fn is_plain_code(text: &str) -> bool {
    text.parse::<u32>().is_ok_and(|code| is_code(f64::from(code)) && code.to_string() == text)
}

/// What to say when 32 bits do not tell the numbers of a column apart.
fn rounded(cells: &Cells<'_>, values: &[f32]) -> Option<String> {
    let wide = cells.first_wide_numbers(ROUNDED_ROWS).ok()?;
    let different: HashSet<u64> = wide.iter().filter(|value| !value.is_nan()).map(|value| value.to_bits()).collect();
    let narrow = values.iter().take(wide.len()).filter(|value| !value.is_nan());
    let kept: HashSet<u32> = narrow.map(|value| value.to_bits()).collect();
    // Where numbers are many, a few always fall together.
    (10 * kept.len() < 9 * different.len()).then(|| {
        let name = cells.name();
        format!(
            "column `{name}` is rounded to 32-bit numbers, which do not tell its values apart: {} different ones among the \
             first {} rows become {}; subtract what they have in common, such as the first day or a base amount",
            different.len(),
            wide.len(),
            kept.len()
        )
    })
}

/// What makes one wonder whether a text column was meant as categories.
fn doubt(cells: &Cells<'_>, texts: &[Option<&str>], coded: &Coded) -> Option<String> {
    let name = cells.name();
    let known = texts.iter().flatten().count();
    let Kind::Categorical { names } = &coded.kind else { return None };
    let numbers = texts.iter().flatten().filter(|text| number(text).is_some()).count();
    if cells.piece.untyped && 2 * numbers > known {
        let strange = texts
            .iter()
            .enumerate()
            .find_map(|(place, text)| text.filter(|text| number(text).is_none()).map(|text| (cells.row(place), text)));
        let (row, text) = strange?;
        return Some(format!(
            "column `{name}` counts as categories because row {row} has `{text}`; most of its values are numbers: \
             mend the others and it counts as numbers"
        ));
    }
    (names.len() > 1000 && 2 * names.len() > known).then(|| {
        format!(
            "column `{name}` has {} different texts in {known} rows; only the most frequent can matter: if it tells \
             rows apart, leave it out with --ignore {name}",
            names.len()
        )
    })
}

#[cfg(test)]
mod tests {
    use std::{fs::File, path::PathBuf};

    use polars::{
        df,
        prelude::{Categories, Column, DataFrame, DataType, ParquetWriter},
    };
    use tempfile::TempDir;

    use super::{super::source::Source, *};

    /// The file of the only column `x`, and the folder that keeps it.
    struct Kept {
        path: PathBuf,
        _folder: TempDir,
    }

    fn csv(values: &[&str]) -> Kept {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.csv");
        std::fs::write(&path, format!("x,y\n{},\n", values.join(",\n"))).unwrap();
        Kept { path, _folder: folder }
    }

    fn parquet(mut frame: DataFrame) -> Kept {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.parquet");
        ParquetWriter::new(File::create(&path).unwrap()).finish(&mut frame).unwrap();
        Kept { path, _folder: folder }
    }

    impl Kept {
        fn piece(&self) -> Piece {
            Source::open(&self.path.as_path().into()).unwrap().whole(&["x"]).unwrap()
        }

        fn chosen(&self, wish: Wish) -> (Vec<f32>, Vec<String>) {
            let coded = choose(&self.piece(), "x", wish).unwrap();
            let names = match coded.kind {
                Kind::Numeric => vec!["numeric".to_owned()],
                Kind::Categorical { names } => names,
            };
            (coded.values, names)
        }
    }

    #[test]
    fn numbers_that_32_bits_do_not_tell_apart_are_said() {
        let seconds = parquet(df!["x" => (0..200_i64).map(|n| 1_700_000_000 + n).collect::<Vec<_>>()].unwrap());
        let note = choose(&seconds.piece(), "x", Wish::None).unwrap().note.unwrap();
        assert!(note.contains("200 different ones among the first 200 rows become 3;"), "{note}");
        let shares = parquet(df!["x" => (0..200).map(|n| f64::from(n) / 7.0).collect::<Vec<_>>()].unwrap());
        assert_eq!(choose(&shares.piece(), "x", Wish::None).unwrap().note, None);
    }

    #[test]
    fn numbers_named_as_categories_stay_codes_unless_that_would_lose_something() {
        let none = Vec::<String>::new();
        assert_eq!(csv(&["7", "0", "12"]).chosen(Wish::Categorical), (vec![7.0, 0.0, 12.0], none.clone()));
        assert_eq!(csv(&["7", "007"]).chosen(Wish::Categorical).1, ["007", "7"]);
        assert_eq!(csv(&["7", "-1"]).chosen(Wish::Categorical).1, ["-1", "7"]);
        let fractions = parquet(df!["x" => [2.0, 1.0]].unwrap());
        assert_eq!(fractions.chosen(Wish::Categorical), (vec![2.0, 1.0], none));
        let large = parquet(df!["x" => [3_000_000_000_i64, 1]].unwrap());
        assert_eq!(large.chosen(Wish::Categorical), (vec![1.0, 0.0], vec!["1".to_owned(), "3000000000".to_owned()]));
        assert_eq!(csv(&["7", "n/a", "true"]).chosen(Wish::None).1, ["numeric"]);
        // A zip code that is stored as text is no number.
        assert_eq!(parquet(df!["x" => ["01234"]].unwrap()).chosen(Wish::None).1, ["01234"]);
    }

    #[test]
    fn a_category_has_the_same_name_however_it_is_stored() {
        let names = Coding::Names(codes_of(["-1", "2.5", "3"].into_iter()));
        let coded = |kept: Kept| names.encode(&kept.piece(), "x").unwrap();
        assert_eq!(coded(csv(&["3", "-1", "2.5"])).0, [2.0, 0.0, 1.0]);
        assert_eq!(coded(parquet(df!["x" => [3.0, -1.0, 2.5]].unwrap())).0, [2.0, 0.0, 1.0]);
        assert_eq!(coded(parquet(df!["x" => [3_i8, -1]].unwrap())).0, [2.0, 0.0]);
        let (values, unknown) = coded(csv(&["4", "", "3"]));
        assert!(values[0].is_nan() && values[1].is_nan() && values[2] >= 2.0 && unknown == 1);
        let (values, unknown) = Coding::Codes.encode(&csv(&["4", "-1", "tea", ""]).piece(), "x").unwrap();
        assert!(values[0] >= 4.0 && values[1..].iter().all(|value| value.is_nan()) && unknown == 2);
    }

    #[test]
    fn what_pandas_calls_a_category_is_text() {
        let frame = df!["x" => ["tea", "rice", "tea"]].unwrap();
        let dtype = DataType::from_categories(Categories::global());
        let column: Column = frame.column("x").unwrap().cast(&dtype).unwrap();
        let kept = parquet(DataFrame::new(3, vec![column]).unwrap());
        assert_eq!(kept.chosen(Wish::None), (vec![1.0, 0.0, 1.0], vec!["rice".to_owned(), "tea".to_owned()]));
    }
}
