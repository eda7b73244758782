//! The form's blocks, built from the catalog and a draft.

use serde_json::Value;

use crate::{
    catalog::{Attribute, Catalog, ExcludeConverted, Product},
    queue::DeliverTo,
    segment::{CONTROL_CHOICES, Conversions, Draft, Size},
    slack::{
        app::counts,
        ids::{
            ACTION_COUNT, BLOCK_AGE_FROM, BLOCK_AGE_TO, BLOCK_AREAS, BLOCK_CONTROL, BLOCK_CONVERTED, BLOCK_DELIVER,
            BLOCK_GENDER, BLOCK_NAME, BLOCK_PRODUCT, BLOCK_REGIONS, BLOCK_SIZE, BLOCK_SIZE_EXACT, BLOCK_WITHOUT,
            CALLBACK_FORM, DELIVER_DM, DELIVER_THREAD, USUAL, block_of_attribute,
        },
        limits,
        request::draft::{Origin, RequestDraft},
        wording::{
            blocks::{self, Choice, Frame},
            words,
        },
    },
    texts::Say,
};

const BLOCK_ESTIMATE: &str = "estimate";

const NAME_CHARS: usize = 80;
const SIZE_CHARS: usize = 20;
const PRESETS: [Size; 6] = [
    Size::Percent(1),
    Size::Percent(5),
    Size::Percent(10),
    Size::People(1_000),
    Size::People(10_000),
    Size::People(50_000),
];
const USUAL_PRESET: Size = Size::People(10_000);

/// The whole modal; `estimate` says how many people there are, `conversions` how much there is to learn about each product.
pub(crate) fn form(
    catalog: &Catalog,
    say: Say<'_>,
    asked: &RequestDraft,
    estimate: &str,
    conversions: &Conversions,
) -> Value {
    let draft = &asked.draft;
    let chosen = Regions::of(catalog, draft);
    let mut counted = vec![product(catalog, say, draft, conversions)];
    counted.extend(gender(catalog, say, draft));
    counted.extend(age(catalog, say, draft));
    counted.extend(areas(catalog, say, &chosen));
    counted.extend(regions(catalog, say, &chosen));
    counted.extend(catalog.conditions().map(|attribute| self::attribute(attribute, say, draft)));
    counted.extend(size(catalog, say, draft));
    counted.push(converted(say, draft));
    let mut view = vec![name(say, draft)];
    view.extend(counted.into_iter().map(blocks::dispatching));
    view.push(without(say, draft));
    view.push(blocks::context(&say.text("form-opted-out")));
    view.push(control(say, draft));
    view.push(deliver(say, &asked.origin));
    let count = blocks::button(ACTION_COUNT, &say.text("button-count"), "form");
    view.push(blocks::with_id(blocks::section_with(estimate, count), BLOCK_ESTIMATE));
    let origin = Origin { regions: chosen.single, without: draft.without.clone(), ..asked.origin.clone() };
    let frame = Frame {
        callback_id: CALLBACK_FORM,
        title: say.text("form-title"),
        submit: Some(say.text("form-submit")),
        close: say.text("form-close"),
        private_metadata: metadata(&origin),
    };
    blocks::modal(&frame, view)
}

/// Too many regions to carry are dropped: the input for them still shows them.
fn metadata(origin: &Origin) -> String {
    let text = |origin: &Origin| serde_json::to_string(origin).unwrap_or_default();
    Some(text(origin))
        .filter(|metadata| metadata.chars().count() <= limits::PRIVATE_METADATA)
        .unwrap_or_else(|| text(&Origin { regions: Vec::new(), without: Vec::new(), ..origin.clone() }))
}

fn name(say: Say<'_>, draft: &Draft) -> Value {
    let element = blocks::text_input(draft.name.as_deref(), Some(&say.text("form-name-placeholder")), NAME_CHARS);
    blocks::input(BLOCK_NAME, &say.text("form-name"), None, element)
}

