//! What is read and what is refused, in words.

use proptest::prelude::*;

use super::{CsvError, Options, Reader};

fn read_with(text: &[u8], options: &Options) -> Result<Vec<Vec<String>>, CsvError> {
    let mut reader = Reader::new(Box::new(std::io::Cursor::new(text.to_vec())), "t.csv", options)?;
    let mut rows = vec![reader.header().to_vec()];
    let width = rows[0].len();
    while let Some(row) = reader.next_row()? {
        rows.push((0..width).map(|place| row.get(place).unwrap_or("∅").to_owned()).collect());
    }
    Ok(rows)
}

fn read(text: &str) -> Vec<Vec<String>> {
    read_with(text.as_bytes(), &Options::default()).unwrap()
}

fn refused(text: impl AsRef<[u8]>) -> String {
    read_with(text.as_ref(), &Options::default()).unwrap_err().to_string()
}

#[test]
fn rows_are_read_whatever_the_line_ends_and_quotation_marks() {
    let expected =
        [["id", "note", "age"], ["1", "two\nlines, \"x\"", "∅"], ["2", "5\" screen and \"quoted\" words", "7"]];
    for mark in ["", "\u{feff}"] {
        for end in ["\n", "\r\n", "\r"] {
            for last in ["", "\n", "\n\n\n"] {
                let text = "id,note,age\n1,\"two@lines, \"\"x\"\"\",\"\"\n2,5\" screen and \"quoted\" words,7";
                let text = format!("{mark}{}{}", text.replace('\n', end).replace('@', "\n"), last.replace('\n', end));
                assert_eq!(read(&text), expected, "{text:?}");
            }
        }
    }
    assert_eq!(read("a,b"), [["a", "b"]]);
    assert_eq!(read("a,b\n\n1,\n"), [["a", "b"], ["1", "∅"]]);
    assert_eq!(read("a\n\"\"\n  \n2"), [["a"], ["∅"], ["∅"], ["2"]]);
    assert_eq!(read("\"a\",\"C:\\\"\n1,\"x\\\"\n"), [["a", "C:\\"], ["1", "x\\"]]);
}

