//! Snapshots written by hand → who is picked, who is not, and what is said about it.

use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use polars::prelude::{Column, DataFrame, DataType, IntoColumn, IntoSeries, NamedFrom, ParquetWriter, Series};
use proptest::prelude::*;
use segment_bot::{
    audience::{AudienceError, Contrast, LeftOut, Picked, Progress, Query, Scoring, Selection, UserId, select},
    catalog::Catalog,
    features::FeatureBatch,
    segment::{Breakdown, Cell, Conditions, Direction, Draft, Failure, Waterfall},
};
use tempfile::TempDir;

/// A person of a snapshot; the day of conversion is counted back from the snapshot's day.
#[derive(Debug, Clone)]
struct Person {
    id: i64,
    age: Option<i16>,
    gender: Option<&'static str>,
    region: Option<&'static str>,
    opted_out: bool,
    converted_days_ago: Option<i32>,
    views: i32,
}

fn person(id: i64, views: i32) -> Person {
    Person {
        id,
        age: Some(30),
        gender: Some("f"),
        region: Some("13"),
        opted_out: false,
        converted_days_ago: None,
        views,
    }
}

fn as_of() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 22).unwrap()
}

/// The sample catalog, which lets out any number of people.
fn catalog() -> Catalog {
    let text = include_str!("../../src/demo/catalog.toml");
    Catalog::parse(&text.replace("smallest_segment = 100", "smallest_segment = 1")).unwrap()
}

fn conditions(text: &str) -> Conditions {
    Draft::from_text(&catalog(), text).unwrap().check(&catalog()).unwrap()
}

fn column<T, P: ?Sized>(name: &str, values: T) -> Column
where
    Series: NamedFrom<T, P>,
{
    Series::new(name.into(), values).into_column()
}

fn frame(people: &[Person], ids: Column) -> DataFrame {
    let today = i32::try_from(as_of().signed_duration_since(NaiveDate::default()).num_days()).unwrap();
    let converted: Vec<Option<i32>> =
        people.iter().map(|person| person.converted_days_ago.map(|days| today - days)).collect();
    let converted = Series::new("converted_on:skincare".into(), converted).cast(&DataType::Date).unwrap();
    DataFrame::new(
        people.len(),
        vec![
            ids,
            column("age", people.iter().map(|person| person.age).collect::<Vec<_>>()),
            column("gender", people.iter().map(|person| person.gender).collect::<Vec<_>>()),
            column("region", people.iter().map(|person| person.region).collect::<Vec<_>>()),
            column("opted_out", people.iter().map(|person| person.opted_out).collect::<Vec<_>>()),
            converted.into_series().into_column(),
            column("views_30d", people.iter().map(|person| person.views).collect::<Vec<_>>()),
        ],
    )
    .unwrap()
}

/// A snapshot of two files with small row groups.
struct Snapshot {
    folder: TempDir,
    parts: Vec<PathBuf>,
}

impl Snapshot {
    fn of(people: &[Person]) -> Self {
        Self::with_ids(people, |people| column("user_id", people.iter().map(|person| person.id).collect::<Vec<_>>()))
    }

    fn with_ids(people: &[Person], ids: impl Fn(&[Person]) -> Column) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = people.split_at(people.len() / 2);
        let parts = [first, second].into_iter().enumerate().map(|(part, people)| {
            write_part(&folder.path().join(format!("part-{part:05}.parquet")), frame(people, ids(people)))
        });
        let parts = parts.collect();
        Self { folder, parts }
    }

    fn select(&self, text: &str) -> Result<Selection, AudienceError> {
        self.select_with(text, &LeftOut::default(), &|_, _| true)
    }

    fn select_with(&self, text: &str, left_out: &LeftOut, progress: &Progress) -> Result<Selection, AudienceError> {
        let (catalog, conditions) = (catalog(), conditions(text));
        let features = ["views_30d", "age", "gender"].map(str::to_owned);
        let query = Query {
            parts: &self.parts,
            catalog: &catalog,
            conditions: &conditions,
            as_of: as_of(),
            left_out,
            features: &features,
            seed: 7,
            request: "a-request",
        };
        select(&query, &Scoring { raw: &views, probability: &|raw| 1.0 / (1.0 + (-raw).exp()) }, progress)
    }
}