/// A product as the form shows it; a mark says that it cannot be learned yet.
pub(super) fn product_choice(product: &Product, say: Say<'_>, conversions: &Conversions) -> Choice {
    let name = product.names.get(say.locale);
    let text = counts::too_few(product, conversions).map(|found| {
        let (found, needed) = (("found", found.into()), ("needed", product.min_conversions.into()));
        let marked =
            |name: &str| say.with("form-product-not-ready", &[("product", name.into()), found.clone(), needed.clone()]);
        let room = limits::OPTION_TEXT.saturating_sub(marked("").chars().count());
        marked(&limits::fit(name, room))
    });
    Choice::new(product.id.as_str(), text.unwrap_or_else(|| name.to_owned()))
}

fn product(catalog: &Catalog, say: Say<'_>, draft: &Draft, conversions: &Conversions) -> Value {
    let mut products: Vec<&Product> = catalog.products.iter().collect();
    products.sort_by_key(|product| counts::too_few(product, conversions).is_some());
    let choices: Vec<Choice> = products.into_iter().map(|product| product_choice(product, say, conversions)).collect();
    let initial = found_product(catalog, draft);
    let placeholder = say.text("form-product-placeholder");
    let element = if choices.len() <= limits::OPTIONS {
        blocks::select(&choices, initial.map(|product| product.id.as_str()), &placeholder)
    } else {
        let initial = initial.map(|product| product_choice(product, say, conversions));
        blocks::external_select(initial.as_ref(), &placeholder)
    };
    blocks::required(blocks::input(BLOCK_PRODUCT, &say.text("form-product"), None, element))
}

/// A person may have typed a name or a search word.
fn found_product<'a>(catalog: &'a Catalog, draft: &Draft) -> Option<&'a Product> {
    let probe = Draft { product: draft.product.clone(), size: Some("1%".to_owned()), ..Draft::default() };
    probe.check(catalog).ok().and_then(|conditions| catalog.product(&conditions.product))
}

fn gender(catalog: &Catalog, say: Say<'_>, draft: &Draft) -> Option<Value> {
    let choices: Vec<Choice> =
        catalog.genders.iter().map(|gender| Choice::new(gender.id.as_str(), gender.names.get(say.locale))).collect();
    let wanted: Vec<String> = draft.genders.iter().map(|gender| gender.to_lowercase()).collect();
    let initial: Vec<String> = catalog
        .genders
        .iter()
        .filter(|gender| {
            let code = gender.code.as_deref().unwrap_or_default();
            let words = [gender.id.as_str(), code, &gender.names.ja, &gender.names.en];
            words.iter().any(|word| wanted.contains(&word.to_lowercase()))
        })
        .map(|gender| gender.id.to_string())
        .collect();
    let element = blocks::many_of(&choices, &initial, &say.text("form-everyone"));
    let hint = say.text("form-gender-hint");
    (!choices.is_empty()).then(|| blocks::input(BLOCK_GENDER, &say.text("form-gender"), Some(&hint), element))
}

fn age(catalog: &Catalog, say: Say<'_>, draft: &Draft) -> [Value; 2] {
    let bounds = catalog.age;
    let within = |age: &Option<String>| {
        age.as_deref().and_then(|age| age.parse().ok()).filter(|age| (bounds.min..=bounds.max).contains(age))
    };
    // Steps of the catalog, or coarser ones where Slack could not show so many.
    let most = limits::OPTIONS - 2;
    let step = usize::from(bounds.step.max(1)).max(usize::from(bounds.max - bounds.min).div_ceil(most));
    let starts: Vec<u8> = (bounds.min..=bounds.max).step_by(step).collect();
    let ends: Vec<u8> = starts.iter().skip(1).map(|start| start - 1).chain([bounds.max]).collect();
    let input = |block_id, label: &str, ages: Vec<u8>, initial: Option<u8>| {
        let mut ages: Vec<u8> = ages.into_iter().chain(initial).collect();
        ages.sort_unstable();
        ages.dedup();
        let choices: Vec<Choice> = ages
            .iter()
            .map(|age| Choice::new(age.to_string(), say.with("form-age-years", &[("age", (*age).into())])))
            .collect();
        let initial = initial.map(|age| age.to_string());
        let element = blocks::select(&choices, initial.as_deref(), &say.text("form-age-any"));
        blocks::input(block_id, label, None, element)
    };
    [
        input(BLOCK_AGE_FROM, &say.text("form-age-from"), starts, within(&draft.age_from)),
        input(BLOCK_AGE_TO, &say.text("form-age-to"), ends, within(&draft.age_to)),
    ]
}

