//! Training and scoring time on a seeded synthetic table, by rows.
#![expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "synthetic numbers may be rounded")]

use std::cell::LazyCell;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use gbdt::{GbdtParams, Table};
use linfa::DatasetBase;
use linfa::traits::Fit;
use ndarray::Array1;

const FEATURES: usize = 60;

/// Uniform in `0.0..1.0`, a function of its arguments.
fn noise(column: usize, row: usize) -> f64 {
    let mut bits = (row as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (column as u64 + 1) << 40;
    for _ in 0..2 {
        bits = (bits ^ (bits >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    }
    (bits >> 40) as f64 / (1_u64 << 24) as f64
}

/// A third continuous, a third counts that are mostly 0, a third with missing values; about one positive in eight.
fn synthetic(rows: usize) -> DatasetBase<Table, Array1<bool>> {
    let value = |column: usize, row: usize| {
        let value = noise(column, row);
        match column % 3 {
            0 => value as f32,
            1 => (value * value * value * 20.0).floor() as f32,
            _ if value < 0.3 => f32::NAN,
            _ => (value * 1000.0).round() as f32,
        }
    };
    let columns: Vec<Vec<f32>> =
        (0..FEATURES).map(|column| (0..rows).map(|row| value(column, row)).collect()).collect();
    let labels = (0..rows).map(|row| {
        let log_odds = 3.0 * columns[0][row] + columns[1][row] / 5.0 + 2.0 * columns[3][row] * columns[6][row] - 5.0;
        noise(FEATURES, row) < 1.0 / (1.0 + f64::from(-log_odds).exp())
    });
    let labels: Array1<bool> = labels.collect();
    let names = (0..FEATURES).map(|column| format!("feature {column}")).collect();
    DatasetBase::new(Table::new(names, columns).expect("names differ and lengths agree"), labels)
}

fn train(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("200 trees of 31 leaves");
    group.sample_size(10);
    for rows in [10_000, 100_000, 300_000] {
        let data = synthetic(rows);
        let params = GbdtParams::for_positives(20_000).trees_max(200).patience(0);
        group.throughput(Throughput::Elements(rows as u64));
        group.bench_function(BenchmarkId::new("train", rows), |bencher| bencher.iter(|| params.fit(&data)));
        let model = LazyCell::new(|| params.fit(&data).expect("the table can be learned from"));
        group.bench_function(BenchmarkId::new("score", rows), |bencher| {
            bencher.iter(|| model.raw_scores(&data.records));
        });
    }
    group.finish();
}

criterion_group!(benches, train);
criterion_main!(benches);
