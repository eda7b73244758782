//! Numbers in columns, for the terminal.

use crate::texts::grouped;

/// The first column flush left, the others flush right, two spaces between.
pub(super) fn aligned<const N: usize>(rows: &[[String; N]]) -> Vec<String> {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    let line = |row: &[String; N]| {
        let cell = |(column, text): (usize, &String)| {
            let width = widths[column];
            if column == 0 { format!("{text:<width$}") } else { format!("{text:>width$}") }
        };
        let cells: Vec<String> = row.iter().enumerate().map(cell).collect();
        format!("  {}", cells.join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

/// What is found where, in two columns.
pub(super) fn facts(facts: &[(&str, String)]) -> Vec<String> {
    let width = facts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    facts.iter().map(|(name, fact)| format!("{name:<width$}  {fact}")).collect()
}

pub(super) fn count(count: usize) -> String {
    grouped(count as u64)
}

/// A share from 0.0 to 1.0.
pub(super) fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// A number, or a dash where there is none.
pub(super) fn or_dash(value: Option<f64>, decimals: usize) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.decimals$}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_text() {
        let rows = [["name", "gain"], ["visits", "7"]].map(|row| row.map(str::to_owned));
        assert_eq!(aligned(&rows), ["  name    gain", "  visits     7"]);
        assert_eq!(facts(&[("rows", "3".to_owned()), ("trees", "40".to_owned())]), ["rows   3", "trees  40"]);
    }
}