fn write_part(path: &Path, mut frame: DataFrame) -> PathBuf {
    let file = std::fs::File::create(path).unwrap();
    ParquetWriter::new(file).with_row_group_size(Some(7)).finish(&mut frame).unwrap();
    path.to_owned()
}

/// The more somebody looked, the likelier.
fn views(batch: &FeatureBatch) -> Vec<f64> {
    batch.columns[0].iter().map(|views| f64::from(*views) - 3.0).collect()
}

fn ids(picked: &[Picked]) -> Vec<i64> {
    let id = |person: &Picked| match person.user_id {
        UserId::Int(id) => id,
        UserId::Text(_) => -1,
    };
    picked.iter().map(id).collect()
}

#[test]
fn each_step_counts_whom_it_leaves_out() {
    let snapshot = Snapshot::of(&[
        person(1, 5),
        Person { age: Some(24), ..person(2, 9) },
        Person { age: None, ..person(3, 9) },
        Person { gender: Some("m"), ..person(4, 9) },
        Person { gender: None, ..person(5, 6) },
        Person { region: None, ..person(6, 9) },
        Person { opted_out: true, converted_days_ago: Some(1), ..person(7, 9) },
        Person { converted_days_ago: Some(89), ..person(8, 9) },
        Person { converted_days_ago: Some(90), ..person(9, 7) },
        Person { converted_days_ago: Some(0), ..person(10, 9) },
        Person { age: Some(39), ..person(11, 1) },
        Person { age: Some(40), ..person(12, 9) },
    ]);
    let selection =
        snapshot.select("product=skincare gender=f,unknown age=25-39 region=kanto size=3 converted=90d").unwrap();
    assert_eq!(ids(&selection.picked), [9, 5, 1]);
    let expected = Waterfall {
        people: 12,
        matching: 7,
        opted_out: 1,
        converted: 2,
        eligible: 4,
        delivered: 3,
        ..Waterfall::default()
    };
    assert_eq!(selection.waterfall, expected);
    let deciles: Vec<u8> = selection.picked.iter().map(|person| person.decile).collect();
    assert_eq!(deciles, [1, 3, 6]);
}

#[test]
fn row_groups_of_others_change_nothing() {
    let mut people: Vec<Person> = (1..=60).map(|id| person(id, 1)).collect();
    for person in &mut people {
        person.gender = if person.id <= 20 { Some("f") } else { Some("m") };
        person.region = if person.id % 20 < 10 { Some("13") } else { Some("27") };
        person.age = Some(20 + i16::try_from(person.id).unwrap() / 20 * 10);
    }
    let mut sorted = people.clone();
    sorted.sort_by_key(|person| (person.region, person.gender, person.age, person.id));
    for text in ["gender=f", "region=tokyo", "age=30-39", "gender=m region=osaka age=40-49", "gender=unknown,m"] {
        let text = format!("product=skincare size=100 {text}");
        let [scattered, sorted] = [&people, &sorted].map(|people| Snapshot::of(people).select(&text).unwrap());
        assert_eq!((ids(&scattered.picked), scattered.waterfall), (ids(&sorted.picked), sorted.waterfall), "{text}");
        assert!(!sorted.picked.is_empty() && sorted.picked.len() < 60, "{text}");
    }
}

