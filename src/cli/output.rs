//! What a command says: results on stdout, failures on stderr. The only file that writes to either.

use std::{fmt::Display, io::Write as _};

/// One line on stdout. A closed pipe is the reader's choice and no failure.
pub(super) fn line(text: impl Display) {
    drop(writeln!(std::io::stdout(), "{text}"));
}

/// A failure and what led to it, one cause a line, nothing said twice.
pub(super) fn failure(error: &anyhow::Error) {
    let mut said: Vec<String> = Vec::new();
    for cause in error.chain().map(ToString::to_string) {
        // Many errors already quote their source.
        if !said.iter().any(|earlier| earlier.contains(&cause)) {
            let lead = if said.is_empty() { "error: " } else { "  because: " };
            drop(writeln!(std::io::stderr(), "{lead}{cause}"));
            said.push(cause);
        }
    }
}
