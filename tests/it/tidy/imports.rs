//! Which modules of this crate a file names, by `crate::`, `super::` or `self::`, in imports and in the code; unit tests left out.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use syn::{
    Attribute, Item, UseTree,
    visit::{self, Visit},
};

use super::{files_below, root};

/// A file of `src/`.
pub(super) struct Source {
    /// Below `src/`.
    pub(super) name: String,
    /// `["slack", "thread", "announce"]`; empty for `lib.rs` and `main.rs`.
    pub(super) module: Vec<String>,
    pub(super) text: String,
    /// Absolute paths that it names, without `crate`.
    pub(super) names: BTreeSet<Vec<String>>,
}

impl Source {
    /// Its room: the first folder or file below `src/`.
    pub(super) fn room(&self) -> &str {
        self.name.split('/').next().unwrap().trim_end_matches(".rs")
    }
}

/// All files of `src/`.
pub(super) fn sources() -> Vec<Source> {
    let src = root().join("src");
    let read = |path: std::path::PathBuf| {
        let name = path.strip_prefix(&src).unwrap().to_string_lossy().into_owned();
        let module = match name.trim_end_matches(".rs") {
            "lib" | "main" => Vec::new(),
            module => module.split('/').map(str::to_owned).collect(),
        };
        let text = fs::read_to_string(&path).unwrap();
        let mut found = Names { module: module.clone(), names: BTreeSet::new() };
        found.visit_file(&syn::parse_file(&text).unwrap());
        Source { name, module, text, names: found.names }
    };
    files_below(&src, &[".rs"]).into_iter().map(read).collect()
}

/// For each of the files below `room`, those of the same room that it uses, its own parent and children left out.
pub(super) fn graph_of(room: &str, sources: &[Source]) -> BTreeMap<String, BTreeSet<String>> {
    let inside: Vec<&Source> = sources.iter().filter(|source| source.room() == room && !is_test(source)).collect();
    let file_of = |path: &[String]| {
        let of = inside.iter().filter(|source| path.starts_with(&source.module));
        of.max_by_key(|source| source.module.len()).copied()
    };
    let uses = |source: &Source| -> BTreeSet<String> {
        let used = source.names.iter().filter_map(|path| file_of(path));
        let related =
            |other: &Source| other.module.starts_with(&source.module) || source.module.starts_with(&other.module);
        used.filter(|other| !related(other)).map(|other| other.module.join("::")).collect()
    };
    inside.iter().map(|source| (source.module.join("::"), uses(source))).collect()
}

/// A circle in a graph, if there is one.
pub(super) fn circle(graph: &BTreeMap<String, BTreeSet<String>>) -> Option<Vec<String>> {
    let mut done = BTreeSet::new();
    graph.keys().find_map(|start| walk(graph, start, &mut Vec::new(), &mut done))
}

fn walk(
    graph: &BTreeMap<String, BTreeSet<String>>,
    at: &str,
    way: &mut Vec<String>,
    done: &mut BTreeSet<String>,
) -> Option<Vec<String>> {
    if let Some(first) = way.iter().position(|passed| passed == at) {
        return Some(way[first..].to_vec());
    }
    if done.contains(at) {
        return None;
    }
    way.push(at.to_owned());
    let found = graph.get(at).into_iter().flatten().find_map(|next| walk(graph, next, way, done));
    way.pop();
    done.insert(at.to_owned());
    found
}

fn is_test(source: &Source) -> bool {
    source.module.iter().any(|part| part == "tests")
}

struct Names {
    module: Vec<String>,
    names: BTreeSet<Vec<String>>,
}

impl Names {
    fn add(&mut self, path: &[String]) {
        let mut rest = path;
        let mut base = match rest.first().map(String::as_str) {
            Some("crate" | "segment_bot") => Vec::new(),
            Some("self" | "super") => self.module.clone(),
            _ => return,
        };
        while let Some((first, others)) = rest.split_first() {
            match first.as_str() {
                "super" => drop(base.pop()),
                "crate" | "segment_bot" | "self" => {}
                _ => break,
            }
            rest = others;
        }
        base.extend(rest.iter().cloned());
        self.names.insert(base);
    }

    fn add_tree(&mut self, before: &[String], tree: &UseTree) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            UseTree::Path(path) => self.add_tree(&with(&path.ident), &path.tree),
            UseTree::Name(name) => self.add(&with(&name.ident)),
            UseTree::Rename(name) => self.add(&with(&name.ident)),
            UseTree::Glob(_) => self.add(before),
            UseTree::Group(group) => group.items.iter().for_each(|item| self.add_tree(before, item)),
        }
    }
}

fn of_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && matches!(&attribute.meta, syn::Meta::List(list) if list.tokens.to_string() == "test")
    })
}

impl<'ast> Visit<'ast> for Names {
    fn visit_item(&mut self, item: &'ast Item) {
        match item {
            Item::Mod(module) if of_tests(&module.attrs) => {}
            Item::Use(item) => self.add_tree(&[], &item.tree),
            item => visit::visit_item(self, item),
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if segments.len() > 1 {
            self.add(&segments);
        }
        visit::visit_path(self, path);
    }
}