#[test]
fn a_control_group_is_picked_like_the_others_and_kept_out() {
    let people: Vec<Person> = (1..=300).map(|id| person(id, i32::try_from(id % 50).unwrap())).collect();
    let snapshot = Snapshot::of(&people);
    let all = snapshot.select("product=skincare size=100").unwrap();
    let text = "product=skincare size=100 control=10%";
    let split = snapshot.select(text).unwrap();
    assert_eq!((split.waterfall.control, split.waterfall.delivered, split.control.len()), (10, 90, 10));
    let mut together: Vec<i64> = ids(&split.picked).into_iter().chain(ids(&split.control)).collect();
    let mut wanted = ids(&all.picked);
    together.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(together, wanted);
    for stretch in all.picked.chunks(10) {
        let kept_out = stretch.iter().filter(|person| split.control.contains(person)).count();
        assert_eq!(kept_out, 1, "each tenth of the ranking gives one");
    }
    assert!(split.expected < all.expected);
    let counted: u64 = split.breakdown.gender.iter().filter_map(|cell| cell.segment).sum();
    assert_eq!(counted, 90, "shares are of the delivered");
    assert_eq!(snapshot.select(text).unwrap(), split);
}

#[test]
fn those_who_ever_or_never_converted() {
    let people = [Person { converted_days_ago: Some(400), ..person(1, 1) }, person(2, 2)];
    let snapshot = Snapshot::of(&people);
    let ever = snapshot.select("product=skincare size=9 converted=ever").unwrap();
    let never = snapshot.select("product=skincare size=9 converted=never").unwrap();
    assert_eq!((ids(&ever.picked), ids(&never.picked)), (vec![2], vec![2, 1]));
}

#[test]
fn equal_scores_rank_by_id() {
    let people: Vec<Person> = (1..=3000).rev().map(|id| person(id, 4)).collect();
    let selection = Snapshot::of(&people).select("product=skincare size=50").unwrap();
    assert_eq!(ids(&selection.picked), (1..=50).collect::<Vec<_>>());
}

#[test]
fn text_ids_rank_by_their_bytes() {
    let people: Vec<Person> = (1..=30).map(|id| person(id, 4)).collect();
    let texts = |people: &[Person]| {
        column("user_id", people.iter().map(|person| format!("u{}", person.id)).collect::<Vec<_>>())
    };
    let selection = Snapshot::with_ids(&people, texts).select("product=skincare size=3").unwrap();
    let ids: Vec<String> = selection.picked.iter().map(|person| person.user_id.to_string()).collect();
    assert_eq!(ids, ["u1", "u10", "u11"]);
}

#[test]
fn a_share_is_of_the_eligible_and_rounds_up() {
    let people: Vec<Person> = (1..=41).map(|id| Person { opted_out: id > 21, ..person(id, 4) }).collect();
    let snapshot = Snapshot::of(&people);
    let delivered = |size| snapshot.select(&format!("product=skincare size={size}")).unwrap().waterfall.delivered;
    assert_eq!([delivered("1%"), delivered("10%"), delivered("50%"), delivered("100%")], [1, 3, 11, 21]);
}

#[test]
fn people_on_a_list_are_left_out_and_counted_once() {
    let snapshot = Snapshot::of(&[
        person(1, 9),
        person(2, 8),
        Person { converted_days_ago: Some(1), ..person(3, 7) },
        Person { opted_out: true, ..person(4, 6) },
        person(5, 5),
        person(6, 4),
    ]);
    let list = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
    let left_out = LeftOut { suppressed: list(&["1", "4", "no number"]), earlier: list(&["1", "3", "5", "5", "77"]) };
    let selection = snapshot.select_with("product=skincare size=9 converted=30d", &left_out, &|_, _| true).unwrap();
    assert_eq!(ids(&selection.picked), [2, 6]);
    let Waterfall { opted_out, suppressed, converted, in_earlier, eligible, .. } = selection.waterfall;
    assert_eq!([opted_out, suppressed, converted, in_earlier, eligible], [1, 1, 1, 1, 2]);
}

#[test]
fn text_ids_on_a_list_are_compared_as_text() {
    let people: Vec<Person> = (1..=6).map(|id| person(id, 1)).collect();
    let snapshot = Snapshot::with_ids(&people, |people| {
        column("user_id", people.iter().map(|person| format!("0{}", person.id)).collect::<Vec<_>>())
    });
    let left_out = LeftOut { suppressed: vec!["2".to_owned()], earlier: vec!["03".to_owned()] };
    let selection = snapshot.select_with("product=skincare size=9", &left_out, &|_, _| true).unwrap();
    assert_eq!((selection.waterfall.suppressed, selection.waterfall.in_earlier), (0, 1));
    assert!(selection.picked.iter().all(|person| person.user_id != UserId::Text("03".to_owned())));
}

