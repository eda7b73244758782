//! The parameters that both sides have, by `LightGBM`'s names.

use std::collections::HashMap;

use linfa::ParamGuard;

use super::super::params::{GbdtParams, GbdtValidParams};

/// Names and values for the section `parameters:`.
pub(super) fn written(params: &GbdtValidParams) -> Vec<(&'static str, String)> {
    let goss = params.goss_top < 1.0;
    let mut written = vec![
        ("boosting", "gbdt".to_owned()),
        ("objective", "binary".to_owned()),
        ("data_sample_strategy", if goss { "goss" } else { "bagging" }.to_owned()),
        ("num_iterations", params.trees_max.to_string()),
        ("learning_rate", format!("{:?}", params.learning_rate)),
        ("num_leaves", params.leaves_max.to_string()),
        ("max_depth", params.depth_max.to_string()),
        ("min_sum_hessian_in_leaf", format!("{:?}", params.child_weight_min)),
        ("bagging_fraction", format!("{:?}", params.row_fraction)),
        ("bagging_freq", u8::from(params.row_fraction < 1.0).to_string()),
        ("feature_fraction", format!("{:?}", params.feature_fraction)),
        ("early_stopping_round", params.patience.to_string()),
        ("lambda_l1", format!("{:?}", params.l1)),
        ("lambda_l2", format!("{:?}", params.l2)),
        ("min_gain_to_split", format!("{:?}", params.gain_min)),
        ("max_cat_threshold", params.categories_max.to_string()),
        ("cat_l2", format!("{:?}", params.category_l2)),
        ("cat_smooth", format!("{:?}", params.category_smoothing)),
        ("max_bin", params.bins_max.to_string()),
    ];
    if goss {
        let (top, rest) = (format!("{:?}", params.goss_top), format!("{:?}", params.goss_rest));
        written.extend([("top_rate", top), ("other_rate", rest)]);
    }
    // LightGBM's seeds are `int`.
    if let Ok(seed) = i32::try_from(params.seed) {
        written.push(("seed", seed.to_string()));
    }
    written
}

/// Defaults with what the lines of the section `parameters:` say, as far as it is valid here.
pub(super) fn read<'a>(lines: impl Iterator<Item = &'a str>) -> GbdtParams {
    let named = Named(lines.filter_map(|line| line.strip_prefix('[')?.strip_suffix(']')?.split_once(": ")).collect());
    let mut params = GbdtParams::default();
    named.set(&mut params, "num_iterations", GbdtParams::trees_max);
    named.set(&mut params, "learning_rate", GbdtParams::learning_rate);
    named.set(&mut params, "num_leaves", GbdtParams::leaves_max);
    named.set(&mut params, "max_depth", GbdtParams::depth_max);
    named.set(&mut params, "min_sum_hessian_in_leaf", GbdtParams::child_weight_min);
    named.set(&mut params, "feature_fraction", GbdtParams::feature_fraction);
    named.set(&mut params, "early_stopping_round", GbdtParams::patience);
    named.set(&mut params, "lambda_l1", GbdtParams::l1);
    named.set(&mut params, "lambda_l2", GbdtParams::l2);
    named.set(&mut params, "min_gain_to_split", GbdtParams::gain_min);
    named.set(&mut params, "max_cat_threshold", GbdtParams::categories_max);
    named.set(&mut params, "cat_l2", GbdtParams::category_l2);
    named.set(&mut params, "cat_smooth", GbdtParams::category_smoothing);
    named.set(&mut params, "max_bin", GbdtParams::bins_max);
    named.set(&mut params, "seed", GbdtParams::seed);
    if named.get::<u64>("bagging_freq").is_some_and(|rounds| rounds > 0) {
        named.set(&mut params, "bagging_fraction", GbdtParams::row_fraction);
    }
    if named.0.get("data_sample_strategy") == Some(&"goss") {
        let rest = named.get("other_rate").unwrap_or(f64::NAN);
        named.set(&mut params, "top_rate", |params, top| params.goss(top, rest));
    }
    params
}

/// Parameters as they stand in the text.
struct Named<'a>(HashMap<&'a str, &'a str>);

impl Named<'_> {
    fn get<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.0.get(name)?.parse().ok()
    }

    /// Sets a parameter, unless the text lacks it or it is not valid here.
    fn set<T: std::str::FromStr>(
        &self,
        params: &mut GbdtParams,
        name: &str,
        set: impl FnOnce(GbdtParams, T) -> GbdtParams,
    ) {
        if let Some(value) = self.get(name) {
            let changed = set(params.clone(), value);
            if changed.check_ref().is_ok() {
                *params = changed;
            }
        }
    }
}