#[test]
fn quotation_marks_that_do_not_fit_are_refused_with_their_line() {
    insta::assert_snapshot!(refused("a,b\n1,\"x\n2,y\n"), @r#"t.csv, line 2: the quotation mark that opens field 2 is never closed; close it, or remove it. A quotation mark inside a field in quotation marks is written twice ("")"#);
    insta::assert_snapshot!(refused("a,b\n1,\"x\n2,y\n3,\"z\"\n"), @r#"t.csv, line 4: field 2 is closed by a quotation mark (opened in line 2), but `z` follows it. A quotation mark inside a field in quotation marks is written twice ("")"#);
    insta::assert_snapshot!(refused("a,b\n1,\"x\" \n"), @r#"t.csv, line 2: field 2 is closed by a quotation mark (opened in line 2), but ` ` follows it. A quotation mark inside a field in quotation marks is written twice ("")"#);
    insta::assert_snapshot!(refused("a,b\n1, \"x\"\n"), @"t.csv, line 2: field 2 has spaces around its quotation marks; remove the spaces");
    insta::assert_snapshot!(refused("a,b\n1,\"say \\\"hi\\\" now\"\n"), @r#"t.csv, line 2: a backslash stands before a quotation mark in field 2 (opened in line 2). A quotation mark inside a field in quotation marks is written twice ("")"#);
    insta::assert_snapshot!(refused("a,b\n1,\"x\"é\n"), @r#"t.csv, line 2: field 2 is closed by a quotation mark (opened in line 2), but `…` follows it. A quotation mark inside a field in quotation marks is written twice ("")"#);
}

#[test]
fn a_field_that_swallowed_rows_is_refused_and_a_note_of_several_lines_is_not() {
    insta::assert_snapshot!(refused("id,age,note\n1,33,\"fine\n2,34,x\n3,35,size 5\"\n4,36,y\n"), @r#"t.csv, line 2: the quotation mark that opens field 3 is closed in line 4 only, and the lines between look like rows of their own; close it in its own row, or remove both. A quotation mark inside a field in quotation marks is written twice ("")"#);
    insta::assert_snapshot!(refused("id,note,age\n1,\"fine,33\n2,x,34\n3,size 5\",35\n"), @r#"t.csv, line 2: the quotation mark that opens field 2 is closed in line 4 only, and the lines between look like rows of their own; close it in its own row, or remove both. A quotation mark inside a field in quotation marks is written twice ("")"#);
    insta::assert_snapshot!(refused("note,id,age\n\"fine,1,33\nx,2,34\nsize 5\",3,35\n"), @r#"t.csv, line 2: the quotation mark that opens field 1 is closed in line 4 only, and the lines between look like rows of their own; close it in its own row, or remove both. A quotation mark inside a field in quotation marks is written twice ("")"#);
    insta::assert_snapshot!(refused("id,\"note\n1,x\n2,y\"\n3,z\n"), @r#"t.csv, line 1: the quotation mark that opens field 2 is closed in line 3 only, and the lines between look like rows of their own; close it in its own row, or remove both. A quotation mark inside a field in quotation marks is written twice ("")"#);
    insta::assert_snapshot!(refused("id,note\nu1,\"x\nu2,y\"\n"), @r#"t.csv, line 2: the quotation mark that opens field 2 is closed in line 3 only, and the lines between look like rows of their own; close it in its own row, or remove both. A quotation mark inside a field in quotation marks is written twice ("")"#);
    insta::assert_snapshot!(refused("id\n\"1\n2\"\n"), @r#"t.csv, line 2: the quotation mark that opens field 1 is closed in line 3 only, and the lines between look like rows of their own; close it in its own row, or remove both. A quotation mark inside a field in quotation marks is written twice ("")"#);
    for fine in [
        "id,age,note\n1,33,\"Dear all,\nplease call, or write, soon\nor never\"\n",
        "id,age,note\n1,33,\"one\n\ntwo\"\n",
        "id,note\n1,\"hello\nGood day, sir\"\n",
        "id,note,age\n1,\"x, y,\nz\",3\n",
        "id,note,more\n1,\"two\nlines\",\"three\nmore\nlines\"\n",
    ] {
        assert_eq!(read(fine).len(), 2, "{fine}");
    }
}

#[test]
fn rows_with_other_numbers_of_fields_are_refused() {
    insta::assert_snapshot!(refused("a,b,c\n1,2,3\n4,5,6,7\n"), @"t.csv, line 3: the row has 4 fields, but the header has 3; a field that holds the separator must be in quotation marks");
    insta::assert_snapshot!(refused("a,b,c\n1,\"2\nx\",3\n4,5"), @"t.csv, line 4: the row has 2 fields, but the header has 3; the row breaks off or lacks separators: write it again");
    insta::assert_snapshot!(refused("a,b\n1,2\n \n"), @"t.csv, line 3: the row has 1 field, but the header has 2; the row breaks off or lacks separators: write it again");
    insta::assert_snapshot!(refused("a\n1\n\n2\n"), @r#"t.csv, line 3: the line is blank; in a file with one column that may be a missing value: write "" there, or remove the line"#);
    insta::assert_snapshot!(refused("a,b\n1,2\0\n"), @"t.csv, line 2: there is a NUL byte, so the file is damaged or no text; write it again, as UTF-8");
}

#[test]
fn another_separator_is_named_unless_it_was_chosen() {
    insta::assert_snapshot!(refused("id;age;sum, yen\n1;2;3\n"), @r#"t.csv, line 1: the fields seem to be separated by semicolons, not by commas; the header is `id;age;sum, yen`. Separate them by commas, or name the separator: on the command line with --separator ';', in the catalog with the table's `csv = { separator = ";" }`"#);
    insta::assert_snapshot!(refused("id\tage\n1\t2\n"), @r#"t.csv, line 1: the fields seem to be separated by tabs, not by commas; the header is `id age`. Separate them by commas, or name the separator: on the command line with --separator 'tab', in the catalog with the table's `csv = { separator = "tab" }`"#);
    insta::assert_snapshot!(refused("sep=;\nid;age\n"), @"t.csv, line 1: the line `sep=;` is a hint for Excel, not a header; remove it and name the separator with --separator or in the catalog");
    let by = |separator, text: &str| {
        read_with(text.as_bytes(), &Options { separator: Some(separator), null: vec!["?".to_owned()] })
    };
    assert_eq!(by(b';', "a;b\n1,5; ? \n").unwrap(), [["a", "b"], ["1,5", "∅"]]);
    assert_eq!(by(b'\t', "a\tb\n\t\"x\ty\"\n").unwrap(), [["a", "b"], ["∅", "x\ty"]]);
    assert_eq!(by(b',', "a|b\n1\n").unwrap(), [["a|b"], ["1"]]);
    insta::assert_snapshot!(by(b';', "a,b\n1,2\n").unwrap_err(), @r#"t.csv, line 1: the fields seem to be separated by commas, not by semicolons; the header is `a,b`. Separate them by commas, or name the separator: on the command line with --separator ',', in the catalog with the table's `csv = { separator = "," }`"#);
}

#[test]
fn other_encodings_are_refused_and_named() {
    let (cp932, ..) = encoding_rs::SHIFT_JIS.encode("id,name\r\n1,x\r\n2,山田太郎\r\n");
    insta::assert_snapshot!(refused(cp932), @"t.csv, line 3: the text is not UTF-8 (it seems to be CP932, as Excel saves CSV in Japan); save the file as `CSV UTF-8`");
    insta::assert_snapshot!(refused(b"a,b\n1,\xe3\x81"), @"t.csv, line 2: the text is not UTF-8; save the file as `CSV UTF-8`");
    let utf16: Vec<u8> = "id,name\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    insta::assert_snapshot!(refused([b"\xff\xfe".as_slice(), &utf16].concat()), @"t.csv, line 1: the text is UTF-16, not UTF-8; save the file as `CSV UTF-8`");
    insta::assert_snapshot!(refused(""), @"t.csv: the file is empty; its first line must name the columns");
}

#[test]
fn pieces_may_end_anywhere() {
    // Every row lies on some border of what is read at a time, in the middle of a character, of a CRLF or of quotation marks.
    let row = "12345,\"山田, \"\"太郎\"\"\r\nのメモ\",x\r\n";
    for shift in 0..row.len() {
        let text = format!("id,{},b\r\n{}", "n".repeat(shift + 1), row.repeat(4000));
        let rows = read(&text);
        assert_eq!(rows.len(), 4001);
        assert!(rows[1..].iter().all(|row| row[1] == "山田, \"太郎\"\r\nのメモ"));
    }
}

#[test]
fn compressed_files_are_whole_or_refused() {
    use std::io::Write as _;
    let folder = tempfile::tempdir().unwrap();
    let text = "id,note\n".to_owned() + &"1,some words\n".repeat(50_000);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(text.as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    let opened = |bytes: &[u8]| {
        let path = folder.path().join("x");
        std::fs::write(&path, bytes).unwrap();
        let mut reader = Reader::open(&path, "t.CSV.GZ", &Options::default())?;
        let mut rows = 0;
        while reader.next_row()?.is_some() {
            rows += 1;
        }
        Ok::<_, CsvError>(rows)
    };
    assert_eq!(opened(&packed).unwrap(), 50_000);
    // Several compressed files in one are one to gzip, and so is their text.
    insta::assert_snapshot!(opened(&[packed.as_slice(), &packed].concat()).unwrap_err(), @"t.CSV.GZ, line 50002: the header stands here once more: are these several files in one? Keep them apart, or remove the line");
    // How far a file that breaks off can be read depends on how it was compressed, which differs from one processor to another.
    let broken_off = opened(&packed[..packed.len() * 2 / 3]).unwrap_err().to_string();
    assert!(
        broken_off.ends_with(": the compressed file breaks off, or other bytes follow its end; copy or write it again"),
        "{broken_off}"
    );
    insta::assert_snapshot!(opened(&[&packed, b"more".as_slice()].concat()).unwrap_err(), @"t.CSV.GZ, line 50002: the compressed file breaks off, or other bytes follow its end; copy or write it again");
    let mut damaged = packed.clone();
    let at = damaged.len() - 6;
    damaged[at] ^= 1;
    insta::assert_snapshot!(opened(&damaged).unwrap_err(), @"t.CSV.GZ, line 50002: the compressed file is damaged, or other bytes follow its end; copy or write it again");
    insta::assert_snapshot!(opened(text.as_bytes()).unwrap_err(), @"t.CSV.GZ: the name ends in .gz, but the file is not compressed with gzip; name it .csv, or compress it");
    insta::assert_snapshot!(opened(b"").unwrap_err(), @"t.CSV.GZ: the file is empty; its first line must name the columns");
    insta::assert_snapshot!(refused(&packed), @"t.csv, line 1: this is a file compressed with gzip, not CSV; name it .csv.gz if it holds CSV");
}

/// A way to write the same table.
#[derive(Debug, Clone, Copy)]
struct Dialect {
    separator: u8,
    terminator: ::csv::Terminator,
    style: ::csv::QuoteStyle,
    mark: bool,
    null: &'static str,
}

fn dialects() -> impl Strategy<Value = Dialect> {
    use ::csv::{QuoteStyle, Terminator};
    let terminators = [Terminator::Any(b'\n'), Terminator::CRLF, Terminator::Any(b'\r')];
    let styles = [QuoteStyle::Necessary, QuoteStyle::Always, QuoteStyle::NonNumeric];
    let separators = prop::sample::select(b",;\t|".to_vec());
    let ends = (prop::sample::select(terminators.to_vec()), prop::sample::select(styles.to_vec()));
    (separators, ends, any::<bool>(), prop::sample::select(vec!["", "?", "NULL"]))
        .prop_map(|(separator, (terminator, style), mark, null)| Dialect { separator, terminator, style, mark, null })
}

/// Rows of three cells; `cell` is a pattern.
fn rows(cell: &'static str) -> impl Strategy<Value = Vec<[Option<String>; 3]>> {
    let cells = prop::array::uniform3(prop::option::weighted(0.8, cell));
    // A row without any value may look like a blank line in one column only.
    prop::collection::vec(cells, 1..12)
}

fn written(rows: &[[Option<String>; 3]], dialect: Dialect) -> Vec<u8> {
    let mut writer = ::csv::WriterBuilder::new()
        .delimiter(dialect.separator)
        .terminator(dialect.terminator)
        .quote_style(dialect.style)
        .from_writer(if dialect.mark { b"\xef\xbb\xbf".to_vec() } else { Vec::new() });
    writer.write_record(["id", "note", "age"]).unwrap();
    for row in rows {
        writer.write_record(row.iter().map(|cell| cell.as_deref().unwrap_or(dialect.null))).unwrap();
    }
    writer.into_inner().unwrap()
}

fn as_read(rows: &[[Option<String>; 3]]) -> Vec<Vec<String>> {
    let cell = |cell: &Option<String>| match cell.as_deref().map(str::trim) {
        None | Some("" | "?" | "NULL") => "∅".to_owned(),
        Some(_) => cell.clone().unwrap_or_default(),
    };
    let header = ["id", "note", "age"].map(str::to_owned).to_vec();
    std::iter::once(header).chain(rows.iter().map(|row| row.iter().map(cell).collect())).collect()
}

fn options(dialect: Dialect) -> Options {
    Options { separator: Some(dialect.separator), null: vec!["?".to_owned(), "NULL".to_owned()] }
}

/// Rows of a text by the rule of RFC 4180 alone, header included; `None` where a quotation mark stays open.
fn counted(text: &[u8]) -> Option<usize> {
    let (mut rows, mut quoted, mut at_start, mut empty) = (0, false, true, true);
    let mut bytes = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text).iter().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' if quoted && bytes.peek() == Some(&&b'"') => drop(bytes.next()),
            b'"' if quoted => quoted = false,
            b'"' if at_start => (quoted, empty) = (true, false),
            b'\n' | b'\r' if !quoted => {
                rows += usize::from(!empty);
                (at_start, empty) = (true, true);
                continue;
            }
            _ => empty = false,
        }
        at_start = !quoted && *byte == b',';
    }
    (!quoted).then_some(rows + usize::from(!empty))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_dialect_reads_back_what_was_written(rows in rows("[a-zA-Z0-9 .'é東-]{1,12}"), dialect in dialects()) {
        prop_assert_eq!(read_with(&written(&rows, dialect), &options(dialect)).unwrap(), as_read(&rows));
    }

    #[test]
    fn any_text_in_a_cell_reads_back_or_is_refused(rows in rows("[a-z0-9\",;\t|\n\r\\\\ ?]{1,12}"), dialect in dialects()) {
        if let Ok(read) = read_with(&written(&rows, dialect), &options(dialect)) {
            prop_assert_eq!(read, as_read(&rows));
        }
    }

    #[test]
    fn changed_bytes_lose_no_row_in_silence(
        rows in rows("[a-z0-9\", ]{1,8}"),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..6),
    ) {
        let usual = Dialect {
            separator: b',', terminator: ::csv::Terminator::Any(b'\n'), style: ::csv::QuoteStyle::Necessary, mark: false, null: "",
        };
        let mut text = written(&rows, usual);
        for (place, byte, how) in changes {
            let at = place.index(text.len());
            match how {
                0 => text[at] = byte,
                1 => text.insert(at, byte),
                _ if text.len() > 1 => drop(text.remove(at)),
                _ => {}
            }
        }
        if let Ok(read) = read_with(&text, &Options::default()) {
            prop_assert_eq!(Some(read.len()), counted(&text), "{:?}", String::from_utf8_lossy(&text));
        }
    }
}