#[test]
fn nobody_left_is_said_with_the_counts() {
    let snapshot = Snapshot::of(&[Person { opted_out: true, ..person(1, 1) }, person(2, 2)]);
    let error = snapshot.select("product=skincare gender=f age=60-70 size=9").unwrap_err();
    assert_eq!(error.failure(), Some(Failure::EmptyAudience { matching: 0, opted_out: 0, converted: 0, listed: 0 }));
    insta::assert_snapshot!(error, @"nobody is left: 0 people match, 0 of them opted out, 0 converted before and 0 are on a list of people to leave out");
}

#[test]
fn too_few_people_are_not_let_out() {
    let catalog = Catalog::parse(include_str!("../../src/demo/catalog.toml")).unwrap();
    let snapshot = Snapshot::of(&(1..=99).map(|id| person(id, 1)).collect::<Vec<_>>());
    let conditions = conditions("product=skincare size=500");
    let query = Query {
        parts: &snapshot.parts,
        catalog: &catalog,
        conditions: &conditions,
        as_of: as_of(),
        left_out: &LeftOut::default(),
        features: &["views_30d".to_owned()],
        seed: 0,
        request: "a-request",
    };
    let error = select(&query, &Scoring { raw: &views, probability: &|raw| raw }, &|_, _| true).unwrap_err();
    assert_eq!(error.failure(), Some(Failure::TooSmall { people: 99, smallest: 100 }));
}

#[test]
fn a_missing_column_is_named() {
    let snapshot = Snapshot::of(&[person(1, 1), person(2, 1)]);
    let error = snapshot.select("product=coffee size=9 converted=30d").unwrap_err();
    let text = error.to_string().replace(&snapshot.folder.path().display().to_string(), "snapshot");
    insta::assert_snapshot!(text, @"snapshot/part-00000.parquet has no column `converted_on:coffee`");
}

#[test]
fn somebody_can_stop_it() {
    let snapshot = Snapshot::of(&(1..=99).map(|id| person(id, 1)).collect::<Vec<_>>());
    let error = snapshot.select_with("product=skincare size=9", &LeftOut::default(), &|done, _| done < 10).unwrap_err();
    assert!(matches!(error, AudienceError::Stopped));
    assert_eq!(error.failure(), None);
}

#[test]
fn scores_must_be_numbers() {
    let snapshot = Snapshot::of(&[person(1, 1), person(2, 1)]);
    let (catalog, conditions) = (catalog(), conditions("product=skincare size=9"));
    let query = Query {
        parts: &snapshot.parts,
        catalog: &catalog,
        conditions: &conditions,
        as_of: as_of(),
        left_out: &LeftOut::default(),
        features: &["views_30d".to_owned()],
        seed: 0,
        request: "a-request",
    };
    let nonsense = |batch: &FeatureBatch| vec![f64::NAN; batch.rows()];
    let error = select(&query, &Scoring { raw: &nonsense, probability: &|raw| raw }, &|_, _| true).unwrap_err();
    insta::assert_snapshot!(error, @"the model gave 0 finite scores for 1 people");
}

