//! Every path and every command that the documents name exists.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
    process::Command,
};

use super::{files_below, root};

/// What documents may name besides the files at the top.
const FOLDERS: [&str; 10] =
    [".ci", "benches", "deploy", "docs", "fuzz", "gbdt", "locales", "migrations", "src", "tests"];

/// Files and folders that the store holds, not the tree.
const STORED: [&str; 8] =
    ["models/", "partials/", "replays/", "segments/", "segment/", "snapshots/", "suppression/", "segment.csv"];

/// Each document with its text.
fn documents() -> Vec<(String, String)> {
    let mut paths = vec![root().join("README.md"), root().join("ARCHITECTURE.md"), root().join("gbdt/README.md")];
    paths.extend(files_below(&root().join("docs"), &[".md"]));
    let read =
        |path: PathBuf| (path.strip_prefix(root()).unwrap().display().to_string(), fs::read_to_string(path).unwrap());
    paths.into_iter().map(read).collect()
}

/// What stands between backticks in running text, and the lines of fenced blocks.
fn code_of(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, part) in text.split("```").enumerate() {
        if at % 2 == 1 {
            // A backslash continues the line.
            found.extend(part.replace("\\\n", " ").lines().skip(1).map(str::to_owned));
        } else {
            found.extend(part.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    found
}

/// All files and the folders that they are in, folders with a slash at the end, each from the root with a slash.
fn tree() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for folder in FOLDERS {
        for path in files_below(&root().join(folder), &[""]) {
            let name = format!("/{}", path.strip_prefix(root()).unwrap().display());
            found.extend(name.match_indices('/').skip(1).map(|(at, _)| name[..=at].to_owned()));
            found.insert(name);
        }
    }
    found.extend(fs::read_dir(root()).unwrap().map(|entry| format!("/{}", entry.unwrap().file_name().display())));
    found
}

fn looks_like_a_path(text: &str) -> bool {
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
    let named =
        text.ends_with('/') || [".rs", ".toml", ".md", ".yml", ".py", ".sh"].iter().any(|end| text.ends_with(end));
    plain && !text.starts_with(['/', '.', '-']) && (named || text.starts_with("benches/"))
}

#[test]
fn every_path_exists() {
    let tree = tree();
    let mut missing = BTreeSet::new();
    let mut checked = 0;
    for (document, text) in documents() {
        for path in code_of(&text).into_iter().filter(|path| looks_like_a_path(path)) {
            if STORED.iter().any(|stored| path == *stored)
                || path == "catalog.toml"
                || path.starts_with(|c: char| c.is_ascii_digit())
            {
                continue;
            }
            checked += 1;
            if !tree.iter().any(|known| known.ends_with(&format!("/{path}"))) {
                missing.insert(format!("{document}: {path}"));
            }
        }
    }
    assert!(missing.is_empty() && checked > 60, "{checked} paths; there is no {missing:#?}");
}

/// Help texts by the words before `--help`; `None` for what is no command.
#[derive(Default)]
struct Helps(BTreeMap<Vec<String>, Option<String>>);

impl Helps {
    fn of(&mut self, words: &[&str]) -> Option<&str> {
        let key: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let ask = || {
            let output = Command::new(env!("CARGO_BIN_EXE_segment-bot")).args(words).arg("--help").output().unwrap();
            output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
        };
        self.0.entry(key).or_insert_with(ask).as_deref()
    }

    /// What is wrong with a command line, if anything.
    fn fault(&mut self, args: &[&str]) -> Option<String> {
        let mut words = Vec::new();
        for word in args.iter().take_while(|word| word.chars().all(|c| c.is_ascii_lowercase() || c == '-')) {
            let has_commands = self.of(&words).is_some_and(|help| help.contains("\nCommands:"));
            if word.starts_with('-') || !has_commands {
                break;
            }
            words.push(*word);
        }
        let Some(help) = self.of(&words) else { return Some(format!("`{}` is no command", words.join(" "))) };
        let flags = args.iter().filter(|word| word.starts_with("--") && word.len() > 2);
        let flag = |word: &&&str| word.split('=').next().unwrap().trim_end_matches([',', '.', ')', '`']).to_owned();
        let unknown = flags.map(|word| flag(&word)).find(|flag| !help.contains(flag.as_str()));
        unknown.map(|flag| format!("`{}` has no {flag}", words.join(" ")))
    }
}

#[test]
fn every_command_exists() {
    let mut helps = Helps::default();
    let (mut wrong, mut checked) = (BTreeSet::new(), 0);
    for (document, text) in documents() {
        for line in code_of(&text) {
            let line = line.split(['|', '>', '#', ';', '&']).next().unwrap().to_owned();
            let words: Vec<&str> = line.split_whitespace().collect();
            let is_ours = |word: &&str| *word == "segment-bot" || word.ends_with("/segment-bot");
            let start = match words.iter().position(is_ours) {
                Some(at) if at == 0 || !words[at - 1].starts_with('-') => at + 1,
                _ => match words.as_slice() {
                    ["cargo", "run", "--release", "--", ..] => 4,
                    _ => continue,
                },
            };
            let args = &words[start..];
            if args.first().is_none_or(|first| !first.starts_with(|c: char| c.is_ascii_lowercase())) {
                continue;
            }
            checked += 1;
            wrong.extend(helps.fault(args).map(|fault| format!("{document}: {line}: {fault}")));
        }
    }
    assert!(wrong.is_empty() && checked >= 20, "{checked} commands; {wrong:#?}");
}
