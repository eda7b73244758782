//! Rules about the tree itself: which module may use which, file headers and lengths, README against `config.rs`.

mod documents;
mod imports;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// What each top-level module may use of this crate. Arrows run downwards only; see ARCHITECTURE.md.
const ALLOWED: &[(&str, &[&str])] = &[
    (
        "app",
        &[
            "catalog",
            "clock",
            "config",
            "contracts",
            "counted",
            "digest",
            "export",
            "jobs",
            "lake",
            "pipeline",
            "progress",
            "queue",
            "segment",
            "slack",
            "suppression",
            "texts",
        ],
    ),
    ("audience", &["catalog", "contracts", "digest", "features", "segment"]),
    ("catalog", &["contracts", "digest"]),
    (
        "cli",
        &[
            "app",
            "catalog",
            "clock",
            "config",
            "contracts",
            "demo",
            "digest",
            "features",
            "jobs",
            "lake",
            "model",
            "pipeline",
            "progress",
            "queue",
            "segment",
            "suppression",
            "texts",
        ],
    ),
    ("clock", &[]),
    ("config", &[]),
    ("contracts", &[]),
    ("counted", &[]),
    ("demo", &["app", "catalog", "config", "digest", "features", "lake", "progress", "queue", "segment"]),
    ("digest", &[]),
    ("export", &["audience", "contracts", "segment"]),
    ("features", &["catalog", "contracts", "digest", "lake", "progress"]),
    ("jobs", &["queue", "segment"]),
    ("lake", &["catalog", "clock", "contracts", "digest"]),
    ("lib", &[]),
    ("main", &["cli"]),
    ("model", &["audience", "catalog", "contracts", "digest", "features", "lake", "nearest", "progress", "segment"]),
    (
        "pipeline",
        &[
            "audience",
            "catalog",
            "contracts",
            "digest",
            "export",
            "features",
            "lake",
            "model",
            "progress",
            "segment",
            "suppression",
        ],
    ),
    ("nearest", &[]),
    ("progress", &[]),
    ("queue", &["catalog", "config", "segment"]),
    ("segment", &["catalog", "nearest"]),
    ("slack", &["catalog", "config", "contracts", "counted", "nearest", "queue", "segment", "texts"]),
    ("suppression", &["catalog", "contracts", "digest", "features", "lake", "queue", "segment"]),
    ("texts", &["catalog"]),
];

/// Crates that only some modules may use.
const RESERVED: &[(&str, &[&str])] = &[
    ("aws_sdk_s3", &["lake"]),
    ("polars", &["lake", "features", "model", "audience", "demo", "pipeline", "suppression"]),
    ("polars_parquet", &["features", "lake"]),
    ("slack_morphism", &["slack"]),
    ("sqlx", &["queue", "jobs", "suppression", "app", "cli", "slack", "demo"]),
    ("clap", &["cli", "main"]),
    ("indicatif", &["cli", "demo"]),
];

/// Calls that send SQL; only `queue` writes statements (the demo creates its database).
const SQL: &[&str] = &["sqlx::query", "query_as", "query_scalar", "QueryBuilder", "raw_sql"];

/// Longer than this, a file is two things.
const LINES_MAX: usize = 400;
/// A test file lists promises, one after the other, and may go on for longer.
const TEST_LINES_MAX: usize = 500;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files_below(folder: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path, endings));
        } else if endings.iter().any(|ending| path.to_string_lossy().ends_with(ending)) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The code without its comment lines and without the unit tests at the bottom.
