//! Both languages say the same things, and the code asks for nothing that they lack.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use super::*;

/// Every key of a language with the variables of its text.
fn keys(files: Files) -> BTreeMap<String, BTreeSet<String>> {
    let mut keys = BTreeMap::new();
    for (_, text) in files {
        let mut current = None;
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            if let Some((key, _)) = line.split_once(" =").filter(|_| line.starts_with(|c: char| c.is_ascii_lowercase()))
            {
                assert!(keys.insert(key.to_owned(), BTreeSet::new()).is_none(), "{key} is there twice");
                current = Some(key.to_owned());
            }
            let Some(variables) = current.as_ref().and_then(|key| keys.get_mut(key)) else { continue };
            variables.extend(
                line.split('$').skip(1).map(|rest| {
                    rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect::<String>()
                }),
            );
        }
    }
    keys
}

fn sources(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { sources(&path) } else { vec![std::fs::read_to_string(path).unwrap()] })
        .collect()
}

/// Words in quotation marks in the code of `slack`, up to its tests.
fn quoted_in_code() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/slack");
    let mut texts = sources(&root);
    texts.push(std::fs::read_to_string(root.with_extension("rs")).unwrap());
    let code = texts.iter().filter_map(|text| text.split("#[cfg(test)]").next());
    code.flat_map(|code| code.split('"').skip(1).step_by(2).map(str::to_owned)).collect()
}

/// Keys that the code asks for: the literal after `text(`, `with(` and `offer_form(say, `.
fn asked_for() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/slack");
    let mut asked = BTreeSet::new();
    for text in sources(&root) {
        let code: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for call in [".text(\"", ".with(\"", ".with( \""] {
            asked.extend(code.split(call).skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned));
        }
    }
    asked
}

#[test]
fn both_languages_have_the_same_keys_with_the_same_variables() {
    let (ja, en) = (keys(JA), keys(EN));
    assert_eq!(ja.keys().collect::<Vec<_>>(), en.keys().collect::<Vec<_>>());
    for (key, variables) in &en {
        assert_eq!(variables, &ja[key], "the variables of {key}");
    }
}

#[test]
fn every_key_that_the_code_asks_for_exists_and_no_other() {
    let known: BTreeSet<String> = keys(EN).into_keys().collect();
    let asked = asked_for();
    assert!(asked.len() > 50, "the search finds the calls");
    assert_eq!(asked.difference(&known).collect::<Vec<_>>(), Vec::<&String>::new(), "missing");
    let quoted = quoted_in_code();
    assert_eq!(known.difference(&quoted).collect::<Vec<_>>(), Vec::<&String>::new(), "unused");
}

#[test]
fn texts_carry_numbers_with_separators_and_no_isolation_marks() {
    let texts = Texts::load().unwrap();
    let people = |locale| texts.get(locale, "size-people", &[("people", 50_000_u64.into())]);
    assert_eq!(people(Locale::En), "50,000 people");
    assert_eq!(people(Locale::Ja), "50,000人");
    assert_eq!(texts.get(Locale::En, "size-people", &[("people", 1_u64.into())]), "1 person");
}

#[test]
fn an_unknown_key_comes_back_as_itself() {
    assert_eq!(Texts::load().unwrap().get(Locale::Ja, "no-such-key", &[]), "no-such-key");
}
