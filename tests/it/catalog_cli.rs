//! `segment-bot catalog`: a lake that nobody described gets a catalog that works; what does not fit is said.

use std::{path::Path, process::Output};

use segment_bot::catalog::{AgeColumn, Catalog, KindColumn};

use crate::support::{
    command::{finished, segment_bot},
    sample::sample,
};

async fn catalog(arguments: &[&str], variables: &[(&str, String)]) -> Output {
    let mut command = segment_bot();
    command.arg("catalog").args(arguments).envs(variables.iter().map(|(name, value)| (name, value)));
    tokio::task::spawn_blocking(move || finished(command)).await.unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8([output.stdout.as_slice(), &output.stderr].concat()).unwrap()
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_lake_gets_a_catalog_that_fits_it() {
    let sample = sample().await;
    let (lake, folder) = (sample.folder.path().display().to_string(), tempfile::tempdir().unwrap());
    let file = folder.path().join("catalog.toml").display().to_string();
    let made = catalog(&["init", "--lake", &lake, "--out", &file], &[]).await;
    assert!(made.status.success(), "{}", said(&made));
    let proposed = Catalog::load(Path::new(&file)).unwrap();
    let own = &sample.catalog;
    assert_eq!(proposed.users.path, own.users.path);
    assert_eq!((&proposed.users.id, &proposed.users.age), (&own.users.id, &own.users.age));
    assert_eq!((&proposed.users.gender, &proposed.users.region), (&own.users.gender, &own.users.region));
    assert_eq!(proposed.users.opted_out, own.users.opted_out);
    let (proposed_events, own_events) = (&proposed.events[0], &own.events[0]);
    assert_eq!(proposed_events.path, own_events.path);
    assert_eq!((&proposed_events.time, &proposed_events.kind), (&own_events.time, &own_events.kind));
    assert_eq!((&proposed_events.category, &proposed_events.amount), (&own_events.category, &own_events.amount));
    assert_eq!(proposed.regions.len(), 47);
    assert!(proposed.products.iter().all(|product| product.conversion.kind == "purchase"));

    let place = [("SEGMENT_CATALOG", file.clone()), ("SEGMENT_LAKE", format!("file://{lake}"))];
    let checked = catalog(&["check"], &place).await;
    assert!(checked.status.success(), "{}", said(&checked));
    let again = catalog(&["init", "--lake", &lake, "--out", &file], &[]).await;
    assert!(!again.status.success() && said(&again).contains("is there already"), "{}", said(&again));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lake_of_csv_files_with_semicolons_and_dumps_is_understood() {
    let folder = tempfile::tempdir().unwrap();
    for day in ["2026-11-21", "2026-11-22"] {
        let people = "会員番号;生年月日;性別;配信停止;備考\n007;1990-01-02;女性;0;a\n008;1985-05-06;男性;1;b\n";
        write(folder.path(), &format!("members/dt={day}/all.csv"), people);
        let orders =
            "会員番号;日時;金額\n007;2026-11-20 10:00:00;1200\n008;2026-11-21 11:00:00;300\n007;2026-11-21;5\n";
        write(folder.path(), &format!("orders/dt={day}/part-1.csv"), orders);
    }
    write(folder.path(), "notes/torn.csv", "a,b\n1,\"x\n");
    let lake = folder.path().display().to_string();
    let made = catalog(&["init", "--lake", &lake], &[]).await;
    assert!(made.status.success(), "{}", said(&made));
    assert!(said(&made).contains("# passed over: table `notes/*.csv`, notes/torn.csv, line 2"), "{}", said(&made));
    let proposed = Catalog::parse(&said(&made)).unwrap();
    assert_eq!((proposed.users.path.as_str(), proposed.users.id.as_str()), ("members/dt=*/*.csv", "会員番号"));
    assert_eq!(proposed.users.age, Some(AgeColumn::BirthDate("生年月日".to_owned())));
    assert_eq!(proposed.users.opted_out.as_deref(), Some("配信停止"));
    assert_eq!((proposed.users.csv.separator, proposed.events[0].csv.separator), (Some(b';'), Some(b';')));
    assert_eq!(proposed.genders.iter().map(|gender| gender.id.as_str()).collect::<Vec<_>>(), ["f", "m"]);
    assert_eq!(proposed.events[0].kind, KindColumn::Constant("purchase".to_owned()));
    assert_eq!(proposed.events[0].amount.as_deref(), Some("金額"));
    assert!(said(&made).contains("dumps = \"newest\""), "{}", said(&made));
    assert!(proposed.attributes.is_empty(), "only a person knows whether they follow from purchases");
    let marked = said(&made);
    let attributes = marked.lines().skip_while(|line| *line != "# [[attributes]]").take_while(|line| *line != "# ]");
    let unmarked: String = attributes.map(|line| line.strip_prefix("# ").unwrap_or(line).to_owned() + "\n").collect();
    let wanted = Catalog::parse(&format!("{marked}\n{unmarked}]\n")).unwrap().attributes;
    let choices: Vec<&str> = wanted[0].choices().into_iter().map(|choice| choice.id.as_str()).collect();
    assert_eq!((wanted.len(), wanted[0].column.as_str(), choices), (1, "備考", vec!["a", "b"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_that_only_folders_say_is_proposed_and_read() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "users.csv", "user_id,age\n1,30\n2,40\n");
    for day in ["01", "02"] {
        write(folder.path(), &format!("orders/year=2026/month=03/day={day}/a.csv"), "user_id,item\n1,tea\n2,cup\n");
    }
    let file = folder.path().join("catalog.toml").display().to_string();
    let lake = folder.path().display().to_string();
    let made = catalog(&["init", "--lake", &lake, "--out", &file], &[]).await;
    assert!(made.status.success(), "{}", said(&made));
    assert_eq!(Catalog::load(Path::new(&file)).unwrap().events[0].time, "day");
    let place = [("SEGMENT_CATALOG", file), ("SEGMENT_LAKE", format!("file://{lake}"))];
    let checked = catalog(&["check"], &place).await;
    assert!(checked.status.success(), "{}", said(&checked));
    assert!(said(&checked).contains("the newest day is 2026-03-02"), "{}", said(&checked));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_is_said_with_table_file_and_remedy() {
    let sample = sample().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("catalog.toml");
    let own = std::fs::read_to_string(sample.folder.path().join("catalog.toml")).unwrap();
    let place = [
        ("SEGMENT_CATALOG", file.display().to_string()),
        ("SEGMENT_LAKE", format!("file://{}", sample.folder.path().display())),
    ];
    for (from, to, words) in [
        ("region = \"prefecture\"", "region = \"pref\"", "there is no column `pref`"),
        ("amount = \"amount_yen\"", "amount = \"kind\"", "column `kind`"),
        ("code = \"F\"", "code = \"f\"", "`F`"),
        ("horizon_days = ", "horizon_dayz = ", "there is no key `horizon_dayz` here; did you mean `horizon_days`?"),
    ] {
        assert!(own.contains(from));
        std::fs::write(&file, own.replacen(from, to, 1)).unwrap();
        let checked = catalog(&["check"], &place).await;
        assert!(!checked.status.success(), "{from}");
        assert!(said(&checked).contains(words), "{words}: {}", said(&checked));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lake_without_people_or_events_says_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().display().to_string();
    let empty = catalog(&["init", "--lake", &lake], &[]).await;
    assert!(
        !empty.status.success() && said(&empty).contains("has no .parquet, .csv or .csv.gz file"),
        "{}",
        said(&empty)
    );
    write(folder.path(), "users.csv", "id,age\n1,30\n2,40\n");
    let alone = catalog(&["init", "--lake", &lake], &[]).await;
    assert!(!alone.status.success() && said(&alone).contains("one with their events"), "{}", said(&alone));
}
