//! One request from snapshot to files: what is in them, that they can be built again, and what stops a build.

use std::{collections::BTreeSet, sync::Arc};

use segment_bot::{
    lake::csv,
    model::Reuse,
    pipeline::{
        Estimator, Suppress,
        build_segment::{Ask, BuildContext, build_segment, compute},
        read_manifest, verify,
    },
    progress::Silent,
    segment::{Conditions, Draft, Failure},
    suppression::{self, Known, id_list::IdList},
};

use crate::support::sample::{LAST_DAY, Sample, make, sample};

fn conditions(sample: &Sample, text: &str) -> Conditions {
    Draft::from_text(&sample.catalog, text).unwrap().check(&sample.catalog).unwrap()
}

fn ask(sample: &Sample, request: &str, text: &str) -> Ask {
    Ask {
        request: request.to_owned(),
        conditions: conditions(sample, text),
        as_of: Some(LAST_DAY),
        seed: 1,
        suppress: Suppress::Current,
        replays: None,
    }
}

fn context(sample: &Sample) -> BuildContext<'_> {
    BuildContext { catalog: &sample.catalog, store: &sample.store }
}

async fn failure(sample: &Sample, ask: &Ask) -> (String, Failure) {
    let error = compute(context(sample), ask, Reuse::Never, &Silent).await.unwrap_err();
    (error.to_string(), error.failure().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_segment_is_ranked_judged_explained_and_verifiable() {
    let sample = sample().await;
    let ask = ask(&sample, "whole", "product=skincare gender=f age=25-49 region=kanto,osaka size=500");
    let built = build_segment(context(&sample), &ask, &Silent).await.unwrap();
    let summary = &built.summary;
    let quality = &summary.quality;
    assert!(quality.auc >= 0.65, "the planted signal is found among those who were asked for: {}", quality.auc);
    assert!(
        quality.expected_low < quality.expected_high
            && (0.5..2.0).contains(&built.manifest.promised.as_ref().unwrap().factor)
    );
    assert!(summary.quality.lift > 1.5, "{:?}", summary.quality);
    assert_eq!(summary.waterfall.delivered, 500);
    assert!(!summary.rules.is_empty() && !summary.factors.is_empty());

    let folder = sample.folder.path().join("segments/whole");
    let csv = std::fs::read_to_string(folder.join("segment.csv")).unwrap();
    let mut lines = csv.lines();
    assert_eq!(lines.next(), Some("rank,user_id,score,decile"));
    let scores: Vec<f64> = lines.map(|line| line.split(',').nth(2).unwrap().parse().unwrap()).collect();
    assert_eq!(scores.len(), 500);
    assert!(scores.is_sorted_by(|a, b| a >= b));

    let manifest = folder.join("manifest.json");
    let checks = verify(context(&sample), &manifest, &Silent).await.unwrap();
    assert!(checks.iter().all(segment_bot::pipeline::Check::holds), "{checks:#?}");
    assert_eq!(read_manifest(&manifest).unwrap(), built.manifest);

    std::fs::write(folder.join("segment.csv"), csv.replacen(",1\n", ",2\n", 1)).unwrap();
    let checks = verify(context(&sample), &manifest, &Silent).await.unwrap();
    let broken: Vec<&str> = checks.iter().filter(|check| !check.holds()).map(|check| check.what.as_str()).collect();
    assert_eq!(broken, ["segment.csv beside the manifest"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn any_number_of_threads_gives_the_same_bytes_and_a_model_is_reused() {
    let sample = sample().await;
    let ask = ask(&sample, "threads", "product=coffee size=5%");
    let mut hashes = Vec::new();
    for threads in [1, 2, 4] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let handle = tokio::runtime::Handle::current();
        let built = tokio::task::block_in_place(|| {
            pool.install(|| handle.block_on(compute(context(&sample), &ask, Reuse::Never, &Silent)))
        });
        let built = built.unwrap();
        hashes.push((built.manifest.model_sha256.clone(), built.manifest.files.clone()));
    }
    assert_eq!(hashes[0], hashes[1]);
    assert_eq!(hashes[0], hashes[2]);

    let first = build_segment(context(&sample), &ask, &Silent).await.unwrap();
    let second = build_segment(context(&sample), &ask, &Silent).await.unwrap();
    assert!(!first.summary.model_reused && second.summary.model_reused);
    assert_eq!(first.manifest, second.manifest);
    assert_eq!(first.manifest.model_sha256, hashes[0].0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_control_group_has_a_file_of_its_own_and_nobody_of_it_is_delivered() {
    let sample = sample().await;
    let ask = ask(&sample, "control", "product=skincare size=500 control=10%");
    let built = build_segment(context(&sample), &ask, &Silent).await.unwrap();
    let people = |name: &str| -> BTreeSet<String> {
        let (_, path) = built.files().into_iter().find(|(file, _)| file.name == name).unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        text.lines().skip(1).map(|line| line.split(',').nth(1).unwrap().to_owned()).collect()
    };
    let (delivered, control) = (people("segment.csv"), people("control.csv"));
    assert_eq!((delivered.len(), control.len()), (450, 50));
    assert!(delivered.is_disjoint(&control));
    assert_eq!((built.summary.waterfall.delivered, built.summary.waterfall.control), (450, 50));
    let files: Vec<&str> = built.manifest.files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(files, ["segment.csv", "control.csv"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_estimate_is_what_the_request_then_finds() {
    let sample = sample().await;
    let estimator = Estimator::new(Arc::new(sample.catalog.clone()), sample.store.clone());
    for text in [
        "product=skincare size=500",
        "product=skincare size=5% gender=f converted=30d",
        "product=skincare size=100 gender=unknown,m age=27-41 converted=180d",
        "product=skincare size=100 gender=f age=20-59 region=kanto,osaka converted=ever",
        "product=skincare size=100 region=tokyo converted=never",
    ] {
        let outlook = estimator.estimate(vec![conditions(&sample, text)]).await.unwrap();
        let estimate = outlook.estimates[0];
        assert_eq!(outlook.as_of, LAST_DAY);
        let built = compute(context(&sample), &ask(&sample, "estimate", text), Reuse::Allowed, &Silent).await.unwrap();
        let found = built.summary.waterfall;
        assert_eq!((estimate.matching, estimate.opted_out), (found.matching, found.opted_out), "{text}");
        assert_eq!((estimate.converted, estimate.eligible()), (Some(found.converted), Some(found.eligible)), "{text}");
        // The estimate counts the newest window; the model learns from older ones too.
        assert!(estimate.conversions <= built.summary.quality.positives, "{text}");
    }
    let unusual = conditions(&sample, "product=skincare size=500 converted=45d");
    let outlook = estimator.estimate(vec![unusual]).await.unwrap();
    let estimate = outlook.estimates[0];
    assert_eq!((estimate.converted, estimate.eligible()), (None, None));
    assert_eq!(outlook.conversions[&sample.catalog.products[0].id], estimate.conversions);
    assert_eq!(outlook.conversions.len(), sample.catalog.products.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn people_of_earlier_segments_and_on_the_suppression_list_are_left_out_and_verified() {
    // Of its own, because the list counts for everybody who uses the store.
    let sample = make(20_000).await;
    let first = "product=skincare gender=f size=300 converted=never";
    let everyone = build_segment(context(&sample), &ask(&sample, "first", first), &Silent).await.unwrap();
    let ids = |name: &str| -> Vec<String> {
        let csv = std::fs::read_to_string(sample.folder.path().join(format!("segments/{name}/segment.csv"))).unwrap();
        csv.lines().skip(1).map(|line| line.split(',').nth(1).unwrap().to_owned()).collect()
    };
    let best = ids("first");
    let list = sample.folder.path().join("stop.csv");
    std::fs::write(&list, format!("why,person\nasked,{}\nasked,{}\nasked,{}\n", best[0], best[1], best[1])).unwrap();
    let known = Known {
        lake: &sample.store,
        store: &sample.store,
        catalog: &sample.catalog,
        as_of: "2026-11-22".parse().unwrap(),
    };
    let list = IdList::read(&list, &csv::Options::default(), Some("person"), "user_id").unwrap();
    let matched = suppression::matched(known, list, false).await.unwrap();
    assert_eq!((matched.listed, matched.known, matched.doubtful.len()), (2, 2, 0));
    assert_eq!(suppression::upload(&sample.store, None, &matched.ids).await.unwrap().people, 2);

    let second = ask(&sample, "second", &format!("{first} without=first"));
    let built = build_segment(context(&sample), &second, &Silent).await.unwrap();
    let found = built.summary.waterfall;
    assert_eq!((found.suppressed, found.in_earlier, found.delivered), (2, 298, 300));
    assert_eq!(found.eligible, everyone.summary.waterfall.eligible - 300);
    assert!(ids("second").iter().all(|id| !best.contains(id)));

    // A later list changes nothing about a segment that is there.
    suppression::clear(&sample.store, None).await.unwrap();
    let manifest = sample.folder.path().join("segments/second/manifest.json");
    let checks = verify(context(&sample), &manifest, &Silent).await.unwrap();
    assert!(checks.iter().all(segment_bot::pipeline::Check::holds), "{checks:#?}");
    assert!(checks.iter().any(|check| check.what.starts_with("suppression/")), "{checks:#?}");

    let gone = ask(&sample, "third", &format!("{first} without=nowhere"));
    let (_, cause) = failure(&sample, &gone).await;
    assert_eq!(cause, Failure::EarlierSegmentGone { segment: "nowhere".to_owned() });
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stops_a_build_says_why() {
    let sample = sample().await;
    let (text, cause) = failure(&sample, &ask(&sample, "no", "product=kimono size=500")).await;
    assert!(matches!(cause, Failure::TooFewConversions { needed: 50, .. }), "{text}");
    assert!(text.contains("of 50 conversions"), "{text}");

    let narrow = "product=skincare gender=m age=80-84 region=tottori size=100 converted=ever";
    let (text, cause) = failure(&sample, &ask(&sample, "no", narrow)).await;
    assert!(matches!(cause, Failure::EmptyAudience { .. } | Failure::TooSmall { .. }), "{text}");

    let mut old = ask(&sample, "no", "product=skincare size=500");
    old.as_of = LAST_DAY.checked_add_days(chrono::Days::new(3));
    let (text, cause) = failure(&sample, &old).await;
    assert_eq!(cause, Failure::NoSnapshot { as_of: old.as_of, newest: Some(LAST_DAY) });
    assert!(text.contains("segment-bot features build --as-of 2026-11-25"), "{text}");

    let mut gone = ask(&sample, "no", "product=skincare size=500");
    gone.conditions =
        serde_json::from_str(&serde_json::to_string(&gone.conditions).unwrap().replace("skincare", "discontinued"))
            .unwrap();
    assert_eq!(failure(&sample, &gone).await.1, Failure::CatalogChanged);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_catalog_on_old_snapshots_is_refused() {
    let mut sample = make(1_000).await;
    sample.catalog.features.pop();
    let (text, cause) = failure(&sample, &ask(&sample, "no", "product=skincare size=100")).await;
    assert_eq!(cause, Failure::DataUnreadable);
    assert!(text.contains("features build"), "{text}");
}