#[test]
fn the_segment_is_compared_with_everyone_eligible() {
    let people: Vec<Person> = (0..3000_i32)
        .map(|id| Person {
            age: Some(if id % 3 == 0 { 27 } else { 52 }),
            gender: Some(if id % 100 == 0 { "m" } else { "f" }),
            region: if id % 2 == 0 { Some("13") } else { Some("27") },
            ..person(i64::from(id), id % 20)
        })
        .collect();
    let selection = Snapshot::of(&people).select("product=skincare size=300").unwrap();
    let Breakdown { age, gender, region } = &selection.breakdown;
    let cell = |cell: &Cell| format!("{}: {:?} of {:?}", cell.label.en, cell.segment, cell.eligible);
    let cells: Vec<String> = [age, gender, region].into_iter().flatten().map(cell).collect();
    insta::assert_snapshot!(cells.join("\n"), @r"
    25–29: Some(100) of Some(1000)
    50–54: Some(200) of Some(2000)
    Women: Some(300) of Some(2970)
    Men: None of Some(30)
    Kanto: Some(150) of Some(1500)
    Kinki: Some(150) of Some(1500)
    ");
    let views = &selection.explained.contrasts[0];
    assert_eq!((views.inside.median, views.outside.median), (Some(18.5), Some(8.5)));
    let directions: Vec<Direction> = selection.explained.contrasts.iter().map(Contrast::direction).collect();
    assert_eq!(directions, [Direction::Higher, Direction::Mixed, Direction::Mixed]);
    assert_eq!(selection.explained.in_segment.iter().filter(|inside| **inside).count(), 300);
    assert_eq!(selection.explained.people.rows(), 3000);
}

#[test]
fn one_thread_or_three_give_the_same_selection() {
    let people: Vec<Person> = (0..2000_i32).map(|id| person(i64::from(id), id * 7919 % 13)).collect();
    let snapshot = Snapshot::of(&people);
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| snapshot.select("product=skincare size=20%").unwrap())
    };
    assert_eq!(on(1), on(3));
}

fn any_person() -> impl Strategy<Value = Person> {
    let gender = prop::sample::select(vec![Some("f"), Some("m"), None]);
    let region = prop::sample::select(vec![Some("13"), Some("27"), Some("01"), None]);
    let age = prop::option::weighted(0.9, 10_i16..90);
    let converted = prop::option::of(0_i32..200);
    (age, gender, region, prop::bool::weighted(0.1), converted, 0_i32..6).prop_map(
        |(age, gender, region, opted_out, converted_days_ago, views)| Person {
            id: 0,
            age,
            gender,
            region,
            opted_out,
            converted_days_ago,
            views,
        },
    )
}

/// The same thing in the plainest words.
fn expected(people: &[Person], size: usize) -> Vec<i64> {
    let mut eligible: Vec<&Person> = people
        .iter()
        .filter(|person| person.gender == Some("f") || person.gender.is_none())
        .filter(|person| person.age.is_some_and(|age| (20..=59).contains(&age)))
        .filter(|person| matches!(person.region, Some("13" | "27")))
        .filter(|person| !person.opted_out && person.converted_days_ago.is_none_or(|days| days >= 30))
        .collect();
    eligible.sort_by_key(|person| (-person.views, person.id));
    eligible.iter().take(size).map(|person| person.id).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn only_the_best_of_those_who_may_be_picked_are(
        mut people in prop::collection::vec(any_person(), 2..120),
        size in 1_usize..40,
        sorted: bool,
    ) {
        if sorted {
            // As real snapshots are: whole row groups then have nobody who matches.
            people.sort_by_key(|person| (person.region, person.gender, person.age));
        }
        for (id, person) in (1..).zip(&mut people) {
            person.id = id;
        }
        let text = format!("product=skincare gender=f,unknown age=20-59 region=tokyo,osaka size={size} converted=30d");
        let expected = expected(&people, size);
        match Snapshot::of(&people).select(&text) {
            Ok(selection) => {
                prop_assert_eq!(ids(&selection.picked), expected);
                let Waterfall { people: all, matching, opted_out, suppressed, converted, in_earlier, eligible, control, delivered } =
                    selection.waterfall;
                prop_assert_eq!(control, 0);
                prop_assert_eq!(all, people.len() as u64);
                prop_assert_eq!(eligible, matching - opted_out - suppressed - converted - in_earlier);
                prop_assert_eq!(delivered, selection.picked.len() as u64);
            }
            Err(error) => {
                let is_empty = matches!(error, AudienceError::Empty { .. });
                prop_assert!(is_empty);
                prop_assert_eq!(expected, Vec::<i64>::new());
            }
        }
    }
}
