//! The floor under the model's quality, on data whose truth is known.

use std::path::Path;

use gbdt::{GbdtParams, Table};
use linfa::{DatasetBase, ParamGuard, traits::Fit};
use ndarray::Array1;
use polars::prelude::*;
use rand::{SeedableRng, seq::SliceRandom};

use segment_bot::{
    features::{ColumnRole, Snapshot, encode},
    model::evaluation,
};

use crate::support::sample::{LAST_DAY, Sample, sample};

/// Features 28 days before the last day, and who bought skincare since.
async fn learnable(sample: &Sample) -> (Table, Vec<bool>) {
    let earlier = Snapshot::open(&sample.store, &sample.catalog, LAST_DAY - chrono::Days::new(28)).await.unwrap();
    let later = Snapshot::open(&sample.store, &sample.catalog, LAST_DAY).await.unwrap();
    let columns = &earlier.manifest().columns;
    let names: Vec<String> =
        columns.iter().filter(|column| column.role == ColumnRole::Feature).map(|column| column.name.clone()).collect();
    let frame = read(&earlier.local_parts().await.unwrap()[0]);
    let converted = read(&later.local_parts().await.unwrap()[0]);
    assert_eq!(frame.column("user_id").unwrap(), converted.column("user_id").unwrap());
    let since = col("converted_on:skincare").gt(lit(earlier.as_of())).fill_null(lit(false)).alias("label");
    let labels = converted.lazy().select([since]).collect().unwrap();
    let labels = labels.column("label").unwrap().bool().unwrap().iter().map(|label| label == Some(true)).collect();
    (Table::new(names.clone(), encode(&frame, &names, &sample.catalog).unwrap()).unwrap(), labels)
}

fn read(part: &Path) -> DataFrame {
    ParquetReader::new(std::fs::File::open(part).unwrap()).finish().unwrap()
}

/// AUC on every fifth person of a model that learned from the others.
fn held_out_auc(table: &Table, labels: &[bool]) -> f64 {
    let rows = |held_out: bool| (0..labels.len()).filter(|row| (row % 5 == 0) == held_out).collect::<Vec<_>>();
    let of = |rows: &[usize]| rows.iter().map(|&row| labels[row]).collect::<Vec<_>>();
    let (learn, judge) = (rows(false), rows(true));
    let learnable = of(&learn);
    let positives = learnable.iter().filter(|&&label| label).count();
    let params = GbdtParams::for_positives(positives).seed(3).check().unwrap();
    let model = params.fit(&DatasetBase::new(table.select(&learn), Array1::from(learnable))).unwrap();
    evaluation::auc(&model.raw_scores(&table.select(&judge)), &of(&judge)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_planted_signal_is_found_and_shuffled_labels_leave_nothing() {
    let sample = sample().await;
    let (table, mut labels) = learnable(&sample).await;
    let auc = held_out_auc(&table, &labels);
    assert!(auc >= 0.75, "planted: {auc}");
    // The mean of several shuffles, so that the bar is about leaks and not about luck with few positives.
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(5);
    let shuffled: Vec<f64> = (0..5)
        .map(|_| {
            labels.shuffle(&mut rng);
            held_out_auc(&table, &labels)
        })
        .collect();
    let mean = shuffled.iter().sum::<f64>() / 5.0;
    assert!((mean - 0.5).abs() <= 0.03, "shuffled: {shuffled:?}");
}
