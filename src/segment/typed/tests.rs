//! What keyboards make of a line, and what is refused because it could be meant in two ways.

use super::*;
use crate::catalog::Catalog;

fn sample() -> Catalog {
    Catalog::parse(include_str!("../../demo/catalog.toml")).unwrap()
}

fn asked(line: &str) -> Result<String, String> {
    let catalog = sample();
    let draft = Draft::from_text(&catalog, line).map_err(|problem| problem.to_string())?;
    match draft.check(&catalog) {
        Ok(conditions) => Ok(conditions.to_string()),
        Err(problems) => Err(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")),
    }
}

const PLAIN: &str = "product=skincare age=25-39 region=tokyo,osaka size=5000 name=\"Spring sale\"";

#[test]
fn what_keyboards_make_of_a_line_is_what_was_meant() {
    let plain = asked(PLAIN).unwrap();
    let mut lines = vec![
        PLAIN.replace(' ', "\u{a0}").replace("Spring\u{a0}", "Spring "),
        PLAIN.replace(" age", " \u{200b}age").replace("osaka", "osaka\u{200b}"),
        format!("\u{feff}{}", PLAIN.replace(" age", " \u{200e}age")),
        "Product=Skincare Age=25-39 Region=Tokyo,Osaka Size=5000 name=\"Spring sale\"".to_owned(),
        "ｐｒｏｄｕｃｔ＝ｓｋｉｎｃａｒｅ　ａｇｅ＝２５～３９　ｒｅｇｉｏｎ＝ｔｏｋｙｏ，ｏｓａｋａ　ｓｉｚｅ＝５，０００人 name=＂Spring sale＂".to_owned(),
        "product = skincare age = 25 - 39 region = tokyo, osaka size = 5,000 name = \"Spring sale\"".to_owned(),
        "product=ｽｷﾝｹｱ age=25歳から39歳まで region=東京都、大阪府 size=5_000 name=『Spring sale』".to_owned(),
    ];
    lines.extend(DASHES.iter().map(|dash| PLAIN.replace('-', &dash.to_string())));
    lines.extend(COMMAS.iter().map(|comma| PLAIN.replace(',', &comma.to_string())));
    let pairs = [
        ('“', '”'),
        ('„', '“'),
        ('‘', '’'),
        ('«', '»'),
        ('「', '」'),
        ('\'', '\''),
        ('‟', '”'),
        ('”', '”'),
        ('｢', '｣'),
    ];
    lines.extend(pairs.map(|(open, close)| PLAIN.replace("\"Spring sale\"", &format!("{open}Spring sale{close}"))));
    for line in lines {
        assert_eq!(asked(&line).as_deref(), Ok(plain.as_str()), "{line}");
    }
}

#[test]
fn go_is_heard_through_every_dash() {
    for go in ["--go", "—go", "––go", "—Go", "ーーgo", "－－ｇｏ", "−−go", "――go", "--GO", "〜〜go"]
    {
        let line = TypedLine::read(&format!("product=tea {go} size=5%")).unwrap();
        let draft = line.draft(&sample()).unwrap();
        assert!(line.at_once && draft.size.as_deref() == Some("5%"), "{go}");
    }
    assert!(!TypedLine::read("product=tea name=\"--go\"").unwrap().at_once, "a name may be anything");
    assert!(!TypedLine::read("product=tea -go").unwrap().at_once, "one hyphen is not enough");
    assert_eq!(TypedLine::read("ｓｈｏｗ　＃１").unwrap().word(1).as_deref(), Some("#1"));
}

#[test]
fn a_name_keeps_its_own_text() {
    let name = |line: &str| Draft::from_text(&sample(), line).unwrap().name.unwrap();
    assert_eq!(name("name=スーパー、セール product=tea"), "スーパー、セール");
    assert_eq!(name("name=\"25〜39歳・ＡＢＣ\""), "25〜39歳・ＡＢＣ");
    assert_eq!(name("name=O'Neill"), "O'Neill");
    assert_eq!(name("name='Spring' size=5"), "Spring");
    assert_eq!(name("name=👨\u{200d}👩\u{200d}👧"), "👨\u{200d}👩\u{200d}👧");
    let product = Draft::from_text(&sample(), "product=スーパー").unwrap().product;
    assert_eq!(product.as_deref(), Some("スーパー"), "a long vowel is no dash");
}

#[test]
fn ages_are_read_as_people_write_them() {
    for (text, from, to) in [
        ("30代", "30", "39"),
        ("20代-30代", "20", "39"),
        ("40", "40", "40"),
        ("25 〜 39歳", "25", "39"),
        ("３０才", "30", "30"),
    ] {
        assert_eq!(ages(text), (from.to_owned(), to.to_owned()), "{text}");
    }
}

#[test]
fn what_could_be_meant_in_two_ways_is_refused_with_both() {
    let refused: Vec<String> = [
        "product=skincare size=500 age=25,39",
        "product=skincare size=500 age=25、39",
        "product=skincare size=500 age=25 39",
        "product=skincare size=5.000",
        "product=skincare size=1,5",
        "product=skincare size=50,00",
        "product=skincare size=5 000",
        "product=skincare size=500 region=東京 大阪",
        "product=skincare size=500 gender=f m",
        "product=skincare size=500 name=Spring sale",
        "product=skincare,coffee size=500",
    ]
    .into_iter()
    .map(|line| asked(line).expect_err(line))
    .collect();
    insta::assert_snapshot!(refused.join("\n"), @r#"
    `age=25,39` can be read in two ways: `age=25-39` or `age=25`. Write the one you mean.
    `age=25、39` can be read in two ways: `age=25-39` or `age=25`. Write the one you mean.
    `age=25 39` can be read in two ways: `age=25-39` or `age=25`. Write the one you mean.
    `size=5.000` can be read in two ways: `size=5000` or `size=5`. Write the one you mean.
    `size=1,5` can be read in two ways: `size=15` or `size=1.5`. Write the one you mean.
    `size=50,00` can be read in two ways: `size=5000` or `size=50.00`. Write the one you mean.
    `size=5 000` can be read in two ways: `size=5000` or `size=5`. Write the one you mean.
    `region=東京 大阪` can be read in two ways: `region=東京,大阪` or `region=東京`. Write the one you mean.
    `gender=f m` can be read in two ways: `gender=f,m` or `gender=f`. Write the one you mean.
    `name=Spring sale` can be read in two ways: `name="Spring sale"` or `name=Spring`. Write the one you mean.
    `product=skincare,coffee` can be read in two ways: `product=skincare` or `product=coffee`. Write the one you mean.
    "#);
    assert!(refused.iter().all(|said| said.contains("two ways")), "{refused:?}");
}