/// A draft's regions as the form shows them: whole areas, and regions of areas that are not wanted whole.
pub(super) struct Regions {
    pub(super) areas: Vec<String>,
    pub(super) single: Vec<String>,
}

impl Regions {
    pub(super) fn of(catalog: &Catalog, draft: &Draft) -> Self {
        let probe = Draft { regions: draft.regions.clone(), ..Draft::default() };
        let product = catalog.products.first().map(|product| product.id.to_string());
        let probe = Draft { product, size: Some("1%".to_owned()), ..probe };
        let mut codes = probe.check(catalog).map(|conditions| conditions.regions).unwrap_or_default();
        let whole: Vec<_> = catalog
            .areas
            .iter()
            .filter(|area| !area.regions.is_empty() && area.regions.iter().all(|code| codes.contains(code)))
            .collect();
        for code in whole.iter().flat_map(|area| &area.regions) {
            codes.remove(code);
        }
        Self {
            areas: whole.iter().map(|area| area.id.clone()).collect(),
            single: codes.iter().map(ToString::to_string).collect(),
        }
    }
}

fn areas(catalog: &Catalog, say: Say<'_>, chosen: &Regions) -> Option<Value> {
    let choices: Vec<Choice> =
        catalog.areas.iter().map(|area| Choice::new(&area.id, area.names.get(say.locale))).collect();
    let element = blocks::many_of(&choices, &chosen.areas, &say.text("form-everywhere"));
    let hint = say.text("form-areas-hint");
    (!choices.is_empty()).then(|| blocks::input(BLOCK_AREAS, &say.text("form-areas"), Some(&hint), element))
}

fn regions(catalog: &Catalog, say: Say<'_>, chosen: &Regions) -> Option<Value> {
    let choice = |code| {
        let region = catalog.region(code)?;
        Some(Choice::new(region.code.as_str(), region.names.get(say.locale)))
    };
    let mut groups: Vec<(String, Vec<Choice>)> = catalog
        .areas
        .iter()
        .map(|area| (area.names.get(say.locale).to_owned(), area.regions.iter().filter_map(choice).collect()))
        .collect();
    let in_no_area: Vec<Choice> = catalog
        .regions
        .iter()
        .filter(|region| !catalog.areas.iter().any(|area| area.regions.contains(&region.code)))
        .filter_map(|region| choice(&region.code))
        .collect();
    groups.extend(in_no_area.chunks(limits::OPTIONS).map(|chunk| (say.text("form-regions-other"), chunk.to_vec())));
    let element = blocks::many_of_groups(&groups, &chosen.single, &say.text("form-everywhere"));
    let hint = say.text("form-regions-hint");
    (!catalog.regions.is_empty()).then(|| blocks::input(BLOCK_REGIONS, &say.text("form-regions"), Some(&hint), element))
}

fn attribute(attribute: &Attribute, say: Say<'_>, draft: &Draft) -> Value {
    let choices: Vec<Choice> =
        attribute.choices().into_iter().map(|choice| Choice::new(&choice.id, choice.names.get(say.locale))).collect();
    let element = blocks::many_of(&choices, &draft.chosen(attribute), &say.text("form-any"));
    let block = block_of_attribute(&attribute.id);
    blocks::input(&block, attribute.names.get(say.locale), Some(&say.text("form-attribute-hint")), element)
}

