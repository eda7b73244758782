//! Whatever the text, importing it gives a model that can be scored, explained, written and imported again, or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use gbdt::{Calibration, Gbdt, LightGbmTextError, Table};

fuzz_target!(|text: &str| {
    let Ok(model) = Gbdt::from_lightgbm_text(text) else { return };
    assert_eq!(Gbdt::from_bytes(&model.to_bytes()).expect("what was written can be read"), model);
    model.contributions(&table(&model));
    let scores = model.raw_scores(&table(&model));
    let identity = model.calibration() == Calibration::IDENTITY;
    let again = match Gbdt::from_lightgbm_text(&model.to_lightgbm_text()) {
        Ok(again) => again,
        // The slope may bring values out of range.
        Err(LightGbmTextError::LeafValues | LightGbmTextError::Value { field: "leaf_value", .. }) if !identity => {
            return;
        }
        Err(error) => panic!("{error}"),
    };
    let scores_again = again.raw_scores(&table(&again));
    if identity {
        assert_eq!(scores_again, scores);
    }
    assert_eq!(Gbdt::from_lightgbm_text(&again.to_lightgbm_text()), Ok(again));
});

/// The same few values in every column.
fn table(model: &Gbdt) -> Table {
    let values = [f32::NAN, f32::NEG_INFINITY, -1.0, 0.0, 0.3, 1.0, 7.0, 33.0, 1e30, f32::INFINITY];
    let columns = vec![values.to_vec(); model.feature_names().len()];
    Table::new(model.feature_names().to_vec(), columns).expect("names of features differ")
}
