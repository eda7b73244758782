//! A catalog for a lake that nobody described yet, with comments that say why, and what to look at.

use std::{collections::HashSet, fmt::Write as _};

use super::roles::{Events, Roles, Users, unused};
use crate::lake::{
    csv,
    tables::{Holds, Surveyed, SurveyedColumn},
};

/// Products that are proposed of one table.
const PRODUCTS_MAX: usize = 5;
/// Values of a column that are proposed as choices.
const CHOICES_MAX: usize = 20;
/// What a person reads is at most this many values long.
const NAMED_MAX: usize = 5;

/// The text of a catalog.
pub(super) fn text(roles: &Roles<'_>, surveyed: &[Surveyed]) -> String {
    let mut out = String::new();
    add(
        &mut out,
        "# Proposed from what lies in the lake: look at every line, above all at those with a comment. docs/catalog.md has every key.",
    );
    add(&mut out, "version = 1");
    add(&mut out, "time_zone = \"Asia/Tokyo\"  # where your days begin and end");
    add(&mut out, "fallback_locale = \"ja\"  # or \"en\": the language for people whose Slack is in neither");
    add(&mut out, "owner = \"the data team\"  # whom messages name");
    add(&mut out, "age = { min = 15, max = 84, step = 5 }  # what the form offers");
    users(&mut out, &roles.users);
    let mut taken = HashSet::new();
    let tables: Vec<(String, &Events)> =
        roles.events.iter().map(|table| (unique(&table_name(&table.table.path), &mut taken), table)).collect();
    for (name, table) in &tables {
        events(&mut out, name, table);
    }
    genders(&mut out, roles.users.gender);
    regions(&mut out, roles.users.region);
    attributes(&mut out, &roles.users);
    for unread in surveyed {
        if let Some(why) = &unread.trouble {
            add(&mut out, one_line_comment(&format!("# passed over: {why}")));
        }
    }
    let mut ids = HashSet::new();
    for (name, table) in &tables {
        products(&mut out, name, table, &mut ids);
    }
    out
}

fn add(out: &mut String, line: impl AsRef<str>) {
    out.push_str(line.as_ref());
    out.push('\n');
}

/// Text in quotation marks, as TOML writes it.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// `key = "column"` with its values as a comment.
fn column(out: &mut String, key: &str, column: Option<&SurveyedColumn>) {
    let Some(column) = column else { return };
    let shown: Vec<String> = column.values.iter().take(NAMED_MAX).map(|(value, _)| one_line(value)).collect();
    let more = if column.values.len() > NAMED_MAX { ", …" } else { "" };
    let missing = if column.missing > 0 { format!("; {} rows have none", column.missing) } else { String::new() };
    add(out, format!("{key} = {}  # {}{more}{missing}", quoted(&column.name), shown.join(", ")));
}

fn one_line(text: &str) -> String {
    csv::shown(text).chars().take(30).collect()
}

fn separator(out: &mut String, separator: Option<u8>) {
    if let Some(separator) = separator {
        add(out, format!("csv = {{ separator = {} }}", quoted(&csv::written(separator))));
    }
}

fn users(out: &mut String, users: &Users<'_>) {
    add(out, format!("\n# {} rows of one file looked at; {} files.", users.table.rows, users.table.files));
    add(out, "[users]");
    add(out, format!("path = {}", quoted(&users.table.path)));
    column(out, "id", Some(users.id));
    column(out, "age", users.age);
    column(out, "birth_date", users.birth);
    column(out, "gender", users.gender);
    column(out, "region", users.region);
    column(out, "opted_out", users.opted_out);
    column(out, "registered", users.registered);
    if users.table.days > 1 {
        add(out, "dumps = \"newest\"  # each day's folder is the whole table; \"all\" when they are parts of it");
    }
    others(out, &users.others());
    separator(out, users.table.separator);
}

/// Names the columns that the proposal leaves out.
fn others(out: &mut String, columns: &[&str]) {
    if !columns.is_empty() {
        add(out, one_line_comment(&format!("# not used: {}", columns.join(", "))));
    }
}

fn events(out: &mut String, name: &str, events: &Events<'_>) {
    add(out, format!("\n# {} rows of one file looked at; {} files.", events.table.rows, events.table.files));
    add(out, "[[events]]");
    add(out, format!("name = {}", quoted(name)));
    add(out, format!("path = {}", quoted(&events.table.path)));
    column(out, "user", Some(events.user));
    column(out, "time", Some(events.time));
    if events.time.holds == Holds::Instant {
        add(out, "time_zone = \"UTC\"  # the old INT96 times do not say theirs: Spark writes UTC, Hive local times");
    }
    match events.kind {
        Some(_) => column(out, "kind", events.kind),
        None => add(out, "kind_is = \"purchase\"  # no column seems to say what an event is"),
    }
    column(out, "category", events.category);
    column(out, "amount", events.amount);
    if events.amount.is_some_and(|amount| amount.holds == Holds::Number) {
        add(out, "amount_decimals = 2  # decimals that count");
    }
    let used = [Some(events.user), Some(events.time), events.kind, events.category, events.amount];
    others(out, &unused(events.table, &used));
    separator(out, events.table.separator);
}

