//! `queue list` and `queue show`.

use serde_json::{Value, json};
use sqlx::PgPool;

use crate::{
    cli::{columns, output},
    contracts::keys,
    queue::{self, InFlight, Request},
    texts::grouped,
};

/// Failed requests that are listed.
const FAILED_LISTED: usize = 20;

pub(super) async fn list(pool: &PgPool, json: bool) -> anyhow::Result<()> {
    let paused = queue::paused(pool).await?;
    let tallies = queue::tallies(pool).await?;
    let in_flight = queue::in_flight(pool).await?;
    let failed = queue::failed(pool, None).await?;
    if json {
        let tallies: serde_json::Map<String, Value> =
            tallies.iter().map(|tally| (tally.state.as_str().to_owned(), tally.requests.into())).collect();
        let in_flight: Vec<Value> = in_flight.iter().map(as_json).collect();
        let all = json!({ "paused_since": paused, "requests": tallies, "in_flight": in_flight, "failed": failed });
        output::line(serde_json::to_string_pretty(&all)?);
        return Ok(());
    }
    if let Some(since) = paused {
        output::line(format!("PAUSED since {}: no further segment starts.", since.format("%Y-%m-%d %H:%M UTC")));
    }
    let counts: Vec<String> = tallies
        .iter()
        .map(|tally| format!("{} {}", grouped(tally.requests.unsigned_abs()), tally.state.as_str()))
        .collect();
    output::line(if counts.is_empty() { "No requests.".to_owned() } else { counts.join(", ") });
    if !in_flight.is_empty() {
        let heading = ["request", "state", "product", "requester", "for", "tries failed", "worker"].map(str::to_owned);
        let rows: Vec<[String; 7]> = std::iter::once(heading).chain(in_flight.iter().map(row)).collect();
        columns::aligned(&rows).into_iter().for_each(output::line);
    }
    let mut newest: Vec<String> =
        failed.iter().rev().take(FAILED_LISTED).map(|one| format!("#{} ({})", one.number, one.code)).collect();
    if failed.len() > newest.len() {
        newest.push(format!("and {} older", failed.len() - newest.len()));
    }
    if !newest.is_empty() {
        output::line(format!("Failed: {}. `queue show` says why, `queue retry` tries again.", newest.join(", ")));
    }
    Ok(())
}

fn row(one: &InFlight) -> [String; 7] {
    let request = &one.request;
    let doing = match (&one.job, request.built_by_number) {
        (Some(job), _) if job.waits_seconds > 0 => format!("{} again in {} s", job.kind.as_str(), job.waits_seconds),
        (Some(job), _) if job.running => {
            format!("{} {}", job.kind.as_str(), request.stage.as_deref().unwrap_or("runs"))
        }
        (None, Some(number)) => format!("shares #{number}"),
        _ => request.state.as_str().to_owned(),
    };
    let job = one.job.as_ref();
    [
        format!("#{}", request.number),
        doing,
        request.conditions.product.to_string(),
        request.user.clone(),
        job.map_or_else(String::new, |job| format!("{} s", job.seconds)),
        job.map_or_else(String::new, |job| job.failures.to_string()),
        job.and_then(|job| job.worker.clone()).unwrap_or_default(),
    ]
}

fn as_json(one: &InFlight) -> Value {
    let job = one.job.as_ref().map(|job| {
        json!({
            "kind": job.kind, "running": job.running, "attempt": job.attempt, "failures": job.failures,
            "worker": job.worker, "seconds": job.seconds, "waits_seconds": job.waits_seconds,
        })
    });
    json!({
        "number": one.request.number, "reference": one.request.reference, "state": one.request.state,
        "stage": one.request.stage, "product": one.request.conditions.product, "requester": one.request.user,
        "shares": one.request.built_by_number, "job": job,
    })
}

pub(super) async fn show(pool: &PgPool, request: &Request, json: bool) -> anyhow::Result<()> {
    let place = queue::place(pool, request.id).await?;
    let history = queue::history(pool, request.id).await?;
    if json {
        let all = json!({
            "number": request.number, "id": request.id, "reference": request.reference, "state": request.state,
            "stage": request.stage, "requester": request.user, "team": request.team, "channel": request.channel,
            "asked": request.conditions, "shares": request.built_by_number, "failure": request.failure,
            "created_at": request.created_at, "started_at": request.started_at, "finished_at": request.finished_at,
            "place": place.map(|place| place.position), "jobs": history,
        });
        output::line(serde_json::to_string_pretty(&all)?);
        return Ok(());
    }
    let time = |at: chrono::DateTime<chrono::Utc>| at.format("%Y-%m-%d %H:%M:%S UTC").to_string();
    let facts = [
        ("request", Some(format!("#{}, reference {}", request.number, request.reference))),
        ("state", Some(request.state.as_str().to_owned())),
        ("place", place.map(|place| place.position.to_string())),
        ("shares", request.built_by_number.map(|number| format!("the segment of #{number}"))),
        ("failure", request.failure.as_ref().map(serde_json::to_string).transpose()?),
        ("asked", Some(request.conditions.to_string())),
        ("by", Some(format!("{} of {} in {}", request.user, request.team, request.channel))),
        ("asked at", Some(time(request.created_at))),
        ("started", request.started_at.map(time)),
        ("finished", request.finished_at.map(time)),
        ("files", Some(keys::segment_file(request.folder(), ""))),
    ];
    let known: Vec<(&str, String)> = facts.into_iter().filter_map(|(name, fact)| Some((name, fact?))).collect();
    columns::facts(&known).into_iter().for_each(output::line);
    history.into_iter().for_each(output::line);
    Ok(())
}
