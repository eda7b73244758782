//! What was filled in, read back into a draft.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    catalog::{Attribute, AttributeId, Catalog},
    segment::{Draft, plain},
    slack::{
        ids::{
            BLOCK_AGE_FROM, BLOCK_AGE_TO, BLOCK_AREAS, BLOCK_CONTROL, BLOCK_CONVERTED, BLOCK_DELIVER, BLOCK_GENDER,
            BLOCK_NAME, BLOCK_PRODUCT, BLOCK_REGIONS, BLOCK_SIZE, BLOCK_SIZE_EXACT, BLOCK_WITHOUT, DELIVER_DM,
            DELIVER_THREAD, USUAL, block_of_attribute,
        },
        payload::View,
        request::draft::{Origin, RequestDraft},
    },
};

/// Reads the state of a submitted form; what a client did not show counts as left empty.
pub(crate) fn read(catalog: &Catalog, view: &View) -> RequestDraft {
    let mut origin: Origin = serde_json::from_str(&view.private_metadata).unwrap_or_default();
    let values = Values(view);
    let size = values.text(BLOCK_SIZE_EXACT).map(|size| plain(&size)).or_else(|| values.one(BLOCK_SIZE));
    let draft = Draft {
        name: values.text(BLOCK_NAME),
        product: values.one(BLOCK_PRODUCT),
        genders: values.many(BLOCK_GENDER),
        age_from: values.one(BLOCK_AGE_FROM),
        age_to: values.one(BLOCK_AGE_TO),
        regions: regions(catalog, &values, &origin),
        attributes: attributes(catalog, &values),
        size,
        converted: values.one(BLOCK_CONVERTED).filter(|choice| choice != USUAL),
        without: if values.shows(BLOCK_WITHOUT) { values.many(BLOCK_WITHOUT) } else { origin.without.clone() },
        control: values.one(BLOCK_CONTROL).filter(|choice| choice != USUAL),
    };
    match values.one(BLOCK_DELIVER).as_deref() {
        Some(DELIVER_DM) => origin.dm = true,
        Some(DELIVER_THREAD) if origin.has_channel() => origin.dm = false,
        _ => {}
    }
    RequestDraft { origin, draft }
}

/// What is chosen of each attribute; those without a choice are not asked for.
fn attributes(catalog: &Catalog, values: &Values<'_>) -> BTreeMap<AttributeId, Vec<String>> {
    let chosen = |attribute: &Attribute| (attribute.id.clone(), values.many(&block_of_attribute(&attribute.id)));
    catalog.conditions().map(chosen).filter(|(_, choices)| !choices.is_empty()).collect()
}

/// Single regions narrow the area that they are in, and stand for themselves where their area is not ticked.
fn regions(catalog: &Catalog, values: &Values<'_>, origin: &Origin) -> Vec<String> {
    let ticked = values.many(BLOCK_AREAS);
    let single = if values.shows(BLOCK_REGIONS) { values.many(BLOCK_REGIONS) } else { origin.regions.clone() };
    let whole = catalog
        .areas
        .iter()
        .filter(|area| ticked.contains(&area.id))
        .filter(|area| !area.regions.iter().any(|code| single.iter().any(|one| one == code.as_str())))
        .flat_map(|area| area.regions.iter().map(ToString::to_string));
    let regions: Vec<String> = whole.collect();
    regions.into_iter().chain(single).collect()
}

struct Values<'a>(&'a View);

impl Values<'_> {
    fn element(&self, block_id: &str) -> Option<&Value> {
        self.0.state.values.get(block_id)?.get(block_id)
    }

    fn shows(&self, block_id: &str) -> bool {
        self.element(block_id).is_some()
    }

    fn text(&self, block_id: &str) -> Option<String> {
        let text = self.element(block_id)?.get("value")?.as_str()?.trim();
        Some(text.to_owned()).filter(|text| !text.is_empty())
    }

    fn one(&self, block_id: &str) -> Option<String> {
        let value = self.element(block_id)?.get("selected_option")?.get("value")?;
        value.as_str().map(str::to_owned)
    }

    fn many(&self, block_id: &str) -> Vec<String> {
        let chosen = self.element(block_id).and_then(|element| element.get("selected_options"));
        let chosen = chosen.and_then(Value::as_array).into_iter().flatten();
        chosen.filter_map(|option| option["value"].as_str().map(str::to_owned)).collect()
    }
}