fn genders(out: &mut String, gender: Option<&SurveyedColumn>) {
    let Some(gender) = gender else { return };
    let mut ids = HashSet::new();
    for (code, rows) in &gender.values {
        let (id, ja, en) = match code.trim().to_lowercase().as_str() {
            "f" | "female" | "w" | "woman" | "女" | "女性" => ("f".to_owned(), "女性", "Women"),
            "m" | "male" | "man" | "男" | "男性" => ("m".to_owned(), "男性", "Men"),
            _ => (slug(code, "gender"), code.as_str(), code.as_str()),
        };
        add(out, format!("\n[[genders]]  # {rows} people"));
        add(out, format!("id = {}", quoted(&unique(&id, &mut ids))));
        add(out, format!("code = {}", quoted(code)));
        names(out, ja, en);
    }
}

fn regions(out: &mut String, region: Option<&SurveyedColumn>) {
    let Some(region) = region else { return };
    let mut codes: Vec<&(String, u64)> = region.values.iter().collect();
    codes.sort();
    let mut ids = HashSet::new();
    for (code, rows) in codes {
        add(out, format!("\n[[regions]]  # {rows} people; give it names"));
        add(out, format!("code = {}", quoted(code)));
        add(out, format!("id = {}", quoted(&unique(&slug(code, "region"), &mut ids))));
        names(out, code, code);
    }
}

/// What else is known of people, as comments: whether it follows from purchases is not to be seen here.
fn attributes(out: &mut String, users: &Users<'_>) {
    let others = users.others();
    let mut ids = HashSet::new();
    let mut proposed = String::new();
    for column in users.table.columns.iter().filter(|column| others.contains(&column.name.as_str())) {
        let is_number = matches!(column.holds, Holds::Number | Holds::WholeNumber);
        let has_few = (2..=CHOICES_MAX).contains(&column.values.len());
        if !(is_number || (has_few && matches!(column.holds, Holds::Text | Holds::Flag))) {
            continue;
        }
        add(&mut proposed, "\n[[attributes]]");
        add(&mut proposed, format!("id = {}", quoted(&unique(&slug(&column.name, "attribute"), &mut ids))));
        add(&mut proposed, format!("column = {}", quoted(&column.name)));
        names(&mut proposed, &column.name, &column.name);
        if !is_number {
            let mut taken = HashSet::new();
            add(&mut proposed, "condition = true");
            add(&mut proposed, "choices = [");
            for (code, _) in &column.values {
                let (id, code) = (quoted(&unique(&slug(code, "choice"), &mut taken)), quoted(code));
                add(&mut proposed, format!("    {{ id = {id}, code = {code}, ja = {code}, en = {code} }},"));
            }
            add(&mut proposed, "]");
        }
    }
    if !proposed.is_empty() {
        add(
            out,
            "\n# What models may learn from, and what planners may ask for: remove the marks of what you want. Read in docs/catalog.md",
        );
        add(out, "# under [[attributes]] first what must not be learned from.");
        proposed.trim_start().lines().for_each(|line| add(out, format!("# {line}")));
    }
}

fn products(out: &mut String, table: &str, events: &Events<'_>, ids: &mut HashSet<String>) {
    let kinds = events.kinds();
    let kind = kinds.first().copied().unwrap_or("purchase");
    let categories: Vec<&str> = events
        .category
        .into_iter()
        .flat_map(|category| &category.values)
        .map(|(value, _)| value.as_str())
        .take(PRODUCTS_MAX)
        .collect();
    let mut add_product = |id: &str, name: &str, category: Option<&str>| {
        add(out, "\n[[products]]  # what you advertise; give it names and its horizon");
        add(out, format!("id = {}", quoted(&unique(&slug(id, "product"), ids))));
        names(out, name, name);
        add(out, format!("table = {}", quoted(table)));
        let others = if kinds.len() > 1 { format!("  # of {}", kinds.join(", ")) } else { String::new() };
        add(out, format!("kind = {}{}", quoted(kind), one_line_comment(&others)));
        if let Some(category) = category {
            add(out, format!("categories = [{}]", quoted(category)));
        }
        add(out, "horizon_days = 28  # how long after a snapshot a conversion counts");
    };
    match categories.as_slice() {
        [] => add_product(&format!("{table}-{kind}"), kind, None),
        several => several.iter().for_each(|category| add_product(category, category, Some(category))),
    }
}

fn one_line_comment(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect()
}

fn names(out: &mut String, ja: &str, en: &str) {
    add(out, format!("ja = {}", quoted(ja)));
    add(out, format!("en = {}", quoted(en)));
}

/// The folder or file that a path's table is in: `events` of `shop/events/day=*/*.parquet`.
fn table_name(path: &str) -> String {
    let named = path.split('/').rev().find(|part| !part.starts_with('*') && !part.contains('='));
    let stem = named.unwrap_or("events").split(['.', '*']).next().unwrap_or_default();
    slug(stem.trim_end_matches(['_', '-']), "events")
}

/// `[a-z0-9_-]+` of at most 60; `instead` where nothing is left.
fn slug(text: &str, instead: &str) -> String {
    let kept: String = text
        .to_lowercase()
        .chars()
        .map(|c| if c.is_whitespace() { '-' } else { c })
        .filter(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-'))
        .take(50)
        .collect();
    if kept.is_empty() { instead.to_owned() } else { kept }
}

/// `wanted`, with a number where it is taken.
fn unique(wanted: &str, taken: &mut HashSet<String>) -> String {
    let mut name = wanted.to_owned();
    let mut next = 2;
    while !taken.insert(name.clone()) {
        name.clear();
        let _ = write!(name, "{wanted}-{next}");
        next += 1;
    }
    name
}
