//! The HTTP door: one verified address that takes everything, and aliases for the manifest.

use std::time::Duration;

use axum::{
    Extension, Router,
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::post,
};
use slack_morphism::{
    listener::SlackClientEventsListenerEnvironment,
    prelude::{SlackEventsAxumListener, SlackHyperHttpsConnector, SlackSigningSecret},
    signature_verifier::{SlackEventAbsentSignatureError, SlackEventSignatureVerifierError},
};

use tokio::{sync::Semaphore, time::timeout};

use crate::{
    counted::Counted,
    slack::{app::SlackApp, deadline::Deadline, inbound::dispatch::dispatch, payload::Inbound, reply::Reply},
};

/// A payload of Slack is far smaller; a larger body is refused before its signature is computed.
pub const BODY_BYTES_MAX: usize = 1 << 20;
/// A slash command is a short form.
const COMMAND_BYTES_MAX: usize = 1 << 16;
/// Slack sends a body at once; whoever takes longer is not Slack.
const BODY_WAIT: Duration = Duration::from_secs(5);
/// Bodies up to a size share memory with no larger ones, so that these keep no command waiting: the size, and the bytes that
/// are held at the same time, before anything is known about who sent them.
static LANES: [(usize, Semaphore); 3] = [
    (1 << 13, Semaphore::const_new(16 << 20)),
    (1 << 16, Semaphore::const_new(8 << 20)),
    (BODY_BYTES_MAX, Semaphore::const_new(12 << 20)),
];
/// A body waits so long for memory.
const MEMORY_WAIT: Duration = Duration::from_secs(2);

static REFUSED: Counted = Counted::new();

/// Without these there is nothing to verify.
const SIGNATURE: [&str; 2] = ["x-slack-signature", "x-slack-request-timestamp"];
const COMMAND_ROUTE: &str = "/slack/command";

/// Every path takes everything; the manifest uses one for each purpose.
pub const ROUTES: [&str; 4] = ["/slack/events", COMMAND_ROUTE, "/slack/interaction", "/slack/options"];

/// The routes that Slack calls.
pub fn router(app: SlackApp) -> Router {
    let client = app.client().morphism();
    let environment =
        SlackClientEventsListenerEnvironment::new(client).with_error_handler(|error, _, _| refuse(error.as_ref()));
    let listener = SlackEventsAxumListener::<SlackHyperHttpsConnector>::new(environment.into());
    let secret = SlackSigningSecret(app.inner.config.signing_secret.expose().to_owned());
    ROUTES
        .into_iter()
        .fold(Router::new(), |router, path| router.route(path, post(receive)))
        .layer(listener.events_layer(&secret))
        .layer(middleware::from_fn(cap_body))
        .with_state(app)
}

/// Before the signature can be compared, all of a body must be there: what is not signed at all, too large, too slow or too
/// much at once is refused first. axum's own limit acts on extractors only, and the verifier is none.
async fn cap_body(request: Request, next: Next) -> Response {
    let refused = |status: StatusCode| {
        REFUSED
            .count(|count| tracing::warn!(count, status = status.as_u16(), "requests to Slack's address were refused"));
        status.into_response()
    };
    let (mut parts, body) = request.into_parts();
    parts.extensions.insert(Deadline::of_click());
    if !SIGNATURE.into_iter().all(|header| parts.headers.contains_key(header)) {
        return refused(StatusCode::UNAUTHORIZED);
    }
    let most = if parts.uri.path() == COMMAND_ROUTE { COMMAND_BYTES_MAX } else { BODY_BYTES_MAX };
    let length = parts.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    // Without a length it may be as large as any.
    let length: usize = length.unwrap_or(most);
    if length > most {
        return refused(StatusCode::PAYLOAD_TOO_LARGE);
    }
    let lane = LANES.iter().find(|(size, _)| length <= *size);
    let memory = lane.map_or(&LANES[2].1, |(_, memory)| memory);
    let held = u32::try_from(length).unwrap_or(u32::MAX);
    let Ok(Ok(_held)) = timeout(MEMORY_WAIT, memory.acquire_many(held)).await else {
        return refused(StatusCode::SERVICE_UNAVAILABLE);
    };
    match timeout(BODY_WAIT, to_bytes(body, most)).await {
        Ok(Ok(bytes)) => next.run(Request::from_parts(parts, Body::from(bytes))).await,
        Ok(Err(_)) => refused(StatusCode::PAYLOAD_TOO_LARGE),
        Err(_) => refused(StatusCode::REQUEST_TIMEOUT),
    }
}

/// Says nothing about what was wrong; the errors themselves hold parts of the request.
fn refuse(error: &(dyn std::error::Error + Send + Sync + 'static)) -> StatusCode {
    let unsigned = error.is::<SlackEventSignatureVerifierError>() || error.is::<SlackEventAbsentSignatureError>();
    REFUSED.count(|count| tracing::warn!(count, unsigned, "requests to Slack's address were refused"));
    if unsigned { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST }
}

/// A signed request is always answered with 200: Slack hides everything else from the person.
async fn receive(
    State(app): State<SlackApp>,
    Extension(deadline): Extension<Deadline>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let reply = match Inbound::from_http(content_type, &body) {
        Ok(inbound) => dispatch(&app, inbound, deadline).await,
        Err(error) => {
            tracing::warn!(%error, bytes = body.len(), "ignored");
            Reply::empty()
        }
    };
    match reply.into_body() {
        Some(body) => axum::Json(body).into_response(),
        None => StatusCode::OK.into_response(),
    }
}
