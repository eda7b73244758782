//! How a CSV file is written, as options of the commands that read one.

use clap::builder::{TypedValueParser as _, ValueParser};

use crate::{catalog::CsvStyle, lake::csv};

#[derive(Debug, Clone, clap::Args)]
pub(super) struct CsvArgs {
    /// What stands between the fields of CSV files: one character, or `tab`.
    #[arg(long, value_parser = separator())]
    separator: Option<u8>,
    /// A word that stands for a missing value in CSV files, such as `?`; may be given several times.
    #[arg(long = "null", value_name = "WORD")]
    null: Vec<String>,
}

impl CsvArgs {
    pub(super) fn options(&self) -> csv::Options {
        csv::Options { separator: self.separator, null: self.null.clone() }
    }
}

fn separator() -> ValueParser {
    clap::builder::StringValueParser::new()
        .try_map(|text| CsvStyle::separator_of(&text).ok_or("write one character such as ';', or tab"))
        .into()
}
