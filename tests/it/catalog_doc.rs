//! `docs/catalog.md` lists exactly the keys that the reader takes, their defaults are the reader's, its examples work.

use std::collections::BTreeMap;

use segment_bot::catalog::Catalog;

const DOC: &str = include_str!("../../docs/catalog.md");

/// A row of a table of keys.
struct Key {
    name: String,
    default: String,
}

/// Headings, without marks, with the keys below each.
fn documented() -> BTreeMap<String, Vec<Key>> {
    let mut sections = BTreeMap::new();
    for section in DOC.split("\n## ").skip(1) {
        let heading = section.lines().next().unwrap().trim_matches('`').to_owned();
        let rows = section.lines().filter(|line| line.starts_with("| `"));
        let keys = rows.map(|row| {
            let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
            assert_eq!(cells.len(), 5, "{heading}: {row}");
            Key { name: cells[0].trim_matches('`').to_owned(), default: cells[2].to_owned() }
        });
        let keys: Vec<Key> = keys.collect();
        sections.insert(heading.clone(), keys);
    }
    sections
}

/// All examples after one another: a catalog.
fn examples() -> String {
    let blocks = DOC.split("```toml\n").skip(1).map(|block| block.split("```").next().unwrap());
    blocks.collect::<Vec<_>>().join("\n")
}

/// The examples with `line`, such as `step = 5`, in the first table of this heading.
fn with(heading: &str, line: &str) -> String {
    let examples = examples();
    let (before, after) = match heading {
        "Top of the file" => ("version = 1\n", format!("version = 1\n{line}\n")),
        "csv" => ("csv = { ", format!("csv = {{ {line}, ")),
        "choices" => ("choices = [\n    { ", format!("choices = [\n    {{ {line}, ")),
        "where" => ("where = { ", format!("where = {{ {line}, ")),
        "[age]" => ("age = { ", format!("age = {{ {line}, ")),
        "[limits]" => return format!("{examples}\n[limits]\n{line}\n"),
        table => (table, format!("{table}\n{line}")),
    };
    assert!(examples.contains(before), "an example of {heading}");
    examples.replacen(before, &after, 1)
}

fn shown(text: &str) -> String {
    let catalog = Catalog::parse(text).unwrap_or_else(|problem| panic!("{problem}\n{text}"));
    format!("{:#?}", Catalog { sha256: String::new(), ..catalog })
}

#[test]
fn the_document_names_every_key_and_no_other() {
    for (heading, keys) in documented() {
        let refusal = Catalog::parse(&with(&heading, "no_such_key = 1")).unwrap_err().to_string();
        let taken = refusal.split_once("may be ").unwrap_or_else(|| panic!("{heading}: {refusal}")).1;
        let documented: Vec<&str> = keys.iter().map(|key| key.name.as_str()).collect();
        assert_eq!(documented.join(", "), taken, "{heading}");
    }
}

#[test]
fn the_documented_defaults_are_the_readers() {
    let usual = shown(&examples());
    let mut compared = 0;
    for (heading, keys) in documented() {
        for key in keys {
            let default = key.default.split(' ').next().unwrap_or_default();
            let value = match default.trim_matches('`') {
                "[]" if heading != "Top of the file" => "[]".to_owned(),
                number if number.parse::<f64>().is_ok() => number.to_owned(),
                word if default.starts_with('`') && word.starts_with(|c: char| c.is_ascii_lowercase()) => {
                    format!("\"{word}\"")
                }
                _ => continue,
            };
            // What an example says cannot be said again.
            if examples().contains(&format!("{} = ", key.name)) {
                continue;
            }
            assert_eq!(shown(&with(&heading, &format!("{} = {value}", key.name))), usual, "{heading} {}", key.name);
            compared += 1;
        }
    }
    assert!(compared >= 18, "{compared} defaults compared");
}
