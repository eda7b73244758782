//! Whatever the bytes, reading a model file gives a model that can be scored, explained and written again, or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use gbdt::{FeatureBins, Gbdt, LightGbmTextError, Table};

/// Larger codes make texts too long to try many of them.
const CODES_END: u32 = 100_000;

fuzz_target!(|bytes: &[u8]| {
    let Ok(model) = Gbdt::from_bytes(bytes) else { return };
    assert_eq!(Gbdt::from_bytes(&model.to_bytes()).expect("what was written can be read"), model);
    let table = table(&model);
    assert!(model.raw_scores(&table).iter().all(|score| !score.is_nan()));
    model.contributions(&table);
    let small = |bins: &FeatureBins| match bins {
        FeatureBins::Numeric(_) => true,
        FeatureBins::Categorical(categories) => categories.codes().iter().all(|code| *code < CODES_END),
    };
    if model.bins().iter().all(small) {
        // Values may be out of range, the rest may not.
        match Gbdt::from_lightgbm_text(&model.to_lightgbm_text()) {
            Ok(_) | Err(LightGbmTextError::LeafValues | LightGbmTextError::Value { field: "leaf_value", .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
});

/// The same few values in every column.
fn table(model: &Gbdt) -> Table {
    let values = [f32::NAN, f32::NEG_INFINITY, -1.0, 0.0, 0.3, 1.0, 7.0, 33.0, 1e30, f32::INFINITY];
    let columns = vec![values.to_vec(); model.feature_names().len()];
    Table::new(model.feature_names().to_vec(), columns).expect("names of features differ")
}
