//! What a file is that is no UTF-8 text: told by its first bytes, or by what its text is in other encodings.

use std::ops::RangeInclusive;

use encoding_rs::{EUC_JP, Encoding, SHIFT_JIS, WINDOWS_1252};

use super::Fault;

/// Bytes that are enough to know a file by.
pub(super) const SNIFFED: usize = 64;

const UNPACK: &str = "unpack it; .csv and .csv.gz are read";
const EXPORT: &str = "save the table as `CSV UTF-8`";

/// First bytes of files that are sometimes named as if they were CSV.
const FOREIGN: &[(&[u8], &str, &str)] = &[
    (b"\x1f\x8b", "a file compressed with gzip", "name it .csv.gz if it holds CSV"),
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook", EXPORT),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook", EXPORT),
    (b"\x28\xb5\x2f\xfd", "a file compressed with zstd", UNPACK),
    (b"BZh", "a file compressed with bzip2", UNPACK),
    (b"\xfd7zXZ", "a file compressed with xz", UNPACK),
    (b"7z\xbc\xaf", "a 7z archive", UNPACK),
    (b"PAR1", "a Parquet file", "name it .parquet"),
    (b"ORC", "an ORC file", "write it as Parquet or CSV"),
    (b"Obj\x01", "an Avro file", "write it as Parquet or CSV"),
    (b"ARROW1", "an Arrow file", "write it as Parquet or CSV"),
    (b"%PDF", "a PDF", EXPORT),
];

/// Refuses a file that begins like something else than UTF-8 text.
pub(super) fn refuse_foreign(start: &[u8]) -> Result<(), Fault> {
    // A header may begin with these letters, but then goes on as text.
    let is_text = start.iter().take(SNIFFED).all(|byte| !byte.is_ascii_control() || byte.is_ascii_whitespace());
    let foreign = FOREIGN.iter().find(|(magic, ..)| start.starts_with(magic));
    if let Some((_, what, remedy)) = foreign.filter(|(magic, ..)| !is_text || matches!(*magic, b"PAR1" | b"%PDF")) {
        return Err(Fault::Foreign { what, remedy });
    }
    if let Some(wide) = wide(start) {
        return Err(Fault::Wide(wide));
    }
    let text = start[..start.len().min(SNIFFED)].trim_ascii_start().to_ascii_lowercase();
    let begins = |with: &[&[u8]]| with.iter().any(|with| text.starts_with(with));
    if begins(&[b"<!doctype", b"<html", b"<?xml"]) {
        return Err(Fault::Foreign { what: "a web page or XML", remedy: "fetch the table itself" });
    }
    if begins(&[b"{\"", b"[{", b"{ \"", b"{\n"]) {
        return Err(Fault::Foreign { what: "JSON", remedy: "write it as CSV or Parquet" });
    }
    Ok(())
}

/// UTF-16 or UTF-32, by byte order mark or by where the zeros are.
fn wide(start: &[u8]) -> Option<&'static str> {
    let zeros = |step: usize, places: &[usize]| {
        let whole = start.len().min(SNIFFED) / step * step;
        whole >= 2 * step
            && places.iter().all(|&place| start[..whole].iter().skip(place).step_by(step).all(|b| *b == 0))
    };
    if start.starts_with(b"\xff\xfe\0\0") || start.starts_with(b"\0\0\xfe\xff") {
        return Some("UTF-32");
    }
    if start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff") {
        return Some("UTF-16");
    }
    if zeros(4, &[1, 2, 3]) || zeros(4, &[0, 1, 2]) {
        return Some("UTF-32");
    }
    // Letters beyond Latin have no zeros; a header without one would be unusual.
    let share = |odd: usize| start.iter().take(SNIFFED).skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    let many = start.len().min(SNIFFED) / 4;
    (many > 0 && (share(0) >= many) != (share(1) >= many)).then_some("UTF-16")
}

/// The encoding that `bytes`, which are no UTF-8, seem to be in.
pub(super) fn seems(bytes: &[u8]) -> Option<&'static str> {
    let decoded = |encoding: &'static Encoding| {
        let mut decoder = encoding.new_decoder_without_bom_handling();
        let mut text = String::with_capacity(decoder.max_utf8_buffer_length(bytes.len())?);
        // What comes after these bytes is not known, so a character may break off.
        let (_, _, wrong) = decoder.decode_to_string(bytes, &mut text, false);
        (!wrong).then_some(text)
    };
    let count = |text: &str, range: RangeInclusive<char>| text.chars().filter(|c| range.contains(c)).count();
    if let Some(text) = decoded(SHIFT_JIS) {
        // EUC-JP read as CP932 is kana of half width, and so are names in such kana.
        let (wide, half) = (count(&text, '\u{3000}'..='\u{9fff}'), count(&text, '\u{ff61}'..='\u{ff9f}'));
        if wide > 0 && wide >= half {
            return Some("CP932, as Excel saves CSV in Japan");
        } else if half > 0 {
            return Some("CP932 or EUC-JP");
        }
    }
    if decoded(EUC_JP).is_some_and(|text| count(&text, '\u{3040}'..='\u{30ff}') > 0) {
        return Some("EUC-JP");
    }
    decoded(WINDOWS_1252).filter(|text| text.chars().any(char::is_alphabetic)).map(|_| "Windows-1252 or the like")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(start: &[u8]) -> String {
        refuse_foreign(start).map_or_else(|fault| fault.to_string(), |()| "text".to_owned())
    }

    #[test]
    fn files_that_are_no_csv_are_called_what_they_are() {
        assert!(refused(b"\x1f\x8b\x08\0\0").contains("gzip"));
        assert!(refused(b"PK\x03\x04\x14\0").contains("Excel"));
        assert!(refused(b"\x28\xb5\x2f\xfd\x04\0").contains(".csv.gz"));
        assert!(refused(b"PAR1\x15\x04").contains("Parquet"));
        assert!(refused(b"<!DOCTYPE html><html>").contains("web page"));
        assert!(refused(b"{\"id\": 1}\n").contains("JSON"));
        for text in ["ORC,b\n1,2\n", "BZh,b\n", "user_id,age\n1,2\n", "a", ""] {
            assert_eq!(refused(text.as_bytes()), "text", "{text}");
        }
    }

    #[test]
    fn wide_encodings_are_known_with_and_without_a_mark() {
        let utf16: Vec<u8> = "user_id,age\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = "user_id,年齢\r\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
        let utf32: Vec<u8> = "user_id,age\r\n".chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
        for text in [[b"\xff\xfe".as_slice(), &utf16].concat(), utf16, big] {
            assert!(refused(&text).contains("UTF-16, not UTF-8"));
        }
        assert!(refused(&utf32).contains("UTF-32"));
    }

    #[test]
    fn other_encodings_are_named() {
        let (cp932, ..) = SHIFT_JIS.encode("会員番号,氏名\r\n1,山田太郎\r\n");
        assert!(seems(&cp932).unwrap().starts_with("CP932"));
        let (kana, ..) = SHIFT_JIS.encode("ｶﾅ,ﾔﾏﾀﾞ\r\n");
        assert!(seems(&kana).unwrap().starts_with("CP932"));
        let (euc, ..) = EUC_JP.encode("会員番号,氏名\r\n1,山田のぞみ\r\n");
        assert!(seems(&euc).unwrap().ends_with("EUC-JP"));
        let (western, ..) = WINDOWS_1252.encode("name\r\nJosé, Zoë\r\n");
        assert!(seems(&western).unwrap().starts_with("Windows-1252"));
    }
}
