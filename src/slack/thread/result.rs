//! The result in the thread: how many, how good, who they are. Only numbers that were measured, each with what it means.

use crate::{
    catalog::Catalog,
    queue::Request,
    segment::{Cell, Direction, Factor, Grade, Missed, Quality, Replayed, Rule, RuleTest, Summary, Waterfall},
    slack::wording::{
        blocks::{self, Message, escape},
        messages, words,
    },
    texts::{Say, fixed, grouped, percent},
};

/// Rows of a breakdown that are listed; the rest is counted.
const ROWS: usize = 10;

/// The last word in the thread; the requester is mentioned here and nowhere else.
pub(crate) fn message(catalog: &Catalog, say: Say<'_>, request: &Request, summary: &Summary) -> Message {
    let taken = words::duration(say, seconds_built(summary));
    let ready = say.with(
        "result-ready",
        &[
            ("user", request.user.as_str().into()),
            ("people", summary.waterfall.delivered.into()),
            ("title", words::title(catalog, say, request).into()),
        ],
    );
    let hidden = catalog.limits.hidden_cell;
    let mut shown = vec![
        blocks::section(&ready),
        blocks::section(&waterfall(say, &summary.waterfall)),
        blocks::section(&quality(say, summary)),
    ];
    shown.extend(rules(say, summary).as_deref().map(blocks::section));
    shown.extend(factors(say, &summary.factors).as_deref().map(blocks::section));
    let groups = [
        ("breakdown-age", &summary.breakdown.age),
        ("breakdown-gender", &summary.breakdown.gender),
        ("breakdown-region", &summary.breakdown.region),
    ];
    shown.extend(groups.iter().filter_map(|(key, cells)| {
        breakdown(say, summary, cells, hidden).map(|rows| blocks::section(&format!("*{}*\n{rows}", heading(say, key))))
    }));
    let guarded = summary.guarded_ids;
    shown.extend((guarded > 0).then(|| blocks::context(&say.with("result-guarded", &[("people", guarded.into())]))));
    shown.push(blocks::context(&provenance(say, request, summary, &taken)));
    shown.push(blocks::actions(vec![messages::rerun_button(say, &request.id.to_string())]));
    Message::new(&format!("{ready} {}", quality(say, summary)), shown)
}

/// Whole seconds of all stages, at least one.
fn seconds_built(summary: &Summary) -> i64 {
    let milliseconds: u64 = summary.stages_ms.iter().map(|(_, milliseconds)| milliseconds).sum();
    i64::try_from(milliseconds.div_ceil(1000).max(1)).unwrap_or(i64::MAX)
}

fn heading(say: Say<'_>, key: &str) -> String {
    match key {
        "breakdown-age" => say.text("breakdown-age"),
        "breakdown-gender" => say.text("breakdown-gender"),
        _ => say.text("breakdown-region"),
    }
}

fn waterfall(say: Say<'_>, waterfall: &Waterfall) -> String {
    let line = |key: &'static str, people: u64| say.with(key, &[("people", people.into())]);
    let mut lines = vec![
        line("waterfall-title", waterfall.delivered),
        line("waterfall-people", waterfall.people),
        line("waterfall-matching", waterfall.matching),
        line("waterfall-opted-out", waterfall.opted_out),
    ];
    // Steps that were not asked for, or that nobody fell to, need no line.
    lines.extend((waterfall.suppressed > 0).then(|| line("waterfall-suppressed", waterfall.suppressed)));
    lines.push(line("waterfall-converted", waterfall.converted));
    lines.extend((waterfall.in_earlier > 0).then(|| line("waterfall-in-earlier", waterfall.in_earlier)));
    lines.push(line("waterfall-eligible", waterfall.eligible));
    if waterfall.control > 0 {
        lines.push(line("waterfall-picked", waterfall.control + waterfall.delivered));
        lines.push(line("waterfall-control", waterfall.control));
        lines.push(line("waterfall-delivered-rest", waterfall.delivered));
    } else {
        lines.push(line("waterfall-delivered", waterfall.delivered));
    }
    lines.join("\n")
}

fn quality(say: Say<'_>, summary: &Summary) -> String {
    let quality = &summary.quality;
    let ranking = say.with(
        if quality.grade.is_some() { "result-quality" } else { "result-auc" },
        &[
            ("grade", quality.grade.map(|grade| self::grade(say, grade)).unwrap_or_default().into()),
            ("auc", fixed(quality.auc, 2).into()),
            ("low", fixed(quality.auc_low, 2).into()),
            ("high", fixed(quality.auc_high, 2).into()),
        ],
    );
    let replay = quality.replay.map(|Replayed { day, picked, came, random, lift }| {
        // Where everyone is in, there is no grade that would follow from it.
        let lift = lift.filter(|_| quality.grade.is_some());
        let (low, high) = lift.unwrap_or_default();
        let args = [
            ("day", day.to_string().into()),
            ("picked", picked.into()),
            ("came", came.into()),
            ("random", fixed(random, 0).into()),
            ("low", fixed(low, 1).into()),
            ("high", fixed(high, 1).into()),
        ];
        say.with(if lift.is_some() { "result-replay-lift" } else { "result-replay" }, &args)
    });
    let missed = quality.missed.map(|Missed { missed, of }| {
        say.with("result-missed", &[("missed", missed.to_string().into()), ("of", of.to_string().into())])
    });
    let unknown = (quality.without_events > 0)
        .then(|| say.with("result-without-events", &[("people", quality.without_events.into())]));
    let parts = [Some(ranking), Some(expectation(say, quality, &summary.waterfall)), missed, replay, unknown];
    say.sentences(parts.into_iter().flatten())
}

