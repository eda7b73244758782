//! Runs the program as an operator does, and looks that no failure of it speaks in the words of a library.

use std::process::{Command, Output};

/// What no operator should have to read, in lower case.
const JARGON: &[&str] = &[
    "panicked",
    "rust_backtrace",
    "called `",
    "unwrap",
    "err(",
    "some(",
    "polars",
    "errstring",
    "schemamismatch",
    "ignore_errors",
    "truncate_ragged",
    "infer_schema",
    "dtype",
    "dispatchfailure",
    "dispatch failure",
    "sdkerror",
    "unhandled error",
    "serviceerror",
    "service error",
    "pgdatabaseerror",
    "error returned from database",
    "pool timed out",
    "not yet implemented",
    "error {",
    "xmltoken",
    "strspan",
    "cargo feature",
    "invalidconfiguration",
    "providererror",
    "othererror",
    "io error",
];

/// The program, told its own variables alone.
pub(crate) fn segment_bot() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_segment-bot"));
    command.env_clear();
    command
}

/// Runs it to its end.
pub(crate) fn finished(mut command: Command) -> Output {
    let output = command.output().unwrap();
    let mut said = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        said.push_str(&String::from_utf8_lossy(&output.stdout));
    }
    if let Some(word) = jargon(&said) {
        panic!("`{word}` is a word of a library, and {command:?} says:\n{said}");
    }
    output
}

/// Everything that it said.
pub(crate) fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn jargon(said: &str) -> Option<String> {
    let low = said.to_lowercase();
    let found = JARGON.iter().find(|word| low.contains(**word)).map(|word| (*word).to_owned());
    found.or_else(|| source_line(&low))
}

/// `at line 3655` sends people to a line of something that they do not have; files of theirs are not that long in tests.
fn source_line(low: &str) -> Option<String> {
    low.match_indices("at line ").find_map(|(at, lead)| {
        let digits: String = low[at + lead.len()..].chars().take_while(char::is_ascii_digit).collect();
        (digits.len() >= 3).then(|| format!("{lead}{digits}"))
    })
}

#[test]
fn words_of_libraries_are_found() {
    assert_eq!(jargon("error: Error { code: 3 }"), Some("error {".to_owned()));
    assert_eq!(jargon("permission denied at line 3655"), Some("at line 3655".to_owned()));
    assert_eq!(jargon("error: users.csv, line 12: a quotation mark is never closed"), None);
}
