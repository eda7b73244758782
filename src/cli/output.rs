//! What a command says: results on stdout, failures on stderr. The only file that writes to either.

use std::{
    fmt::Display,
    io::{self, Write as _},
};

use crate::lake::file_words;

/// One line on stdout. A closed pipe is the reader's choice and no failure.
pub(super) fn line(text: impl Display) {
    drop(writeln!(io::stdout(), "{text}"));
}

/// A failure and what led to it, one cause a line, nothing said twice.
pub(super) fn failure(error: &anyhow::Error) {
    let mut said: Vec<String> = Vec::new();
    // The system's own words come with a number that helps nobody.
    let plain: Vec<_> = error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>()).collect();
    for cause in error.chain() {
        let cause =
            plain.iter().fold(cause.to_string(), |said, error| said.replace(&error.to_string(), &file_words(error)));
        // Many errors already quote their source.
        if !said.iter().any(|earlier| earlier.contains(&cause)) {
            let lead = if said.is_empty() { "error: " } else { "  because: " };
            drop(writeln!(io::stderr(), "{lead}{cause}"));
            said.push(cause);
        }
    }
}
