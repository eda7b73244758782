//! `model export` and `model import`: `LightGBM`'s text, with the names that it has no room for in a file beside it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use gbdt::{FeatureBins, Gbdt};
use serde::{Deserialize, Serialize};

use super::{out_file::OutFile, read_model, warn};
use crate::cli::{columns, output};

/// What the file of names adds to the name of the text.
const NAMES_ENDING: &str = ".categories.json";

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Export {
    /// The model, as `model train` wrote it.
    #[arg(long)]
    model: PathBuf,
    /// Where the text goes. Names of categories go into a file beside it, whose name ends with .categories.json.
    #[arg(long)]
    out: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Import {
    /// The text, as `LightGBM` 4 or `model export` wrote it. Names are taken from a .categories.json beside it, if any.
    #[arg(long)]
    lightgbm: PathBuf,
    /// Where the model goes.
    #[arg(long)]
    out: PathBuf,
}

/// What `LightGBM`'s text cannot say of a feature.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Named {
    /// The feature's own name; `LightGBM` has no spaces in names.
    name: String,
    /// What each category code is called; empty for numbers and for codes that speak for themselves.
    categories: BTreeMap<u32, String>,
}

/// By the feature's name in the text.
type Names = BTreeMap<String, Named>;

pub(super) fn export(args: &Export) -> anyhow::Result<()> {
    let model = read_model(&args.model)?;
    let text = model.to_lightgbm_text();
    let (names, beside) = (names_of(&model, &text), beside(&args.out));
    let out = OutFile::begin(&args.out, &[&args.model])?;
    if !names.is_empty() {
        // Before the text: who finds the text finds the names.
        let bytes = serde_json::to_vec_pretty(&names).context("the names cannot be written")?;
        OutFile::begin(&beside, &[&args.model])?.fill(&bytes)?;
    }
    out.fill(text.as_bytes())?;
    output::line(format!("Wrote {} ({} bytes)", args.out.display(), columns::count(text.len())));
    if names.is_empty() {
        output::line("No category has a name, so LightGBM takes the same values as this program.");
    } else {
        output::line(format!(
            "Wrote {}: what LightGBM's names and category codes mean; give LightGBM the codes, not the names",
            beside.display()
        ));
    }
    Ok(())
}

pub(super) fn import(args: &Import) -> anyhow::Result<()> {
    let beside = beside(&args.lightgbm);
    let out = OutFile::begin(&args.out, &[&args.lightgbm, &beside])?;
    let cannot_read = || format!("cannot read {}", args.lightgbm.display());
    let bytes = fs::read(&args.lightgbm).with_context(cannot_read)?;
    let text = String::from_utf8(bytes).ok().with_context(|| {
        format!("{} is not UTF-8 text; save the model again with LightGBM", args.lightgbm.display())
    })?;
    let mut model = Gbdt::from_lightgbm_text(&text)
        .with_context(|| format!("{} is not a model that can be used", args.lightgbm.display()))?;
    let has_names = beside.exists();
    if has_names {
        let unusable = || format!("{} does not fit {}", beside.display(), args.lightgbm.display());
        let bytes = fs::read(&beside).with_context(|| format!("cannot read {}", beside.display()))?;
        let names: Names = serde_json::from_slice(&bytes).with_context(unusable)?;
        model = with_names(&model, &names).with_context(unusable)?;
    }
    let bytes = model.to_bytes();
    out.fill(&bytes)?;
    output::line(format!(
        "Wrote {}: {} trees over {} features ({} bytes)",
        args.out.display(),
        columns::count(model.trees().len()),
        columns::count(model.feature_names().len()),
        columns::count(bytes.len())
    ));
    if has_names {
        output::line(format!("Names are from {}", beside.display()));
    }
    Ok(())
}

fn beside(text: &Path) -> PathBuf {
    let mut name = text.as_os_str().to_owned();
    name.push(NAMES_ENDING);
    name.into()
}

/// The features whose name or categories read otherwise in `LightGBM`'s text.
fn names_of(model: &Gbdt, text: &str) -> Names {
    let line = text.lines().find_map(|line| line.strip_prefix("feature_names=")).unwrap_or_default();
    let of_feature = |((written, name), bins): ((&str, &String), &FeatureBins)| {
        let categories: BTreeMap<u32, String> = match bins {
            FeatureBins::Numeric(_) => BTreeMap::new(),
            FeatureBins::Categorical(categories) => {
                categories.codes().iter().copied().zip(categories.names().iter().cloned()).collect()
            }
        };
        let differs = written != name || !categories.is_empty();
        differs.then(|| (written.to_owned(), Named { name: name.clone(), categories }))
    };
    line.split(' ').zip(model.feature_names()).zip(model.bins()).filter_map(of_feature).collect()
}

/// The model with the names that its text could not hold. They are put into the model's file, which is then read and
/// checked like any other.
fn with_names(model: &Gbdt, own: &Names) -> anyhow::Result<Gbdt> {
    let mut file: serde_json::Value = serde_json::from_slice(&model.to_bytes())?;
    let features = file["features"].as_array_mut().context("a model has features")?;
    for (feature, bins) in features.iter_mut().zip(model.bins()) {
        let Some(named) = feature["name"].as_str().and_then(|name| own.get(name)) else { continue };
        feature["name"] = named.name.as_str().into();
        let FeatureBins::Categorical(categories) = bins else { continue };
        if named.categories.is_empty() {
            continue;
        }
        let known: Option<Vec<&String>> = categories.codes().iter().map(|code| named.categories.get(code)).collect();
        match known {
            Some(known) => feature["categories"] = serde_json::to_value(known)?,
            None => warn(&[format!("categories of `{}` lack names, so its codes must be in the data", named.name)]),
        }
    }
    Ok(Gbdt::from_bytes(&serde_json::to_vec(&file)?)?)
}
