//! Which known people a list means.

use super::*;
use crate::lake::csv::Options;

fn matched(text: &str, known: &[&str]) -> Matched {
    compared(text, (None, "id"), known).unwrap()
}

fn compared(text: &str, (column, users_id): (Option<&str>, &str), known: &[&str]) -> Result<Matched, IdListError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list.csv");
    std::fs::write(&path, text).unwrap();
    let mut matcher = Matcher::new(IdList::read(&path, &Options::default(), column, users_id)?);
    for id in known {
        matcher.known(id);
    }
    Ok(matcher.finish())
}

#[test]
fn every_spelling_of_an_id_is_that_person() {
    let spellings = [
        "1008350",
        "1008350.0",
        "'1008350",
        "\"1,008,350\"",
        "１００８３５０",
        "  1008350  ",
        "01008350",
        "1.008350E+06",
        "\"=\"\"1008350\"\"\"",
    ];
    for spelling in spellings {
        let found = matched(&format!("id\n{spelling}\n"), &["7", "1008350", "10083500"]);
        assert_eq!((found.ids, found.known, found.doubtful), (vec!["1008350".to_owned()], 1, Vec::new()), "{spelling}");
    }
}

#[test]
fn a_text_id_that_lost_its_zeros_or_its_case_is_found_where_only_one_person_is_meant() {
    let known = ["000123", "AB-7", "ab-9", "Ab-9"];
    let found = matched("id\n123\nab-7\nAb-9\n", &known);
    assert_eq!(found.ids, ["000123", "AB-7", "Ab-9"]);
    assert_eq!((found.listed, found.known, found.respelled), (3, 3, 2));
    let found = matched("id\nAB-9\n", &known);
    assert!(found.has_broken());
    assert_eq!(found.ids, ["Ab-9", "ab-9"], "nobody who may be meant is contacted");
    insta::assert_snapshot!(quoted(&found.doubtful), @"line 2 `AB-9` may be `Ab-9` or `ab-9`");
}

#[test]
fn an_id_that_is_somebodys_as_it_stands_is_that_persons() {
    let found = matched("id\n007\n'q\n", &["7", "007", "q", "'q"]);
    assert_eq!(found.ids, ["'q", "007"]);
}

#[test]
fn what_a_spreadsheet_rounded_is_told_first() {
    let found = matched("id\nx\ny\n1.23457E+11\n1234567890123450000\n5\n", &["123456789012", "5"]);
    assert_eq!((found.listed, found.known, found.unknown()), (5, 1, 4));
    assert!(found.has_broken());
    insta::assert_snapshot!(quoted(&found.doubtful), @"line 4 `1.23457E+11` looks like a number that a spreadsheet rounded, line 5 `1234567890123450000` looks like a number that a spreadsheet rounded, line 2 `x`");
}

#[test]
fn a_delivered_file_is_a_list() {
    let text = "rank,user_id,score,decile\n1,'-Nx1,0.9,1\n2,''q,0.8,1\n3,'+81,0.7,2\n4,plain,0.6,2\n";
    let found = matched(text, &["-Nx1", "'q", "+81", "plain", "''q"]);
    assert_eq!(found.ids, ["'q", "+81", "-Nx1", "plain"]);
    assert_eq!((found.known, found.doubtful.len()), (4, 0));
}

#[test]
fn the_column_is_found_by_the_users_name_or_by_ours_or_by_being_alone() {
    let known = ["1", "2", "3"];
    let with = |text: &str| compared(text, (None, "customer"), &known).unwrap().ids;
    assert_eq!(with("why,customer\nasked,1\nasked,2\n"), ["1", "2"]);
    assert_eq!(with("\u{feff}Customer,why\n1,x\n"), ["1"]);
    assert_eq!(with("user_id\n3\n"), ["3"]);
    assert_eq!(with("1\n2\n1\n"), ["1", "2"], "no header, and the first id once more");
    assert_eq!(with("\u{feff}1\r\n2\r\n"), ["1", "2"]);
    let found = compared("顧客番号\n1\n2\n", (None, "customer"), &known).unwrap();
    assert_eq!((found.ids, found.name), (vec!["1".to_owned(), "2".to_owned()], Some("顧客番号".to_owned())));
    assert_eq!(compared("a,b\n1,2\n", (Some("b"), "customer"), &known).unwrap().ids, ["2"]);
}

#[test]
fn a_list_that_cannot_be_read_says_what_to_do() {
    let refusal = |text: &str, column: Option<&str>| {
        let error = compared(text, (column, "customer"), &[]).unwrap_err().to_string();
        error[error.find("list.csv").unwrap()..].to_owned()
    };
    insta::assert_snapshot!(refusal("a,b\n1,2\n", None), @"list.csv: no column is called `customer` or `user_id`; it has `a`, `b`. Name the column of people's ids with --column");
    insta::assert_snapshot!(refusal("a\n1\n", Some("b")), @"list.csv: no column is called `b`; it has `a`. Name the column of people's ids with --column");
    insta::assert_snapshot!(refusal("customer\n", None), @"list.csv names nobody; `suppression clear` takes the list out of force");
    insta::assert_snapshot!(refusal("customer,why\n1,x\n ,x\n", None), @"list.csv, line 3: the id is empty; write it or remove the line");
    insta::assert_snapshot!(refusal("customer\n\"1\n2\"\n", None), @r#"list.csv, line 2: the quotation mark that opens field 1 is closed in line 3 only, and the lines between look like rows of their own; close it in its own row, or remove both. A quotation mark inside a field in quotation marks is written twice ("")"#);
}