/// Everyone eligible in the segment leaves nothing to choose, so a comparison with chance says nothing.
fn expectation(say: Say<'_>, quality: &Quality, waterfall: &Waterfall) -> String {
    let args = [
        ("random", fixed(quality.expected_random, 0).into()),
        ("expected", fixed(quality.expected, 0).into()),
        ("low", quality.expected_low.into()),
        ("high", quality.expected_high.into()),
        ("lift", fixed(quality.lift, 1).into()),
    ];
    let everyone = waterfall.delivered >= waterfall.eligible;
    if everyone { say.with("result-expected-everyone", &args[1..4]) } else { say.with("result-expected", &args) }
}

fn grade(say: Say<'_>, grade: Grade) -> String {
    match grade {
        Grade::NoBetterThanChance => say.text("grade-chance"),
        Grade::Weak => say.text("grade-weak"),
        Grade::Useful => say.text("grade-useful"),
        Grade::Strong => say.text("grade-strong"),
    }
}

fn rules(say: Say<'_>, summary: &Summary) -> Option<String> {
    let lines: Vec<String> = summary.rules.iter().take(3).map(|rule| self::rule(say, rule)).collect();
    let intro = say.with("result-rules", &[("fidelity", percent(summary.rules_fidelity).into())]);
    (!lines.is_empty()).then(|| format!("{intro}\n{}", lines.join("\n")))
}

fn rule(say: Say<'_>, rule: &Rule) -> String {
    let part = |part: &crate::segment::RulePart| {
        let feature = escape(part.feature.get(say.locale));
        match part.test {
            RuleTest::AtMost(value) => {
                say.with("rule-at-most", &[("feature", feature.into()), ("value", amount(value).into())])
            }
            RuleTest::Above(value) => {
                say.with("rule-above", &[("feature", feature.into()), ("value", amount(value).into())])
            }
        }
    };
    let and = say.text("rule-and");
    let parts = rule.parts.iter().map(part).collect::<Vec<_>>().join(&format!(" {and} "));
    say.with("rule", &[("parts", parts.into()), ("share", percent(rule.share_of_segment).into())])
}

fn amount(value: f64) -> String {
    // Tests are made between values, so whole numbers and halves are all there is, as a rule.
    let decimals = [0, 1].into_iter().find(|&decimals| (value * 10_f64.powi(decimals)).fract() == 0.0).unwrap_or(2);
    fixed(value, usize::try_from(decimals).unwrap_or_default())
}

fn factors(say: Say<'_>, factors: &[Factor]) -> Option<String> {
    let lines: Vec<String> = factors
        .iter()
        .take(5)
        .map(|factor| {
            let direction = match factor.direction {
                Direction::Higher => say.text("direction-higher"),
                Direction::Lower => say.text("direction-lower"),
                Direction::Mixed => say.text("direction-mixed"),
            };
            let feature = escape(factor.feature.get(say.locale));
            say.with(
                "factor",
                &[
                    ("feature", feature.into()),
                    ("direction", direction.into()),
                    ("share", percent(factor.share).into()),
                ],
            )
        })
        .collect();
    (!lines.is_empty()).then(|| format!("{}\n{}", say.text("result-factors"), lines.join("\n")))
}

/// The largest groups of the segment, each beside its share of everyone eligible; small groups show as `<10`.
fn breakdown(say: Say<'_>, summary: &Summary, cells: &[Cell], hidden: u64) -> Option<String> {
    let mut cells: Vec<&Cell> = cells.iter().collect();
    if cells.len() > ROWS {
        cells.sort_by_key(|cell| std::cmp::Reverse(cell.segment));
    }
    let Waterfall { delivered, eligible, .. } = summary.waterfall;
    let count = |count: Option<u64>| count.map_or_else(|| format!("&lt;{hidden}"), grouped);
    let share = |count: Option<u64>, of: u64| count.map_or_else(|| "–".to_owned(), |count| percent(ratio(count, of)));
    let row = |cell: &&Cell| {
        let args = [
            ("label", escape(cell.label.get(say.locale)).into()),
            ("count", count(cell.segment).into()),
            ("share", share(cell.segment, delivered).into()),
            ("everyone", share(cell.eligible, eligible).into()),
        ];
        say.with("breakdown-row", &args)
    };
    let mut rows: Vec<String> = cells.iter().take(ROWS).map(row).collect();
    if let Some(more) = cells.len().checked_sub(ROWS).filter(|more| *more > 0) {
        rows.push(say.with("breakdown-more", &[("more", more.into())]));
    }
    (!rows.is_empty()).then(|| rows.join("\n"))
}

#[expect(clippy::cast_precision_loss, reason = "numbers of people, far below 2^52")]
fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn provenance(say: Say<'_>, request: &Request, summary: &Summary, taken: &str) -> String {
    let model = if summary.model_reused { say.text("model-reused") } else { say.text("model-trained") };
    let meeting = summary
        .quality
        .positives_meeting
        .map_or_else(String::new, |people| say.with("result-positives-meeting", &[("people", people.into())]));
    say.with(
        "result-provenance",
        &[
            ("as_of", summary.as_of.to_string().into()),
            ("positives", summary.quality.positives.into()),
            ("meeting", meeting.into()),
            ("model", model.into()),
            ("duration", taken.into()),
            ("reference", request.reference.as_str().into()),
        ],
    )
}