fn code(text: &str) -> String {
    let body = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    body.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn none(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

#[test]
fn modules_use_only_what_is_below_them() {
    let mut problems = Vec::new();
    for source in imports::sources() {
        let Some((_, allowed)) = ALLOWED.iter().find(|(of, _)| *of == source.room()) else {
            problems.push(format!("src/{}: `{}` is not in the table of tests/it/tidy.rs", source.name, source.room()));
            continue;
        };
        let used: BTreeSet<&str> = source.names.iter().filter_map(|path| path.first().map(String::as_str)).collect();
        let known = |used: &&str| ALLOWED.iter().any(|(of, _)| of == used);
        for used in used.into_iter().filter(known) {
            if used != source.room() && !allowed.contains(&used) {
                problems.push(format!("src/{} must not use crate::{used}", source.name));
            }
        }
    }
    none(&problems);
}

#[test]
fn no_room_uses_one_that_uses_it_and_no_file_of_slack_either() {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let rooms = ALLOWED.iter().map(|(of, allowed)| ((*of).to_owned(), owned(allowed))).collect();
    assert_eq!(imports::circle(&rooms), None);
    let files = imports::graph_of("slack", &imports::sources());
    assert!(files.len() > 30 && files["slack::thread::notify"].contains("slack::wording::words"), "{files:#?}");
    assert_eq!(imports::circle(&files), None);
    let groups = |file: &str| file.split("::").take(2).collect::<Vec<_>>().join("::");
    let mut between: std::collections::BTreeMap<String, BTreeSet<String>> = std::collections::BTreeMap::new();
    for (file, used) in &files {
        let of = between.entry(groups(file)).or_default();
        of.extend(used.iter().map(|used| groups(used)).filter(|used| *used != groups(file)));
    }
    assert_eq!(imports::circle(&between), None);
}

#[test]
fn some_crates_belong_to_some_modules() {
    let mut problems = Vec::new();
    for source in imports::sources() {
        let (name, module, code) = (&source.name, source.room(), code(&source.text));
        for (reserved, owners) in RESERVED {
            if code.contains(&format!("{reserved}::")) && !owners.contains(&module) {
                problems.push(format!("src/{name} must not use {reserved}"));
            }
        }
        let statements = SQL.iter().any(|call| code.contains(call));
        if statements && module != "queue" && !name.starts_with("demo/postgres") {
            problems.push(format!("src/{name} must not hold SQL; that belongs to queue"));
        }
        let named = ["sqlx::query", ".begin()"].iter().any(|call| code.contains(call));
        if named && module == "queue" && *name != "queue/sql.rs" {
            problems.push(format!("src/{name} must ask through queue/sql.rs, so that it works behind a pooler"));
        }
    }
    none(&problems);
}

#[test]
fn every_file_says_what_it_is_for_and_is_short() {
    let mut problems = Vec::new();
    let folders = ["src", "tests", "gbdt"];
    for path in folders.iter().flat_map(|folder| files_below(&root().join(folder), &[".rs"])) {
        let text = fs::read_to_string(&path).unwrap();
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        if !text.starts_with("//! ") {
            problems.push(format!("{name} does not begin with a `//!` line"));
        }
        let lines = text.lines().count();
        let lines_max =
            if name.starts_with("tests") || name.starts_with("gbdt/tests") { TEST_LINES_MAX } else { LINES_MAX };
        if lines > lines_max {
            problems.push(format!("{name} has {lines} lines: which two things is it?"));
        }
    }
    none(&problems);
}

/// Names in `text` that look like variables of ours.
fn variables(text: &str) -> BTreeSet<String> {
    let named = text.split(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'));
    let ours = |name: &&str| {
        *name == "DATABASE_URL" || ["SEGMENT_", "SLACK_"].iter().any(|p| name.len() > p.len() && name.starts_with(p))
    };
    named.filter(ours).map(str::to_owned).collect()
}

#[test]
fn the_readme_lists_exactly_the_variables_that_exist() {
    let config = fs::read_to_string(root().join("src/config.rs")).unwrap();
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let table: String = readme.lines().filter(|line| line.starts_with("| `")).collect();
    let in_config = variables(config.split("#[cfg(test)]").next().unwrap());
    assert_eq!(variables(&table), in_config);
}

#[test]
fn nothing_names_this_machine() {
    // Put together here, so that this file does not find itself.
    let places = ["/wo", "/ro", "/fa"].into_iter().zip(["rk/", "ot/", "rm/"]).map(|(a, b)| format!("{a}{b}"));
    let hosts =
        ["index.crates", "registry.npmjs", "pypi", "deb.debian"].into_iter().zip([".io", ".org", ".org", ".org"]);
    let banned: Vec<String> = places.chain(hosts.map(|(a, b)| format!("{a}{b}"))).collect();
    let mut files = Vec::new();
    for folder in ["src", "tests", "deploy", "migrations", "locales", ".ci", "docs"] {
        if root().join(folder).exists() {
            files.extend(files_below(&root().join(folder), &[""]));
        }
    }
    files.extend(["README.md", "ARCHITECTURE.md", "Dockerfile", "manifest.yml"].map(|name| root().join(name)));
    let mut problems = Vec::new();
    for path in files {
        // Binary files have no text to check.
        let Ok(text) = fs::read_to_string(&path) else { continue };
        for place in banned.iter().filter(|place| text.contains(place.as_str())) {
            problems.push(format!("{} names {place}", path.strip_prefix(root()).unwrap().display()));
        }
    }
    none(&problems);
}