fn size(catalog: &Catalog, say: Say<'_>, draft: &Draft) -> [Value; 2] {
    let limits = catalog.limits;
    let allowed = |size: &&Size| match size {
        Size::People(people) => (limits.smallest_segment..=limits.largest_segment).contains(people),
        Size::Percent(_) => true,
    };
    let presets: Vec<Size> = PRESETS.iter().filter(allowed).copied().collect();
    let choices: Vec<Choice> =
        presets.iter().map(|size| Choice::new(size.to_string(), words::size(say, *size))).collect();
    let asked = draft.size.as_ref().map(|size| size.replace([',', '_', ' '], ""));
    let is_preset = |size: &str| choices.iter().any(|choice| choice.value == size);
    let initial = match &asked {
        Some(size) => Some(size.clone()).filter(|size| is_preset(size)),
        None => Some(USUAL_PRESET.to_string()).filter(|size| is_preset(size)),
    };
    let exact = asked.filter(|size| !is_preset(size));
    let hint = say.with(
        "form-size-exact-hint",
        &[("min", limits.smallest_segment.into()), ("max", limits.largest_segment.into())],
    );
    let element = blocks::select(&choices, initial.as_deref(), &say.text("form-size-placeholder"));
    let exact = blocks::text_input(exact.as_deref(), Some(&say.text("form-size-exact-placeholder")), SIZE_CHARS);
    [
        blocks::input(BLOCK_SIZE, &say.text("form-size"), None, element),
        blocks::input(BLOCK_SIZE_EXACT, &say.text("form-size-exact"), Some(&hint), exact),
    ]
}

fn converted(say: Say<'_>, draft: &Draft) -> Value {
    let asked: Option<ExcludeConverted> = draft.converted.as_deref().and_then(|text| text.parse().ok());
    let unusual = asked.filter(|asked| !ExcludeConverted::CHOICES.contains(asked));
    let usual = Choice::new(USUAL, say.text("form-converted-usual"));
    let choices: Vec<Choice> = ExcludeConverted::CHOICES
        .into_iter()
        .chain(unusual)
        .map(|choice| Choice::new(choice.to_string(), words::converted(say, choice)))
        .collect();
    let choices = [vec![usual], choices].concat();
    let initial = asked.map_or_else(|| USUAL.to_owned(), |asked| asked.to_string());
    let element = blocks::select(&choices, Some(&initial), &say.text("form-converted"));
    blocks::input(BLOCK_CONVERTED, &say.text("form-converted"), None, element)
}

/// Slack asks us for the segments only when a person opens the list, so that the form opens without the database.
fn without(say: Say<'_>, draft: &Draft) -> Value {
    let bare = |word: &String| word.trim_start_matches('#').to_owned();
    let label = |value: &str| if value.parse::<i64>().is_ok() { format!("#{value}") } else { value.to_owned() };
    let chosen: Vec<Choice> = draft
        .without
        .iter()
        .map(bare)
        .map(|value| {
            let text = label(&value);
            Choice::new(value, text)
        })
        .collect();
    let element = blocks::many_external(&chosen, &say.text("form-without-placeholder"));
    blocks::input(BLOCK_WITHOUT, &say.text("form-without"), None, element)
}

fn control(say: Say<'_>, draft: &Draft) -> Value {
    let asked: Option<u8> = draft.control.as_deref().and_then(|text| text.trim_end_matches('%').parse().ok());
    let unusual = asked.filter(|asked| !CONTROL_CHOICES.contains(asked));
    let choice = |percent: u8| Choice::new(format!("{percent}%"), words::control(say, percent));
    let usual = Choice::new(USUAL, say.text("form-control-usual"));
    let choices: Vec<Choice> =
        std::iter::once(usual).chain(CONTROL_CHOICES.into_iter().chain(unusual).map(choice)).collect();
    let initial = asked.map_or_else(|| USUAL.to_owned(), |asked| format!("{asked}%"));
    let element = blocks::select(&choices, Some(&initial), &say.text("form-control"));
    blocks::input(BLOCK_CONTROL, &say.text("form-control"), Some(&say.text("form-control-hint")), element)
}

fn deliver(say: Say<'_>, origin: &Origin) -> Value {
    let key = if origin.thread_ts.is_some() { "form-deliver-this-thread" } else { "form-deliver-thread" };
    let dm = Choice::new(DELIVER_DM, say.text("form-deliver-dm"));
    let choices = if origin.has_channel() { vec![Choice::new(DELIVER_THREAD, say.text(key)), dm] } else { vec![dm] };
    let initial = match origin.usual_delivery() {
        DeliverTo::Thread => DELIVER_THREAD,
        DeliverTo::Dm => DELIVER_DM,
    };
    blocks::required(blocks::input(BLOCK_DELIVER, &say.text("form-deliver"), None, blocks::radio(&choices, initial)))
}
